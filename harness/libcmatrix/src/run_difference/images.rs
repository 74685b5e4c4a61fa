//! Images that both runs made: their sizes then and now.

use libcmatrix_schema::{ImageDifference, Role, RunRecord};

/// One entry an image that both runs have, whether or not its size moved.
pub(super) fn differences(earlier: &RunRecord, later: &RunRecord) -> Vec<ImageDifference> {
    let mut all = Vec::new();
    for role in [Role::Baseline, Role::Candidate] {
        let (Some(then), Some(now)) = (earlier.leg(role), later.leg(role)) else { continue };
        for image in &now.final_images {
            let before = then.final_images.iter().find(|i| i.flavour == image.flavour);
            let Some(before) = before.map(libcmatrix_schema::FinalImage::sizes) else { continue };
            let sizes = image.sizes();
            all.push(ImageDifference {
                role,
                flavour: image.flavour,
                earlier_bytes: before.unpacked,
                later_bytes: sizes.unpacked,
                earlier_gzip_bytes: before.gzip,
                later_gzip_bytes: sizes.gzip,
            });
        }
    }
    all
}
