//! What grew most: builds, tests and images. Sizes are what they are; times are only told of where
//! values in no order at all hardly ever look so much like growth. The time of all tests together is not
//! among it: where tests are added it grows, and none of them is slower.

use std::collections::BTreeMap;

use libcmatrix_schema::{Flavour, Growth, GrowthOf, Quantity, Role};

use super::{
    super::kept::{FLAVOURS, KeptLeg, KeptRun},
    kendall::{line, probability_of_growth},
    leg,
};
use crate::{compare::chance::LIMIT, run_difference::NOTICEABLE};

/// A test that takes less is over before its growth could hurt anyone, in seconds.
const SHORTEST_TEST: f64 = 0.05;

/// Those that grew by [`NOTICEABLE`] at least, those first that grew most.
pub(super) fn largest(runs: &[&KeptRun]) -> Vec<Growth> {
    let mut all = Vec::new();
    for role in [Role::Candidate, Role::Baseline] {
        let legs: Vec<&KeptLeg> = runs.iter().filter_map(|run| leg(run, role)).collect();
        let is_build = |time: &&(Quantity, f64, u64)| time.0 == Quantity::BuildWall;
        let build = |leg: &&KeptLeg| leg.times.iter().find(is_build).map(|time| time.1);
        let builds: Vec<f64> = legs.iter().filter_map(build).collect();
        all.extend(of_time(GrowthOf::Build, role, &builds, LIMIT));
        all.extend(of_tests(&legs, role));
        for flavour in FLAVOURS {
            let image = |leg: &&KeptLeg| leg.images.iter().find(|i| i.flavour == flavour).copied();
            let sizes = legs.iter().filter_map(image).map(|image| image.bytes);
            all.extend(of_size(flavour, role, &sizes.collect::<Vec<_>>()));
        }
    }
    let ratio = |growth: &Growth| growth.to / growth.from;
    all.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    all
}

fn of_tests(legs: &[&KeptLeg], role: Role) -> Vec<Growth> {
    let mut by_id: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for test in legs.iter().flat_map(|leg| &leg.tests) {
        if let Some(wall) = test.wall_s {
            by_id.entry(&test.id).or_default().push(wall);
        }
    }
    // Among a thousand tests ten are beyond a limit of one in a hundred by chance; so the limit is for all
    // of them together.
    let limit = LIMIT / by_id.len().max(1) as f64;
    by_id
        .into_iter()
        .filter(|(_, walls)| walls.iter().any(|wall| *wall >= SHORTEST_TEST))
        .filter_map(|(id, walls)| of_time(GrowthOf::Test { id: id.into() }, role, &walls, limit))
        .collect()
}

fn of_time(of: GrowthOf, role: Role, values: &[f64], limit: f64) -> Option<Growth> {
    let probability = probability_of_growth(values)?;
    let (from, to) = line(values)?;
    let is_told = probability <= limit && from > 0.0 && to >= NOTICEABLE * from;
    let runs = values.len() as u64;
    is_told.then_some(Growth { of, role, from, to, runs, probability: Some(probability) })
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn of_size(flavour: Flavour, role: Role, bytes: &[u64]) -> Option<Growth> {
    let (from, to) = (*bytes.first()? as f64, *bytes.last()? as f64);
    let of = GrowthOf::Image { flavour };
    let is_told = from > 0.0 && to >= NOTICEABLE * from;
    is_told.then_some(Growth { of, role, from, to, runs: bytes.len() as u64, probability: None })
}
