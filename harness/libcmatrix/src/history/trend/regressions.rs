//! Since when a test is worse: the first bad run, and the last good one before it.

use std::collections::{BTreeSet, HashMap};

use libcmatrix_schema::{ChangeKind, OngoingRegression, Role, is_doctest};

use super::{
    super::kept::{KeptChange, KeptLeg, KeptRun},
    leg, name,
};

/// What one run says of a test.
enum Says {
    Worse(ChangeKind),
    Good,
    /// There is no such test any more, or not yet.
    Gone,
    /// It was not run there, its attempts disagree, or it is not known whether there is one.
    Nothing,
}

/// Tests that are worse in the newest run that tells of them, of those that have details. A run that saw
/// nothing of a test, as where the build broke, does not end what was seen before.
pub(super) fn ongoing(runs: &[&KeptRun]) -> Vec<OngoingRegression> {
    let detailed: Vec<Lookup<'_>> =
        runs.iter().filter(|run| run.has_details).map(|run| Lookup::new(run)).collect();
    let worse = detailed.iter().flat_map(|run| &run.run.changes).filter(|change| change.is_worse);
    let ids: BTreeSet<&str> = worse.map(|change| change.id.as_ref()).collect();
    let mut all: Vec<(usize, OngoingRegression)> =
        ids.into_iter().filter_map(|id| followed_back(id, &detailed)).collect();
    // Ids are in order already.
    all.sort_by_key(|(first_bad, _)| *first_bad);
    all.into_iter().map(|(_, regression)| regression).collect()
}

/// With the place of its first bad run; nothing where the test is good or gone now.
fn followed_back(id: &str, runs: &[Lookup<'_>]) -> Option<(usize, OngoingRegression)> {
    let (mut newest, mut last_good) = (None, None);
    let (mut first_bad, mut bad_runs) = (runs.len(), 0);
    for (n, run) in runs.iter().enumerate().rev() {
        match run.says(id) {
            Says::Worse(change) => {
                newest.get_or_insert(change);
                first_bad = n;
                bad_runs += 1;
            }
            Says::Good => {
                last_good = Some(n);
                break;
            }
            // A test that was taken out is no matter any more; one that was away for a while is.
            Says::Gone if newest.is_none() => break,
            Says::Gone | Says::Nothing => {}
        }
    }
    let since = last_good.map_or(first_bad, |good| good + 1);
    let regression = OngoingRegression {
        id: id.to_owned(),
        change: newest?,
        first_bad: name(runs[first_bad].run),
        last_good: last_good.map(|good| name(runs[good].run)),
        bad_runs,
        silent_runs: (runs.len() - since) as u64 - bad_runs,
    };
    Some((first_bad, regression))
}

fn on_both_sides(run: &KeptRun, is_one: fn(&str) -> bool) -> bool {
    let has_one = |leg: &KeptLeg| leg.tests.iter().any(|test| is_one(&test.id));
    [Role::Baseline, Role::Candidate].into_iter().all(|role| leg(run, role).is_some_and(has_one))
}

/// One run, for looking up tests.
struct Lookup<'a> {
    run: &'a KeptRun,
    changes: HashMap<&'a str, &'a KeptChange>,
    /// Whether each side has such a test; a side whose build broke has none.
    has_tests: bool,
    has_doctests: bool,
}

impl<'a> Lookup<'a> {
    fn new(run: &'a KeptRun) -> Self {
        Self {
            run,
            changes: run.changes.iter().map(|change| (change.id.as_ref(), change)).collect(),
            has_tests: on_both_sides(run, |id| !is_doctest(id)),
            has_doctests: on_both_sides(run, is_doctest),
        }
    }

    fn says(&self, id: &str) -> Says {
        match self.changes.get(id) {
            Some(change) if change.is_worse => Says::Worse(change.kind),
            Some(change) => match change.kind {
                ChangeKind::Same | ChangeKind::Fixed => Says::Good,
                ChangeKind::Appeared if self.passed_in_candidate(id) => Says::Good,
                _ => Says::Nothing,
            },
            None if self.would_know(id) => Says::Gone,
            None => Says::Nothing,
        }
    }

    fn passed_in_candidate(&self, id: &str) -> bool {
        let tests = leg(self.run, Role::Candidate).map_or(&[][..], |leg| &leg.tests);
        let found = tests.binary_search_by(|test| test.id.as_ref().cmp(id));
        found.is_ok_and(|n| tests[n].attempts > 0 && tests[n].passed == tests[n].attempts)
    }

    /// Whether the run would have named the test if there were one: it names others that are built
    /// together with it, and does not say that its binary broke before it named any.
    fn would_know(&self, id: &str) -> bool {
        if is_doctest(id) {
            return self.has_doctests;
        }
        let binary = id.split_once('$').map_or(id, |(binary, _)| binary);
        self.has_tests && !self.changes.contains_key(binary)
    }
}
