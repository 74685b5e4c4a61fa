//! The two legs side by side: what was built, what the tests did, what it took.

use std::{collections::BTreeMap, fmt::Write};

use libcmatrix_schema::{Binary, Leg, Outcome, RunRecord, Step, StepName, StepStatus};

use super::super::{amount, columns, sanitise::sanitise_line};

/// Names of outcomes, in the order in which they are counted.
const OUTCOMES: [&str; 9] = [
    "passed",
    "failed",
    "crashed",
    "timed-out",
    "oom-killed",
    "leaked",
    "unstable",
    "ignored",
    "not-run",
];

/// One row of the table: what it says, and how it is read off a leg.
pub(in crate::report) type Row = (&'static str, fn(&Leg) -> String);

pub(in crate::report) const ROWS: [Row; 10] = [
    ("", |l| sanitise_line(&l.name)),
    ("role", |l| l.role.to_string()),
    ("compiler", compiler),
    ("target", target),
    ("built", built),
    ("tests", tests),
    ("doctests", doctests),
    ("build time", |l| taken(l.step(StepName::Build))),
    ("test time", test_time),
    ("peak memory", memory),
];

pub(super) fn table(out: &mut String, record: &RunRecord, width: usize) {
    if record.legs.is_empty() {
        return;
    }
    let legs: Vec<&Leg> = record.sides().collect();
    let rows = ROWS.into_iter().map(|(label, cell)| {
        std::iter::once(label.to_owned()).chain(legs.iter().map(|leg| cell(leg))).collect()
    });
    let rows = rows.filter(|row: &Vec<String>| row[1..].iter().any(|cell| cell != "-"));
    let _ = writeln!(out);
    columns::table(out, rows, width);
}

fn compiler(leg: &Leg) -> String {
    let toolchain = leg.environment.toolchain.as_ref();
    toolchain.map_or("-".into(), |t| format!("rustc {}", sanitise_line(&t.release)))
}

fn target(leg: &Leg) -> String {
    let toolchain = leg.environment.toolchain.as_ref();
    toolchain.map_or("-".into(), |t| sanitise_line(&t.target))
}

fn built(leg: &Leg) -> String {
    let Some(step) = leg.step(StepName::Build) else { return "not reached".into() };
    let binaries = match leg.binaries.len() {
        1 => "1 test binary".to_owned(),
        n => format!("{n} test binaries"),
    };
    let has_tests = |b: &&Binary| {
        let start = format!("{}$", b.id);
        leg.tests.iter().any(|t| t.id.starts_with(&start))
    };
    let binaries = match leg.binaries.iter().filter(has_tests).count() {
        n if n == leg.binaries.len() || leg.step(StepName::List).is_none() => binaries,
        n => format!("{binaries}, {n} with tests"),
    };
    match step.status {
        StepStatus::Passed => format!("yes, {binaries}"),
        status if leg.binaries.is_empty() => format!("no ({status})"),
        status => format!("in part ({status}), {binaries}"),
    }
}

fn tests(leg: &Leg) -> String {
    counted(leg, false)
}

fn doctests(leg: &Leg) -> String {
    counted(leg, true)
}

fn counted(leg: &Leg, doctests: bool) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for test in leg.tests.iter().filter(|t| t.is_doctest() == doctests) {
        *counts.entry(Outcome::name(&test.outcome)).or_default() += 1;
    }
    let texts: Vec<String> =
        OUTCOMES.iter().filter_map(|name| Some(format!("{} {name}", counts.get(name)?))).collect();
    if texts.is_empty() { "-".into() } else { texts.join(", ") }
}

fn taken(step: Option<&Step>) -> String {
    step.map_or("-".into(), |s| amount::seconds(s.wall_s))
}

fn test_time(leg: &Leg) -> String {
    let was_run = |s: &&Step| s.status != StepStatus::Skipped;
    let Some(step) = leg.step(StepName::Test).filter(was_run) else { return "-".into() };
    let cpu = step.user_s.unwrap_or(0.0) + step.system_s.unwrap_or(0.0);
    format!("{} (processor {})", amount::seconds(step.wall_s), amount::seconds(cpu))
}

fn memory(leg: &Leg) -> String {
    let peak = |name| {
        let bytes = leg.step(name)?.peak_rss_bytes.filter(|n| *n > 0)?;
        Some(format!("{} {name}", amount::bytes(bytes)))
    };
    let peaks: Vec<String> =
        [StepName::Build, StepName::Test].into_iter().filter_map(peak).collect();
    if peaks.is_empty() { "-".into() } else { peaks.join(", ") }
}
