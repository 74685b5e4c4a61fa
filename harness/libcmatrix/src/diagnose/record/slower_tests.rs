//! Tests that do the same on both sides, and take longer on musl. Where no rule knows why, nothing is
//! said of the cause: the comparison tells of the time.

use std::collections::HashMap;

use libcmatrix_schema::{Attempt, Comparison, Leg, Quantity, Shows, Test, TestMeasurement};

use super::{
    causes::{self, Causes},
    in_leg,
};
use crate::{
    compare::NOTICEABLE_S,
    diagnose::{
        decide::decide,
        facts::{Facts, Sides, Slower},
    },
    statistics::median,
};

/// Explains the tests that take longer.
pub(super) fn explain(
    causes: &mut Causes,
    comparison: &Comparison,
    baseline: &Leg,
    candidate: &Leg,
) {
    let is_told = |told: &&TestMeasurement| {
        let measured = &told.measurement;
        let longer = measured.candidate_median - measured.baseline_median;
        let is_slower = measured.quantity == Quantity::TestWall && measured.shows == Shows::More;
        is_slower && longer >= NOTICEABLE_S
    };
    let ids: Vec<&str> =
        comparison.tests_measured.iter().filter(is_told).map(|told| told.id.as_str()).collect();
    let (on_glibc, on_musl) = (by_id(baseline, &ids), by_id(candidate, &ids));
    for id in ids {
        let (Some(a), Some(b)) = (on_glibc.get(id), on_musl.get(id)) else { continue };
        let sides = |value: fn(&Attempt) -> Option<f64>| Sides {
            baseline: middle(a, value),
            candidate: middle(b, value),
        };
        let mut facts = in_leg(Facts::default(), candidate);
        facts.slower = Some(Slower {
            seconds: sides(|attempt| attempt.wall_s),
            waits: sides(|attempt| attempt.waits.map(count)),
            page_faults: sides(|attempt| attempt.page_faults.map(count)),
            processor: sides(|attempt| attempt.cpu_s),
        });
        if let Some(found) = causes::best(decide(&facts)) {
            causes.add_test(candidate, id, Some(found));
        }
    }
}

fn by_id<'a>(leg: &'a Leg, ids: &[&str]) -> HashMap<&'a str, &'a Test> {
    let tests = leg.tests.iter().map(|test| (test.id.as_str(), test));
    tests.filter(|(id, _)| ids.contains(id)).collect()
}

/// The median over the attempts; 0 where nothing was measured.
fn middle(test: &Test, value: fn(&Attempt) -> Option<f64>) -> f64 {
    let values: Vec<f64> = test.attempts.iter().filter_map(value).collect();
    median(&values).unwrap_or(0.0)
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn count(n: u64) -> f64 {
    n as f64
}
