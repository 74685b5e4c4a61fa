//! The image of a run that somebody asks about, by its side.
//!
//! Takes the record; gives the image, or an error that says why there is none.

use libcmatrix_schema::{FinalImage, Flavour, Leg, Role, RunRecord};

use crate::failure::{Failure, Result};

/// The image of a side; with `empty` the one that has nothing but the programs.
///
/// # Errors
/// The run has made no such image.
pub(super) fn chosen_image(
    record: &RunRecord,
    side: Role,
    empty: bool,
) -> Result<(&Leg, &FinalImage)> {
    let leg = record.leg(side);
    let leg = leg.ok_or_else(|| Failure::usage(format!("the run has no {side}")))?;
    let image = if empty {
        leg.final_images.iter().find(|image| image.flavour == Flavour::Empty)
    } else {
        leg.shipped_image()
    };
    image.map(|image| (leg, image)).ok_or_else(|| no_image(record, leg, empty))
}

fn no_image(record: &RunRecord, leg: &Leg, empty: bool) -> Failure {
    if empty && !leg.final_images.is_empty() {
        return Failure::usage(format!("{} has no image on nothing", leg.name))
            .because("its programs need a loader or libraries, or it could not be made")
            .hint("leave out --empty");
    }
    let failure = Failure::usage(format!("{} has no image in this run", leg.name));
    if record.settings.images {
        return failure
            .because("the project has no programs, or they did not build")
            .hint("the log of the step `image` has what was said");
    }
    failure.hint("run with --images: what is written is what was measured")
}
