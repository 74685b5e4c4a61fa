//! Findings that one run has and the other has not, by their codes.

use std::collections::{BTreeMap, BTreeSet};

use libcmatrix_schema::{FindingInBrief, RunRecord};

/// Findings of `here` whose code `there` does not have; several of one code are told as one.
pub(super) fn only_in(here: &RunRecord, there: &RunRecord) -> Vec<FindingInBrief> {
    let known: BTreeSet<&str> = there.findings.iter().map(|f| f.code.as_str()).collect();
    let mut only: BTreeMap<&str, FindingInBrief> = BTreeMap::new();
    for finding in here.findings.iter().filter(|f| !known.contains(f.code.as_str())) {
        let told = only.entry(&finding.code).or_insert_with(|| FindingInBrief {
            code: finding.code.clone(),
            title: finding.title.clone(),
            severity: finding.severity,
            confidence: finding.confidence,
            tests: 0,
        });
        told.severity = told.severity.max(finding.severity);
        told.confidence = told.confidence.max(finding.confidence);
        told.tests += finding.tests.len() as u64;
    }
    only.into_values().collect()
}
