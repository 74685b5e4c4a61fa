//! Since when a test is worse: the first bad run, and the last good one before it.

use std::collections::HashMap;

use libcmatrix_schema::{ChangeKind, OngoingRegression};

use super::{super::kept::KeptRun, name};

/// Tests that are worse in the newest run that has details.
pub(super) fn ongoing(runs: &[&KeptRun]) -> Vec<OngoingRegression> {
    let detailed: Vec<&KeptRun> = runs.iter().copied().filter(|run| run.has_details).collect();
    let Some((newest, older)) = detailed.split_last() else { return Vec::new() };
    let lookups: Vec<HashMap<&str, ChangeKind>> = older
        .iter()
        .map(|run| run.changes.iter().map(|(id, change)| (id.as_ref(), *change)).collect())
        .collect();
    let mut all: Vec<(usize, OngoingRegression)> = Vec::new();
    for (id, change) in newest.changes.iter().filter(|(_, change)| change.is_worse()) {
        let (mut first_bad, mut bad_runs, mut silent_runs) = (older.len(), 1, 0);
        let mut last_good = None;
        for (n, changes) in lookups.iter().enumerate().rev() {
            match changes.get(id.as_ref()) {
                Some(change) if change.is_worse() => {
                    first_bad = n;
                    bad_runs += 1;
                }
                Some(ChangeKind::Same | ChangeKind::Fixed) => {
                    last_good = Some(n);
                    break;
                }
                _ => {}
            }
        }
        let since = last_good.map_or(first_bad, |good| good + 1);
        silent_runs += (detailed.len() - since) as u64 - bad_runs;
        all.push((
            first_bad,
            OngoingRegression {
                id: id.to_string(),
                change: *change,
                first_bad: name(detailed[first_bad]),
                last_good: last_good.map(|good| name(detailed[good])),
                bad_runs,
                silent_runs,
            },
        ));
    }
    all.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.id.cmp(&y.id)));
    all.into_iter().map(|(_, regression)| regression).collect()
}
