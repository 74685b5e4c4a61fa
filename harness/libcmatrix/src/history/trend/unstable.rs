//! Tests that do not do the same each time: their attempts disagree within a run, or they go back and
//! forth from run to run.

use std::collections::HashMap;

use libcmatrix_schema::{Role, UnstableTest};

use super::super::kept::{KeptRun, KeptTest};

/// Back and forth: a test that went bad once, or was mended once, is not unstable.
const FEWEST_FLIPS: u64 = 2;

/// What was seen of a test on one side.
#[derive(Default)]
struct Seen {
    runs: u64,
    unstable_runs: u64,
    flips: u64,
    passed: u64,
    attempts: u64,
    was_good: Option<bool>,
}

/// The flakiest first: by runs in which attempts disagreed, and by flips.
pub(super) fn flakiest(runs: &[&KeptRun]) -> Vec<UnstableTest> {
    let mut seen: HashMap<(&str, bool), Seen> = HashMap::new();
    for leg in runs.iter().flat_map(|run| &run.legs) {
        for test in leg.tests.iter().filter(|test| test.attempts > 0) {
            seen.entry((&test.id, leg.role == Role::Baseline)).or_default().see(test);
        }
    }
    let mut all: Vec<UnstableTest> = seen
        .into_iter()
        .filter(|(_, seen)| seen.unstable_runs > 0 || seen.flips >= FEWEST_FLIPS)
        .map(|((id, is_baseline), seen)| UnstableTest {
            id: id.to_owned(),
            role: if is_baseline { Role::Baseline } else { Role::Candidate },
            runs: seen.runs,
            unstable_runs: seen.unstable_runs,
            flips: seen.flips,
            passed: seen.passed,
            attempts: seen.attempts,
        })
        .collect();
    let weight = |test: &UnstableTest| test.unstable_runs + test.flips;
    let is_baseline = |test: &UnstableTest| test.role == Role::Baseline;
    all.sort_by(|a, b| {
        let by_name = || a.id.cmp(&b.id).then(is_baseline(b).cmp(&is_baseline(a)));
        weight(b).cmp(&weight(a)).then_with(by_name)
    });
    all
}

impl Seen {
    fn see(&mut self, test: &KeptTest) {
        self.runs += 1;
        self.passed += test.passed;
        self.attempts += test.attempts;
        let is_good = test.passed == test.attempts;
        if !is_good && test.passed > 0 {
            // Neither good nor bad, so no flip.
            self.unstable_runs += 1;
            return;
        }
        if self.was_good.is_some_and(|was_good| was_good != is_good) {
            self.flips += 1;
        }
        self.was_good = Some(is_good);
    }
}
