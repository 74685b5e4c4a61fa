//! What the move costs and gains: medians of both sides, their ratio, and what that shows.

use std::fmt::Write;

use libcmatrix_schema::{
    BenchMeasurement, Comparison, Measurement, PackageMeasurement, Quantity, RunRecord, Shows,
};

use super::{
    super::{amount, columns::table, sanitise::sanitise_line},
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
    if told.iter().any(|m| m.shows == Shows::TooFew) {
        let hint =
            "too few values for an interval: --attempts 5, --build-repeats 5, --bench=5, or more";
        let _ = writeln!(out);
        wrapped(out, "  ", hint, width);
    }
    load(out, record, width);
}

/// One attempt of all tests is told of elsewhere; one run of benchmarks is not.
fn is_told(measurement: &Measurement) -> bool {
    measurement.baseline.len() > 1 || measurement.quantity == Quantity::BenchIteration
}

fn row(measurement: &Measurement) -> [String; 5] {
    let unit = measurement.quantity;
    [
        name(unit).into(),
        amount(unit, measurement.baseline_median),
        amount(unit, measurement.candidate_median),
        ratio(measurement),
        shows(measurement.shows).into(),
    ]
}

pub(in crate::report) fn name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::BuildWall => "build time",
        Quantity::BuildProcessor => "build processor",
        Quantity::BuildMemory => "build memory",
        Quantity::TestWall => "test time",
        Quantity::TestProcessor => "test processor",
        Quantity::TestMemory => "test memory, sum",
        Quantity::BenchIteration => "benchmarks, mean",
    }
}

pub(in crate::report) fn amount(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::BuildMemory | Quantity::TestMemory =>
        {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it was a number of bytes"
            )]
            amount::bytes(value.max(0.0) as u64)
        }
        Quantity::BenchIteration => amount::moment(value),
        _ => amount::seconds(value),
    }
}

pub(in crate::report) fn ratio(measurement: &Measurement) -> String {
    let Some(ratio) = measurement.ratio else { return "-".into() };
    match measurement.interval {
        Some([low, high]) => format!("x {ratio:.2} ({low:.2} to {high:.2})"),
        None => format!("x {ratio:.2}"),
    }
}

/// `1.00 s -> 2.00 s, x 2.00 (1.90 to 2.10)`.
pub(in crate::report) fn both(measurement: &Measurement) -> String {
    let amount = |median| amount(measurement.quantity, median);
    let (a, b) = (amount(measurement.baseline_median), amount(measurement.candidate_median));
    format!("{a} -> {b}, {}", ratio(measurement))
}

pub(in crate::report) fn shows(shows: Shows) -> &'static str {
    match shows {
        Shows::More => "more",
        Shows::Less => "less",
        Shows::NoDifference => "no difference shown",
        Shows::TooFew => "too few values",
    }
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

/// That something else was running while builds were timed.
fn load(out: &mut String, record: &RunRecord, width: usize) {
    let loads = record.legs.iter().flat_map(|leg| &leg.cold_builds).filter_map(|b| b.load_before);
    let most = loads.fold(0.0, f64::max);
    let jobs = f64::from(record.settings.build_jobs.max(1));
    // A build of before is still in the average of the last minute; more than it makes is not ours.
    if most > jobs * 1.5 {
        let text = format!(
            "the machine was busy while builds were timed (load {most:.1}, {jobs} jobs): their \
             times say less than they seem to"
        );
        let _ = writeln!(out);
        wrapped(out, "  ", &text, width);
    }
}
