//! Steps that both runs reached and that did not end alike.

use libcmatrix_schema::{Role, RunRecord, StepDifference, StepStatus};

pub(super) fn differences(earlier: &RunRecord, later: &RunRecord) -> Vec<StepDifference> {
    let mut all = Vec::new();
    for role in [Role::Baseline, Role::Candidate] {
        let (Some(then), Some(now)) = (earlier.leg(role), later.leg(role)) else { continue };
        for step in &now.steps {
            let earlier = then.step(step.name).map(|s| s.status);
            // A step that had nothing to do says nothing about one that had.
            let says_something =
                |s: Option<StepStatus>| s.is_some_and(|s| s != StepStatus::Skipped);
            let later = Some(step.status);
            if earlier != later && says_something(earlier) && says_something(later) {
                all.push(StepDifference { role, step: step.name, earlier, later });
            }
        }
    }
    all
}
