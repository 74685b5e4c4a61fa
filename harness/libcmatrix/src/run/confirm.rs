//! Which tests are run again: those that both legs ran, with different outcomes. Pure.

use std::collections::{HashMap, HashSet};

use libcmatrix_schema::{Role, RunRecord, Test};

use crate::compare::MOST_CONFIRMED;

/// Ids of the tests, or of the doctests, whose outcomes differ between baseline and candidate.
#[must_use]
pub fn differing(record: &RunRecord, doctests: bool) -> HashSet<String> {
    let ran = |role: Role| -> HashMap<&str, &Test> {
        let legs = record.legs.iter().filter(|l| l.role == role);
        let tests = legs.flat_map(|l| &l.tests).filter(|t| !t.attempts.is_empty());
        tests.filter(|t| t.is_doctest() == doctests).map(|t| (t.id.as_str(), t)).collect()
    };
    let (baseline, candidate) = (ran(Role::Baseline), ran(Role::Candidate));
    let mut ids: Vec<&str> = baseline
        .iter()
        .filter(|(id, test)| candidate.get(*id).is_some_and(|c| c.outcome != test.outcome))
        .map(|(id, _)| *id)
        .collect();
    ids.sort_unstable();
    ids.truncate(MOST_CONFIRMED);
    ids.into_iter().map(str::to_owned).collect()
}
