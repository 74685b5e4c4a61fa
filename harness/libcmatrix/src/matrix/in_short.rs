//! A run as a cell of a matrix.
//!
//! Takes its record and its folder; gives what a grid shows of it.

use std::collections::BTreeMap;

use libcmatrix_schema::{CellResult, CellRun, ChangeKind, RunRecord};

/// A run in short. One that has no verdict has failed.
#[must_use]
pub fn in_short(record: &RunRecord, folder: &str) -> CellResult {
    let (Some(verdict), Some(comparison)) = (&record.verdict, &record.comparison) else {
        let why = "it did not come to a verdict".into();
        return CellResult::Failed { why, folder: Some(folder.into()) };
    };
    let mut changes = BTreeMap::new();
    for change in comparison.changes.iter().filter(|change| change.change != ChangeKind::Same) {
        *changes.entry(change.change.to_string()).or_default() += 1;
    }
    CellResult::Ran(CellRun {
        folder: folder.into(),
        verdict: verdict.outcome,
        reasons: verdict.reasons.clone(),
        compared: comparison.compared,
        total: comparison.total,
        changes,
        findings: record.findings.iter().map(|finding| finding.code.clone()).collect(),
    })
}
