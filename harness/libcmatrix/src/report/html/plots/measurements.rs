//! What was measured several times on both sides: the medians, and the ratio with its interval on a
//! logarithmic axis whose middle is "the same".

use libcmatrix_schema::{BenchMeasurement, Comparison, Measurement, RunRecord, Shows};

use super::axis::LogAxis;
use crate::report::{
    cut,
    measured::{TOO_FEW, amount, busy, calls, is_told, name, ratio, shows},
    sanitise::sanitise_line,
    sentence::capitalised,
};

/// Tests that are told of; the record has more.
const TESTS: usize = 12;
/// Benchmarks, likewise.
const BENCHES: usize = 40;
/// Bytes of a name.
const NAME: usize = 300;

pub(in super::super) struct Measurements {
    pub rows: Vec<Row>,
    /// Tests that changed most.
    pub tests: Vec<Row>,
    pub more_tests: usize,
    pub benches: Option<Benches>,
    /// Ticks of the ratio's axis: where, and what is told there.
    pub ticks: Vec<(String, String)>,
    /// What makes the numbers worth less, in sentences.
    pub warnings: Vec<String>,
}

/// The benchmarks that both sides have.
pub(in super::super) struct Benches {
    /// How often they ran, and how many differ clearly.
    pub summary: String,
    pub rows: Vec<Row>,
    pub more: usize,
}

pub(in super::super) struct Row {
    pub name: String,
    /// What of it, where the name does not say that.
    pub what: &'static str,
    pub baseline: String,
    pub candidate: String,
    pub ratio: String,
    pub shows: &'static str,
    /// `more`, `less` or `none`: names of the style sheet.
    pub class: &'static str,
    /// Where the ratio is.
    pub at: Option<String>,
    /// Where its interval is: from, width.
    pub interval: Option<(String, String)>,
}

impl Measurements {
    pub(in super::super) fn of(record: &RunRecord) -> Option<Self> {
        let comparison = record.comparison.as_ref()?;
        let told: Vec<&Measurement> =
            comparison.measurements.iter().filter(|m| is_told(m)).collect();
        if told.is_empty() && comparison.tests_measured.is_empty() {
            return None;
        }
        let tests: Vec<_> = comparison.tests_measured.iter().take(TESTS).collect();
        let benches: Vec<_> = comparison.benches_measured.iter().take(BENCHES).collect();
        let of_one = tests.iter().map(|t| &t.measurement);
        let of_one = of_one.chain(benches.iter().map(|b| &b.measurement));
        let axis = ratio_axis(told.iter().copied().chain(of_one));
        let ticks = axis.ticks(2.0, 7).into_iter();
        let of_test = |id: &str, m: &Measurement| {
            let what = name(m.quantity).trim_end_matches(", sum");
            Row { what, ..row(shown_id(id), m, &axis) }
        };
        let of_bench = |bench: &BenchMeasurement| Row {
            shows: calls(bench),
            ..row(shown_id(&bench.id), &bench.measurement, &axis)
        };
        let too_few = told.iter().any(|m| m.shows == Shows::TooFew).then(|| TOO_FEW.to_owned());
        let warnings = too_few.into_iter().chain(busy(record));
        Some(Self {
            rows: told.iter().map(|m| row(name(m.quantity).to_owned(), m, &axis)).collect(),
            tests: tests.iter().map(|t| of_test(&t.id, &t.measurement)).collect(),
            more_tests: comparison.tests_measured.len().saturating_sub(TESTS),
            benches: (!benches.is_empty()).then(|| Benches {
                summary: summary(comparison),
                rows: benches.into_iter().map(of_bench).collect(),
                more: comparison.benches_measured.len().saturating_sub(BENCHES),
            }),
            ticks: ticks.map(|t| (format!("{:.2}", axis.at(t)), format!("\u{d7}{t}"))).collect(),
            warnings: warnings.map(|text| capitalised(&text) + ".").collect(),
        })
    }
}

fn shown_id(id: &str) -> String {
    cut::line(&sanitise_line(id), NAME)
}

/// How sure what is said of the benchmarks is.
fn summary(comparison: &Comparison) -> String {
    let all = &comparison.benches_measured;
    let runs = all.iter().map(|bench| bench.measurement.baseline.len()).max().unwrap_or(0);
    let runs = if runs == 1 { "1 run".into() } else { format!("{runs} runs") };
    let clear = all.iter().filter(|bench| bench.is_clear).count();
    format!(
        "Time of one iteration, medians of {runs} a side; {clear} of {} differ clearly: all values \
         of one side lie above all of the other, and the medians are 10 % apart.",
        all.len()
    )
}

/// An axis with 1 in its middle.
fn ratio_axis<'a>(all: impl Iterator<Item = &'a Measurement>) -> LogAxis {
    let ends = |m: &Measurement| {
        let [low, high] = m.interval.unwrap_or([m.ratio.unwrap_or(1.0); 2]);
        [low, high].into_iter().chain(m.ratio).filter(|v| *v > 0.0)
    };
    let furthest = all.flat_map(|m| ends(m).collect::<Vec<_>>()).map(|v| v.max(1.0 / v));
    let furthest = furthest.fold(2.0_f64, f64::max).min(1000.0) * 1.15;
    LogAxis::new(1.0 / furthest, furthest)
}

fn row(name: String, m: &Measurement, axis: &LogAxis) -> Row {
    Row {
        name,
        what: "",
        baseline: amount(m.quantity, m.baseline_median),
        candidate: amount(m.quantity, m.candidate_median),
        ratio: ratio(m),
        shows: shows(m.shows),
        class: match m.shows {
            Shows::More => "more",
            Shows::Less => "less",
            Shows::NoDifference | Shows::TooFew => "none",
        },
        at: m.ratio.map(|ratio| format!("{:.2}", axis.at(ratio))),
        interval: m.interval.map(|[low, high]| {
            let (low, high) = (axis.at(low), axis.at(high));
            (format!("{low:.2}"), format!("{:.2}", (high - low).max(0.3)))
        }),
    }
}
