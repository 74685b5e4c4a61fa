//! Findings by their codes, and those that one run has and the other has not.

use std::collections::{BTreeMap, BTreeSet};

use libcmatrix_schema::{Finding, FindingInBrief, RunRecord};

/// Findings of `here` whose code `there` does not have.
pub(super) fn only_in(here: &RunRecord, there: &RunRecord) -> Vec<FindingInBrief> {
    let known: BTreeSet<&str> = there.findings.iter().map(|f| f.code.as_str()).collect();
    by_code(here.findings.iter().filter(|f| !known.contains(f.code.as_str())))
}

/// Several findings of one code are told as one: the gravest, the surest, with the tests of all.
#[must_use]
pub fn by_code<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<FindingInBrief> {
    let mut all: BTreeMap<&str, FindingInBrief> = BTreeMap::new();
    for finding in findings {
        let told = all.entry(&finding.code).or_insert_with(|| FindingInBrief {
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
    all.into_values().collect()
}
