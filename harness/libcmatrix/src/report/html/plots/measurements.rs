//! What was measured several times on both sides: the medians, and the ratio with its interval on a
//! logarithmic axis whose middle is "the same".

use libcmatrix_schema::{Measurement, RunRecord, Shows};

use super::axis::LogAxis;
use crate::report::{
    sanitise::sanitise_line,
    terminal::measured::{amount, name, ratio, shows},
};

/// Tests that are told of; the record has more.
const TESTS: usize = 12;

pub(in super::super) struct Measurements {
    pub rows: Vec<Row>,
    /// Tests that changed most.
    pub tests: Vec<Row>,
    pub more_tests: usize,
    pub too_few: bool,
    /// Ticks of the ratio's axis: where, and what is told there.
    pub ticks: Vec<(String, String)>,
    /// That something else was running while builds were timed.
    pub load: Option<String>,
}

pub(in super::super) struct Row {
    pub name: String,
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
            comparison.measurements.iter().filter(|m| m.baseline.len() > 1).collect();
        if told.is_empty() && comparison.tests_measured.is_empty() {
            return None;
        }
        let tests: Vec<_> = comparison.tests_measured.iter().take(TESTS).collect();
        let axis = ratio_axis(told.iter().copied().chain(tests.iter().map(|t| &t.measurement)));
        let ticks = axis.ticks(2.0, 7).into_iter();
        let row = |what: String, m: &Measurement| row(what, m, &axis);
        Some(Self {
            rows: told.iter().map(|m| row(name(m.quantity).to_owned(), m)).collect(),
            tests: tests.iter().map(|t| row(sanitise_line(&t.id), &t.measurement)).collect(),
            more_tests: comparison.tests_measured.len().saturating_sub(TESTS),
            too_few: told.iter().any(|m| m.shows == Shows::TooFew),
            ticks: ticks.map(|t| (format!("{:.2}", axis.at(t)), format!("\u{d7}{t}"))).collect(),
            load: load(record),
        })
    }
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

fn row(what: String, m: &Measurement, axis: &LogAxis) -> Row {
    Row {
        name: what,
        what: name(m.quantity).trim_end_matches(", sum"),
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

fn load(record: &RunRecord) -> Option<String> {
    let loads = record.legs.iter().flat_map(|leg| &leg.cold_builds).filter_map(|b| b.load_before);
    let most = loads.fold(0.0, f64::max);
    let jobs = f64::from(record.settings.build_jobs.max(1));
    // A build of before is still in the average of the last minute; more than it makes is not ours.
    (most > jobs * 1.5).then(|| {
        format!(
            "The machine was busy while builds were timed (load {most:.1}, {jobs} jobs): their \
             times say less than they seem to."
        )
    })
}
