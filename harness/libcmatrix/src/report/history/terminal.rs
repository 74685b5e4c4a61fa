//! What many runs show together, in columns.

use std::fmt::Write;

use libcmatrix_schema::{HistoryRun, Series, Trends, UnstableTest};

use super::{
    super::{
        answer::Answer,
        columns::table,
        sanitise::sanitise_line,
        terminal::{BOLD, DIM, more, wrapped},
    },
    words,
};

/// Runs that are shown; the JSON form has them all.
const RUNS: usize = 20;
/// Tests that are shown of each kind.
const TESTS: usize = 10;

/// Shows trends in `width` columns.
#[must_use]
pub fn render(trends: &Trends, width: usize) -> String {
    let mut out = String::new();
    if trends.series.is_empty() {
        out.push_str("\nno runs are kept yet: `libcmatrix run --history FILE` adds one\n");
    }
    for series in &trends.series {
        head(&mut out, series, width);
        runs(&mut out, series, width);
        regressions(&mut out, series, width);
        not_kept(&mut out, series, width);
        unstable(&mut out, series, width);
        growth(&mut out, series, width);
    }
    out
}

fn head(out: &mut String, series: &Series, width: usize) {
    let [project, baseline, candidate] =
        [&series.project, &series.baseline, &series.candidate].map(|text| sanitise_line(text));
    let newest = series.runs.last();
    let answer = Answer(newest.and_then(|run| run.verdict));
    let (style, answer) = (answer.style(), answer.upper());
    let _ = writeln!(out, "\n{style}{answer}{style:#}  {BOLD}{project}{BOLD:#}");
    let _ = writeln!(out, "{DIM}{baseline} -> {candidate}{DIM:#}");
    wrapped(out, "", &words::question(series), width);
}

fn runs(out: &mut String, series: &Series, width: usize) {
    let shown: Vec<&HistoryRun> = series.runs.iter().rev().take(RUNS).collect();
    let has_commit = shown.iter().any(|run| run.commit.is_some());
    let has_version = shown.iter().any(|run| run.version.is_some());
    let row = |cells: [String; 7]| -> Vec<String> {
        let [time, version, commit, rest @ ..] = cells;
        let version = has_version.then_some(version);
        let commit = has_commit.then_some(commit);
        [time].into_iter().chain(version).chain(commit).chain(rest).collect()
    };
    let head = ["began (UTC)", "version", "commit", "answer", "compared", "worse", "findings"];
    let mut rows = vec![row(head.map(String::from))];
    for run in &shown {
        let findings = match run.findings.as_slice() {
            [] => "-".to_owned(),
            [one] => sanitise_line(one),
            [first, rest @ ..] => format!("{} +{}", sanitise_line(first), rest.len()),
        };
        rows.push(row([
            words::minute(&run.started_at),
            run.version.as_deref().map_or("-".into(), sanitise_line),
            words::commit(run.commit.as_deref()),
            Answer(run.verdict).word().to_owned(),
            format!("{} of {}", run.compared, run.total),
            run.worse.to_string(),
            findings,
        ]));
    }
    let _ = writeln!(out);
    table(out, rows, width);
    more(out, series.runs.len().saturating_sub(RUNS), "run", Some("--format json"));
}

fn regressions(out: &mut String, series: &Series, width: usize) {
    let all = &series.regressions;
    if all.is_empty() {
        return;
    }
    let meaning = "in the candidate, the longest first";
    let _ = writeln!(out, "\n  {BOLD}worse now ({}){BOLD:#} {DIM}{meaning}{DIM:#}", all.len());
    for regression in all.iter().take(TESTS) {
        let _ = writeln!(out, "  {}", sanitise_line(&regression.id));
        let text = format!("{}: {}", words::what(regression.change), words::since(regression));
        wrapped(out, "    ", &text, width);
    }
    more(out, all.len().saturating_sub(TESTS), "test", Some("--format json"));
}

fn not_kept(out: &mut String, series: &Series, width: usize) {
    if let Some(text) = words::not_kept(series) {
        let _ = writeln!(out);
        wrapped(out, "  ", &text, width);
    }
}

fn unstable(out: &mut String, series: &Series, width: usize) {
    let all = &series.unstable;
    if all.is_empty() {
        return;
    }
    let meaning = "the flakiest first";
    let _ = writeln!(out, "\n  {BOLD}unstable ({}){BOLD:#} {DIM}{meaning}{DIM:#}", all.len());
    for test in all.iter().take(TESTS) {
        let _ = writeln!(out, "  {}", sanitise_line(&test.id));
        wrapped(out, "    ", &in_numbers(test), width);
    }
    more(out, all.len().saturating_sub(TESTS), "test", Some("--format json"));
}

fn in_numbers(test: &UnstableTest) -> String {
    let mut text = format!("{}: passed {} of {} attempts", test.role, test.passed, test.attempts);
    if test.unstable_runs > 0 {
        let _ = write!(text, "; they disagree in {} of {} runs", test.unstable_runs, test.runs);
    }
    if test.flips > 0 {
        let times = if test.flips == 1 { "once".into() } else { format!("{} times", test.flips) };
        let _ = write!(text, "; changed {times} from run to run");
    }
    text
}

fn growth(out: &mut String, series: &Series, width: usize) {
    let all = &series.growth;
    if all.is_empty() {
        return;
    }
    let meaning = "the most first; times only beyond chance";
    let _ = writeln!(out, "\n  {BOLD}growing ({}){BOLD:#} {DIM}{meaning}{DIM:#}", all.len());
    let rows = all.iter().take(TESTS).map(|growth| {
        let [from, to] = words::from_and_to(growth);
        let runs = format!("{} runs", growth.runs);
        let role = growth.role.to_string();
        vec![words::percent(growth), format!("{from} -> {to}"), role, runs, words::grown(growth)]
    });
    table(out, rows, width);
    more(out, all.len().saturating_sub(TESTS), "thing", Some("--format json"));
}
