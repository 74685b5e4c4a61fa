//! The baseline against the candidate, test by test. Pure.
//!
//! Takes a [`RunRecord`]; gives a [`Comparison`] with one [`Change`] for every test that either side
//! knows: first what each side says of the test, then what the two make together.
//! What was measured several times is compared by medians with their intervals.
//! Whatever keeps a test from having a result for a reason outside of it is `indeterminate`, never
//! a difference and never silence.

pub(crate) mod chance;
pub(crate) mod change;
pub(crate) mod measured;
mod paired;
mod side;

use std::collections::BTreeSet;

use libcmatrix_schema::{Change, ChangeKind, Comparison, Leg, Role, RunRecord, Test, is_doctest};

use change::Chance;
pub use measured::CLEAR;
use paired::Pair;
use side::{Side, Sides};

/// With more tests that differ than this, chance is not the explanation. So many are run again to
/// confirm that they do.
pub const MOST_CONFIRMED: usize = 200;

/// A test that takes so much longer, in seconds, and [`CLEAR`] times as long, is worth a question.
pub const NOTICEABLE_S: f64 = 0.1;

/// Compares the two legs of a run. A leg that does not exist has no tests.
#[must_use]
pub fn compare(record: &RunRecord) -> Comparison {
    let (baseline, candidate) = (record.leg(Role::Baseline), record.leg(Role::Candidate));
    let (left, right) = (Sides::new(baseline), Sides::new(candidate));
    let pairs = paired::pair(tests(baseline), tests(candidate));
    let differing = pairs.iter().filter(|pair| differ(pair)).count();
    let chance = if differing > MOST_CONFIRMED { Chance::Excluded } else { Chance::Asked };
    let mut comparison = Comparison::default();
    let mut same = Vec::new();
    for Pair { id, baseline, candidate } in pairs {
        let (a, b) = (left.of(id, baseline), right.of(id, candidate));
        let is_doctest = is_doctest(id);
        let is_compared = a.has_result() && b.has_result();
        comparison.total += 1;
        comparison.total_doctests += u64::from(is_doctest);
        comparison.compared += u64::from(is_compared);
        comparison.compared_doctests += u64::from(is_compared && is_doctest);
        let (kind, reason) = change::between(&a, &b, chance);
        if let (Some(a), Some(b), ChangeKind::Same) = (baseline, candidate, kind)
            && measured::is_comparable(a, b)
        {
            same.push((a, b));
        }
        let name = |test: Option<&Test>| test.map(|test| test.outcome.name().into());
        comparison.changes.push(Change {
            id: id.to_owned(),
            change: kind,
            baseline: name(baseline),
            candidate: name(candidate),
            reason,
        });
    }
    comparison.changes.extend(binaries(&left, &right));
    comparison.changes.sort_by(|a, b| a.id.cmp(&b.id));
    comparison.total += comparison.changes.iter().filter(|c| !c.id.contains('$')).count() as u64;
    if let (Some(baseline), Some(candidate)) = (baseline, candidate) {
        comparison.measurements = measured::totals(baseline, candidate, &same);
        comparison.tests_measured = measured::slower_and_larger(&same);
        comparison.packages_measured = measured::packages(baseline, candidate);
        comparison.benches_measured = measured::benches(baseline, candidate);
        comparison.measurements.extend(measured::all_benches(&comparison.benches_measured));
    }
    comparison
}

fn tests(leg: Option<&Leg>) -> &[Test] {
    leg.map_or(&[], |leg| &leg.tests)
}

/// Whether both sides have a result, and not the same.
fn differ(pair: &Pair<'_>) -> bool {
    let (Some(a), Some(b)) = (pair.baseline, pair.candidate) else { return false };
    a.outcome != b.outcome && Side::Known(a).has_result() && Side::Known(b).has_result()
}

/// Binaries that break before they name a test, on the side that would have to name it, while no
/// test of theirs is known from the other side: each counts as a test of the binary's own id.
fn binaries(left: &Sides<'_>, right: &Sides<'_>) -> Vec<Change> {
    let broken: BTreeSet<&str> = left.broken_binaries().chain(right.broken_binaries()).collect();
    broken
        .into_iter()
        .filter(|id| !left.has_tests_of(id) && !right.has_tests_of(id))
        .map(|id| {
            let (change, reason) =
                change::between(&left.of_binary(id), &right.of_binary(id), Chance::Asked);
            Change { id: id.to_owned(), change, baseline: None, candidate: None, reason }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{AttemptStatus, ChangeKind};
    use serde_json::json;

    use super::*;

    /// A leg that was built, with one binary.
    fn leg(listing: &AttemptStatus, excluded: Option<&str>) -> Leg {
        serde_json::from_value(json!({
            "name": "l", "role": "candidate",
            "environment": {"libc": "musl", "distro": "x", "release": "1", "linkage": "static"},
            "steps": [{"name": "build", "status": "passed", "wall_s": 1.0}],
            "binaries": [{"id": "p", "harness": true, "listing": listing, "excluded": excluded}],
        }))
        .expect("a leg")
    }

    #[test]
    fn a_binary_that_breaks_counts_unless_it_is_left_out() {
        let crashed = AttemptStatus::Crashed { signal: 11 };
        let (good, bad) = (leg(&AttemptStatus::Passed, None), leg(&crashed, None));
        let changes = |a: &Leg, b: &Leg| binaries(&Sides::new(Some(a)), &Sides::new(Some(b)));
        let found = changes(&good, &bad);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), found[0].change), ("p", ChangeKind::Regressed));
        assert!(changes(&good, &good).is_empty());
        let left_out = leg(&crashed, Some("runs in the compiler"));
        assert!(changes(&left_out, &left_out).is_empty());
    }
}
