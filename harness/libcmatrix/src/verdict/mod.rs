//! The answer: go, no-go or inconclusive. Pure.
//!
//! Takes a run record, its comparison and a [`Policy`]; gives a [`Verdict`] with every rule, what
//! was measured, and how it came out. A failed rule that stands for no-go outweighs any that
//! stands for inconclusive: what was seen to break stays broken, whatever else was not seen.

mod measure;
mod policy;

use libcmatrix_schema::{
    Comparison, Rule, RuleStatus, RunRecord, StepStatus, Verdict, VerdictOutcome,
};

use measure::Measured;
pub use policy::Policy;

/// Decides.
#[must_use]
pub fn decide(record: &RunRecord, comparison: &Comparison, policy: &Policy) -> Verdict {
    let measured = Measured::of(record, comparison);
    let judged = policy.judge(&measured);
    let failed = |outcome| judged.iter().filter(move |(rule, _)| fails(rule, outcome));
    let outcome = if failed(VerdictOutcome::NoGo).next().is_some() {
        VerdictOutcome::NoGo
    } else if failed(VerdictOutcome::Inconclusive).next().is_some() {
        VerdictOutcome::Inconclusive
    } else {
        VerdictOutcome::Go
    };
    let mut reasons: Vec<String> = failed(VerdictOutcome::NoGo)
        .chain(failed(VerdictOutcome::Inconclusive))
        .map(|(_, reason)| reason.clone())
        .collect();
    if reasons.is_empty() {
        reasons.push(match comparison.compared {
            1 => "the one test that was compared does the same on both sides".into(),
            n if measured.changed == 0 => {
                format!("all {n} compared tests do the same on both sides")
            }
            n => format!("of {n} compared tests, no test got worse"),
        });
    }
    if measured.failed_on_both > 0 {
        reasons.push(format!(
            "{} built on neither side, so nothing is known of {}",
            count(measured.failed_on_both, "target was", "targets were"),
            if measured.failed_on_both == 1 { "its tests" } else { "their tests" },
        ));
    }
    Verdict { outcome, reasons, rules: judged.into_iter().map(|(rule, _)| rule).collect() }
}

fn fails(rule: &Rule, outcome: VerdictOutcome) -> bool {
    rule.status == RuleStatus::Fail && rule.on_failure == outcome
}

/// `1 test`, `2 tests`.
fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Whether a step ended in a way that says something about the project.
fn tells(status: StepStatus) -> bool {
    !matches!(status, StepStatus::EngineFault | StepStatus::Interrupted)
}
