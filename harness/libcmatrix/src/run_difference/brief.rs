//! A run in a few numbers.

use libcmatrix_schema::{RunInBrief, RunRecord};

use super::is_worse;

/// The run's answer and its counts.
#[must_use]
pub fn in_brief(record: &RunRecord) -> RunInBrief {
    let comparison = record.comparison.as_ref();
    let changes = comparison.iter().flat_map(|c| &c.changes);
    RunInBrief {
        run_id: record.run_id.clone(),
        started_at: record.started_at.clone(),
        project: record.project.name.clone(),
        commit: record.project.commit.clone(),
        verdict: record.verdict.as_ref().map(|v| v.outcome),
        compared: comparison.map_or(0, |c| c.compared),
        total: comparison.map_or(0, |c| c.total),
        worse: changes.filter(|change| is_worse(change)).count() as u64,
    }
}
