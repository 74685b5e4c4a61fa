//! Which tests are run again: those that both legs ran, with different outcomes, or with good ones in
//! very different time. Pure.

use std::collections::{HashMap, HashSet};

use libcmatrix_schema::{Outcome, Role, RunRecord, Test};

use crate::{
    compare::{CLEAR, MOST_CONFIRMED, NOTICEABLE_S},
    statistics::{FEWEST, median},
};

/// The most that tests are run again only for their time, in seconds, both sides together.
const MOST_SECONDS: f64 = 60.0;

/// Ids of the tests, or of the doctests, whose outcomes differ between baseline and candidate.
#[must_use]
pub fn differing(record: &RunRecord, doctests: bool) -> HashSet<String> {
    let ran = |role| ran(record, role, doctests);
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

/// Ids of tests that pass on both sides, and whose time differs so that one attempt is not enough to
/// say it: the largest differences first, as many as can be run `times` times more in a minute.
#[must_use]
pub fn slower(record: &RunRecord, times: u32) -> HashSet<String> {
    let ran = |role| ran(record, role, false);
    apart(&ran(Role::Baseline), &ran(Role::Candidate), times)
}

fn apart(
    baseline: &HashMap<&str, &Test>,
    candidate: &HashMap<&str, &Test>,
    times: u32,
) -> HashSet<String> {
    let mut apart: Vec<(f64, f64, &str)> = baseline
        .iter()
        .filter_map(|(id, a)| {
            let (a, b) = (seconds(a)?, seconds(candidate.get(id)?)?);
            let is_apart = (a - b).abs() >= NOTICEABLE_S && a.max(b) >= CLEAR * a.min(b);
            is_apart.then_some(((a - b).abs(), a + b, *id))
        })
        .collect();
    apart.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(b.2)));
    let mut left = MOST_SECONDS;
    let mut ids = HashSet::new();
    for (_, both, id) in apart {
        let takes = both * f64::from(times);
        if takes <= left {
            left -= takes;
            ids.insert(id.to_owned());
        }
    }
    ids
}

/// What a good test takes, unless that is known well enough.
fn seconds(test: &Test) -> Option<f64> {
    let is_asked = test.outcome == Outcome::Passed && test.attempts.len() < FEWEST;
    let all: Vec<f64> = test.attempts.iter().filter_map(|attempt| attempt.wall_s).collect();
    median(&all).filter(|_| is_asked)
}

fn ran(record: &RunRecord, role: Role, doctests: bool) -> HashMap<&str, &Test> {
    let leg = record.leg(role).into_iter();
    let tests = leg.flat_map(|leg| &leg.tests).filter(|t| !t.attempts.is_empty());
    tests.filter(|t| t.is_doctest() == doctests).map(|t| (t.id.as_str(), t)).collect()
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{Attempt, AttemptStatus};

    use super::*;

    /// Ids that are asked for of tests that take so long on either side.
    fn asked(tests: &[(&str, f64, f64)], times: u32) -> HashSet<String> {
        let test = |id: &str, seconds| {
            let attempts = vec![Attempt {
                wall_s: Some(seconds),
                ..Attempt::unmeasured(AttemptStatus::Passed)
            }];
            Test { id: id.into(), outcome: Outcome::of(&attempts), attempts }
        };
        let sides: Vec<(Test, Test)> =
            tests.iter().map(|(id, a, b)| (test(id, *a), test(id, *b))).collect();
        let baseline = sides.iter().map(|(a, _)| (a.id.as_str(), a)).collect();
        let candidate = sides.iter().map(|(_, b)| (b.id.as_str(), b)).collect();
        apart(&baseline, &candidate, times)
    }

    #[test]
    fn what_takes_much_longer_is_run_again_as_far_as_there_is_time() {
        let tests = [
            ("p$slow", 0.1, 0.9),
            ("p$quick", 1.0, 0.1),
            ("p$short", 0.001, 0.09),
            ("p$alike", 2.0, 2.5),
            ("p$minutes", 100.0, 300.0),
        ];
        assert_eq!(asked(&tests, 4), ["p$slow", "p$quick"].map(str::to_owned).into());
        assert_eq!(asked(&tests, 40), ["p$quick".to_owned()].into(), "the time is for one of them");
    }
}
