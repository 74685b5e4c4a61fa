//! What the move costs and gains: medians of both sides, their ratio, and what that shows.

use std::fmt::Write;

use libcmatrix_schema::{
    BenchMeasurement, Comparison, Measurement, PackageMeasurement, RunRecord, Shows,
};

use super::{
    super::{
        columns::table,
        measured::{TOO_FEW, amount, both, busy, is_told, name, ratio, shows},
        sanitise::sanitise_line,
    },
    BOLD, DIM, wrapped,
};

/// Tests told of; the record has more.
const TESTS: usize = 5;
/// Packages told of, likewise.
const PACKAGES: usize = 8;
/// Benchmarks told of, likewise.
const BENCHES: usize = 8;

pub(super) fn all(out: &mut String, record: &RunRecord, width: usize) {
    let Some(comparison) = &record.comparison else { return };
    let told: Vec<&Measurement> = comparison.measurements.iter().filter(|m| is_told(m)).collect();
    if told.is_empty() && comparison.tests_measured.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}measured{BOLD:#} medians; the ratio with its 95 % interval");
    if !told.is_empty() {
        let _ = writeln!(out);
        table(out, told.iter().map(|measurement| row(measurement)), width);
    }
    packages(out, comparison, width);
    tests(out, comparison, width);
    benches(out, comparison, width);
    let hint = told.iter().any(|m| m.shows == Shows::TooFew).then(|| TOO_FEW.to_owned());
    for text in hint.into_iter().chain(busy(record)) {
        let _ = writeln!(out);
        wrapped(out, "  ", &text, width);
    }
}

fn row(measurement: &Measurement) -> [String; 5] {
    let unit = measurement.quantity;
    [
        name(unit).into(),
        amount(unit, measurement.baseline_median),
        amount(unit, measurement.candidate_median),
        ratio(measurement),
        match measurement.shows {
            // So that the row fits into 80 columns.
            Shows::NoDifference => "none shown".into(),
            other => shows(other).into(),
        },
    ]
}

/// Which packages make the difference of the whole build.
fn packages(out: &mut String, comparison: &Comparison, width: usize) {
    let all = &comparison.packages_measured;
    if all.first().is_none_or(|package| package.measurement.interval.is_none()) {
        return;
    }
    let clear: Vec<&PackageMeasurement> = all.iter().filter(|package| package.is_clear).collect();
    let _ = writeln!(out, "\n  {DIM}packages whose build costs more or less processor time{DIM:#}");
    if clear.is_empty() {
        wrapped(out, "    ", &format!("none of {} clearly", all.len()), width);
    }
    for package in clear.iter().take(PACKAGES) {
        let text = format!("{}: {}", sanitise_line(&package.package), both(&package.measurement));
        wrapped(out, "    ", &text, width);
    }
    if clear.len() > PACKAGES {
        let _ = writeln!(out, "    and {} more in the record", clear.len() - PACKAGES);
    }
}

fn tests(out: &mut String, comparison: &Comparison, width: usize) {
    let all = &comparison.tests_measured;
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n  {DIM}tests that changed most{DIM:#}");
    for test in all.iter().take(TESTS) {
        let measurement = &test.measurement;
        let text = format!(
            "{}: {} {}",
            sanitise_line(&test.id),
            name(measurement.quantity).trim_end_matches(", sum"),
            both(measurement),
        );
        wrapped(out, "    ", &text, width);
    }
    if all.len() > TESTS {
        let _ = writeln!(out, "    and {} more in the record", all.len() - TESTS);
    }
}

/// Which benchmarks take another time.
fn benches(out: &mut String, comparison: &Comparison, width: usize) {
    let all = &comparison.benches_measured;
    if all.is_empty() {
        return;
    }
    let clear: Vec<&BenchMeasurement> = all.iter().filter(|bench| bench.is_clear).collect();
    let _ = writeln!(out, "\n  {DIM}benchmarks whose iteration takes more or less time{DIM:#}");
    if clear.is_empty() {
        wrapped(out, "    ", &format!("none of {} clearly", all.len()), width);
    }
    for bench in clear.iter().take(BENCHES) {
        let text = format!("{}: {}", sanitise_line(&bench.id), both(&bench.measurement));
        wrapped(out, "    ", &text, width);
    }
    if clear.len() > BENCHES {
        let _ = writeln!(out, "    and {} more in the record", clear.len() - BENCHES);
    }
}
