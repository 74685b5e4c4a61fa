//! What is wrong with the image that the candidate would be shipped in, though its tests pass.

use libcmatrix_schema::Leg;

use super::{
    causes::{self, Causes},
    in_leg,
};
use crate::diagnose::{decide::decide, facts::Facts};

/// Explains how the candidate's program does as the first process of its image.
pub(super) fn explain(causes: &mut Causes, candidate: &Leg) {
    let image = candidate.shipped_image();
    let Some(as_init) = image.and_then(|image| image.as_init.clone()) else { return };
    let facts = Facts { as_init: Some(as_init), ..in_leg(Facts::default(), candidate) };
    if let Some(found) = causes::best(decide(&facts)) {
        causes.add_image(candidate, found);
    }
}
