//! What kept runs show together. Pure.
//!
//! Takes runs, the oldest first; gives [`Trends`]: runs of one project and one pair of environments that
//! ask the same make a series, and only what lies in one series is set against each other.

mod growth;
mod kendall;
mod regressions;
mod unstable;

use std::collections::BTreeMap;

use libcmatrix_schema::{HistoryImage, HistoryRun, HistoryTime, Role, RunName, Series, Trends};

use super::kept::{KeptLeg, KeptRun};

/// Finds what runs show together.
#[must_use]
pub fn trends(runs: &[KeptRun]) -> Trends {
    let mut by_key: BTreeMap<Key<'_>, Vec<&KeptRun>> = BTreeMap::new();
    for run in runs {
        by_key.entry(key(run)).or_default().push(run);
    }
    let mut series: Vec<Series> = by_key
        .into_iter()
        .map(|(([project, baseline, candidate], question), runs)| Series {
            project: project.into(),
            baseline: baseline.into(),
            candidate: candidate.into(),
            question: question.clone(),
            regressions: regressions::ongoing(&runs),
            unstable: unstable::flakiest(&runs),
            growth: growth::largest(&runs),
            runs: runs.into_iter().map(shown).collect(),
        })
        .collect();
    // Stable: series of one time stay in the order of their names.
    series.sort_by(|a, b| newest(b).cmp(&newest(a)));
    Trends { series }
}

fn newest(series: &Series) -> Option<&str> {
    series.runs.last().map(|run| run.started_at.as_str())
}

/// What makes runs comparable: project, baseline, candidate, and what was asked.
type Key<'a> = ([&'a str; 3], &'a BTreeMap<String, String>);

fn key(run: &KeptRun) -> Key<'_> {
    let name = |role| leg(run, role).map_or("", |leg| leg.name.as_str());
    ([&run.project, name(Role::Baseline), name(Role::Candidate)], &run.question)
}

/// The side of that role.
fn leg(run: &KeptRun, role: Role) -> Option<&KeptLeg> {
    run.legs.iter().find(|leg| leg.role == role)
}

fn shown(run: &KeptRun) -> HistoryRun {
    let times = run.legs.iter().flat_map(|leg| {
        leg.times.iter().map(|(quantity, seconds, values)| HistoryTime {
            role: leg.role,
            quantity: *quantity,
            seconds: *seconds,
            values: *values,
        })
    });
    let images = run.legs.iter().flat_map(|leg| {
        leg.images.iter().map(|image| HistoryImage {
            role: leg.role,
            flavour: image.flavour,
            bytes: image.bytes,
            gzip_bytes: image.gzip_bytes,
        })
    });
    HistoryRun {
        run_id: run.run_id.clone(),
        started_at: run.started_at.clone(),
        version: run.version.clone(),
        commit: run.commit.clone(),
        verdict: run.verdict,
        compared: run.compared,
        total: run.total,
        worse: run.worse,
        fixed: run.fixed,
        findings: run.findings.iter().map(|finding| finding.code.clone()).collect(),
        has_details: run.has_details,
        times: times.collect(),
        images: images.collect(),
    }
}

fn name(run: &KeptRun) -> RunName {
    RunName {
        run_id: run.run_id.clone(),
        started_at: run.started_at.clone(),
        commit: run.commit.clone(),
    }
}
