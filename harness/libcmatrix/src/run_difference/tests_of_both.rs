//! The tests of both runs by their ids, also those that only one of them has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use libcmatrix_schema::{
    AttemptStatus, Change, Leg, Role, RunRecord, StepName, StepStatus, Test, TestDifference,
    TestDifferenceKind as Kind, is_doctest,
};

use super::{
    is_worse,
    test::{Seen, between},
};

pub(super) struct Tests {
    pub(super) differences: Vec<TestDifference>,
    pub(super) still_worse: u64,
}

/// What became of each test.
pub(super) fn differences(earlier: &RunRecord, later: &RunRecord) -> Tests {
    let (then, now) = (Run::of(earlier), Run::of(later));
    let ids: BTreeSet<&str> = then.changes.keys().chain(now.changes.keys()).copied().collect();
    let mut tests = Tests { differences: Vec::new(), still_worse: 0 };
    for id in ids {
        let (a, b) = (then.seen(id), now.seen(id));
        let kinds = [&a, &b].map(|seen| seen.as_ref().map(|s| s.change.change));
        let [earlier_is_worse, later_is_worse] =
            [&a, &b].map(|seen| seen.as_ref().is_some_and(|seen| is_worse(seen.change)));
        let (kind, reason, probability) = match (&a, &b) {
            (Some(a), Some(b)) => {
                tests.still_worse += u64::from(earlier_is_worse && later_is_worse);
                let Some(became) = between(a, b) else { continue };
                (became.kind, became.reason, became.probability)
            }
            (None, Some(_)) if then.would_know(id) => {
                (Kind::Appeared, "the earlier run has no such test".to_owned(), None)
            }
            (None, Some(_)) => {
                (Kind::ResultGained, "the earlier run did not get as far as it".to_owned(), None)
            }
            (Some(_), None) if now.would_know(id) => {
                (Kind::Gone, "the later run has no such test".to_owned(), None)
            }
            _ => (Kind::ResultLost, "the later run did not get as far as it".to_owned(), None),
        };
        let id = id.to_owned();
        let [earlier, later] = kinds;
        tests.differences.push(TestDifference {
            id,
            kind,
            earlier,
            later,
            earlier_is_worse,
            later_is_worse,
            reason,
            probability,
        });
    }
    // Ids are in order already.
    tests.differences.sort_by_key(|test| Kind::ALL.iter().position(|kind| *kind == test.kind));
    tests
}

/// One run, for looking up tests.
struct Run<'a> {
    changes: BTreeMap<&'a str, &'a Change>,
    baseline: HashMap<&'a str, &'a Test>,
    candidate: HashMap<&'a str, &'a Test>,
    legs: Vec<&'a Leg>,
}

impl<'a> Run<'a> {
    fn of(record: &'a RunRecord) -> Self {
        let tests = |role| -> HashMap<&str, &Test> {
            let tests = record.leg(role).into_iter().flat_map(|leg| &leg.tests);
            tests.map(|test| (test.id.as_str(), test)).collect()
        };
        let changes = record.comparison.iter().flat_map(|comparison| &comparison.changes);
        Self {
            changes: changes.map(|change| (change.id.as_str(), change)).collect(),
            baseline: tests(Role::Baseline),
            candidate: tests(Role::Candidate),
            legs: [Role::Baseline, Role::Candidate].iter().filter_map(|r| record.leg(*r)).collect(),
        }
    }

    fn seen(&self, id: &str) -> Option<Seen<'a>> {
        Some(Seen {
            change: self.changes.get(id)?,
            baseline: self.baseline.get(id).copied(),
            candidate: self.candidate.get(id).copied(),
        })
    }

    /// Whether a leg would have named the test if there were one: its binary listed its tests, or the
    /// whole build came to its end without such a binary; the same of doctests.
    fn would_know(&self, id: &str) -> bool {
        let binary_id = id.split_once('$').map_or(id, |(binary, _)| binary);
        self.legs.iter().any(|leg| {
            let passed = |name| leg.step(name).is_some_and(|s| s.status == StepStatus::Passed);
            if is_doctest(id) {
                return passed(StepName::Doctest);
            }
            match leg.binaries.iter().find(|binary| binary.id == binary_id) {
                Some(binary) => binary.listing == Some(AttemptStatus::Passed),
                None => passed(StepName::Build),
            }
        })
    }
}
