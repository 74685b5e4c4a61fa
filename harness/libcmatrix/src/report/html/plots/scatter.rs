//! Each test as a point: what it took in the baseline against what it took in the candidate, on
//! logarithmic axes. Many tests are counted in squares instead.

use std::collections::{BTreeMap, HashMap};

use libcmatrix_schema::{Attempt, Outcome, Role, RunRecord, Test};

use super::axis::LogAxis;
use crate::{
    report::{amount, sanitise::sanitise_line},
    statistics::median,
};

/// Most tests that are drawn each for itself.
const POINTS: usize = 400;
/// Squares along an axis.
const SQUARES: f64 = 50.0;
/// Fewest tests that make a plot.
const FEWEST: usize = 3;

pub(in super::super) struct Scatter {
    pub title: &'static str,
    pub description: String,
    pub points: Vec<Point>,
    pub squares: Vec<Square>,
    /// Of both axes the same.
    pub ticks: Vec<Tick>,
    /// Ends of the lines of twice and half as much: offset from the diagonal.
    pub twice: (String, String),
    pub names: [String; 2],
}

pub(in super::super) struct Tick {
    pub x: String,
    pub y: String,
    pub text: String,
    /// Then there is no room for its text behind its line, nor above.
    pub is_near_the_end: bool,
}

pub(in super::super) struct Point {
    pub x: String,
    pub y: String,
    pub title: String,
}

/// A part of the plane with the tests in it.
pub(in super::super) struct Square {
    pub x: String,
    pub y: String,
    pub size: String,
    pub opacity: String,
    pub title: String,
}

impl Scatter {
    /// Time and memory, as far as both sides have them.
    pub(in super::super) fn all(record: &RunRecord) -> Vec<Self> {
        let time = Self::of(record, "Time of each test", |a| a.wall_s, short_time);
        #[allow(clippy::cast_precision_loss, reason = "a place in a drawing")]
        let memory = |a: &Attempt| a.peak_rss_bytes.map(|bytes| bytes as f64);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was bytes")]
        let bytes = |value: f64| amount::bytes(value as u64);
        let memory = Self::of(record, "Largest memory of each test", memory, bytes);
        [time, memory].into_iter().flatten().collect()
    }

    fn of(
        record: &RunRecord,
        title: &'static str,
        value: impl Fn(&Attempt) -> Option<f64>,
        shown: impl Fn(f64) -> String,
    ) -> Option<Self> {
        let (baseline, candidate) = (record.leg(Role::Baseline)?, record.leg(Role::Candidate)?);
        // What fails at once takes no time, and says nothing of what the move costs.
        let of_test = |test: &Test| {
            if test.outcome != Outcome::Passed {
                return None;
            }
            median(&test.attempts.iter().filter_map(&value).collect::<Vec<_>>())
                .filter(|v| *v > 0.0)
        };
        let known: HashMap<&str, f64> =
            baseline.tests.iter().filter_map(|t| Some((t.id.as_str(), of_test(t)?))).collect();
        let pairs: Vec<(&str, f64, f64)> = candidate
            .tests
            .iter()
            .filter_map(|t| Some((t.id.as_str(), *known.get(t.id.as_str())?, of_test(t)?)))
            .collect();
        if pairs.len() < FEWEST {
            return None;
        }
        let axis = LogAxis::around(pairs.iter().flat_map(|(_, a, b)| [*a, *b]))?;
        let base = if title.contains("memory") { 2.0 } else { 10.0 };
        let more = pairs.iter().filter(|(_, a, b)| *b >= a * 2.0).count();
        let less = pairs.iter().filter(|(_, a, b)| b * 2.0 <= *a).count();
        let description = format!(
            "{} tests that pass on both sides; {more} take at least twice as much in the candidate, {less} at most half as much. Medians of the attempts, without a statement whether a difference is chance.",
            pairs.len()
        );
        let ticks = axis.ticks(base, 5).into_iter();
        let percent = |value: f64| format!("{value:.2}");
        let twice = axis.at(axis.middle() * 2.0) - 50.0;
        let many = pairs.len() > POINTS;
        let point = |(id, a, b): &(&str, f64, f64)| Point {
            x: percent(axis.at(*a)),
            y: percent(100.0 - axis.at(*b)),
            title: format!("{}: {} \u{2192} {}", sanitise_line(id), shown(*a), shown(*b)),
        };
        Some(Self {
            title,
            description,
            points: if many { Vec::new() } else { pairs.iter().map(point).collect() },
            squares: if many { squares(&pairs, &axis) } else { Vec::new() },
            ticks: ticks
                .map(|t| Tick {
                    x: percent(axis.at(t)),
                    y: percent(100.0 - axis.at(t)),
                    text: shown(t),
                    is_near_the_end: axis.at(t) > 80.0,
                })
                .collect(),
            twice: (percent(twice), percent(100.0 - twice)),
            names: [baseline, candidate].map(|leg| sanitise_line(&leg.name)),
        })
    }
}

/// Tests take milliseconds as a rule.
fn short_time(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => format!("{:.0} \u{b5}s", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => amount::seconds(s),
    }
}

fn squares(pairs: &[(&str, f64, f64)], axis: &LogAxis) -> Vec<Square> {
    let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 50")]
    let square = |value: f64| (axis.at(value) / 100.0 * SQUARES).min(SQUARES - 1.0) as u32;
    for (_, a, b) in pairs {
        *counts.entry((square(*a), square(*b))).or_default() += 1;
    }
    #[allow(clippy::cast_precision_loss, reason = "a shade")]
    let log = |n: usize| (n as f64).ln_1p();
    let most = log(counts.values().copied().max().unwrap_or(1));
    let size = 100.0 / SQUARES;
    let one = |((x, y), tests): (&(u32, u32), &usize)| Square {
        x: format!("{:.2}", f64::from(*x) * size),
        y: format!("{:.2}", 100.0 - (f64::from(*y) + 1.0) * size),
        size: format!("{size:.2}"),
        opacity: format!("{:.2}", 0.15 + 0.85 * log(*tests) / most),
        title: if *tests == 1 { "1 test".into() } else { format!("{tests} tests") },
    };
    counts.iter().map(one).collect()
}
