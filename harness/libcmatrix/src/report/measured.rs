//! What was measured several times, in words: names, amounts, ratios, what they show, and what makes them
//! worth less. Pure.

use libcmatrix_schema::{BenchMeasurement, Measurement, Quantity, RunRecord, Shows};

use super::amount;

/// What to do about a measurement without an interval.
pub(super) const TOO_FEW: &str =
    "too few values for an interval: --attempts 5, --build-repeats 5, --bench=5, or more";

/// One attempt of all tests is told of elsewhere; one run of benchmarks is not.
pub(super) fn is_told(measurement: &Measurement) -> bool {
    measurement.baseline.len() > 1 || measurement.quantity == Quantity::BenchIteration
}

pub(super) fn name(quantity: Quantity) -> &'static str {
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

pub(super) fn amount(quantity: Quantity, value: f64) -> String {
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

pub(super) fn ratio(measurement: &Measurement) -> String {
    let Some(ratio) = measurement.ratio else { return "-".into() };
    match measurement.interval {
        Some([low, high]) => format!("x {ratio:.2} ({low:.2} to {high:.2})"),
        None => format!("x {ratio:.2}"),
    }
}

/// `1.00 s -> 2.00 s, x 2.00 (1.90 to 2.10)`.
pub(super) fn both(measurement: &Measurement) -> String {
    let amount = |median| amount(measurement.quantity, median);
    let (a, b) = (amount(measurement.baseline_median), amount(measurement.candidate_median));
    format!("{a} -> {b}, {}", ratio(measurement))
}

pub(super) fn shows(shows: Shows) -> &'static str {
    match shows {
        Shows::More => "more",
        Shows::Less => "less",
        Shows::NoDifference => "no difference shown",
        Shows::TooFew => "too few values",
    }
}

/// What is said of a benchmark: one of many may lie beside the others by chance, so more is asked of it
/// than an interval beside 1.
pub(super) fn calls(bench: &BenchMeasurement) -> &'static str {
    match bench.measurement.shows {
        what if bench.is_clear => shows(what),
        Shows::TooFew => shows(Shows::TooFew),
        _ => "no clear difference",
    }
}

/// That something else was running while builds were timed.
pub(super) fn busy(record: &RunRecord) -> Option<String> {
    let loads = record.legs.iter().flat_map(|leg| &leg.cold_builds).filter_map(|b| b.load_before);
    let most = loads.fold(0.0, f64::max);
    let jobs = f64::from(record.settings.build_jobs.max(1));
    // A build of before is still in the average of the last minute; more than it makes is not ours.
    (most > jobs * 1.5).then(|| {
        format!(
            "the machine was busy while builds were timed (load {most:.1}, {jobs} jobs): their \
             times say less than they seem to"
        )
    })
}
