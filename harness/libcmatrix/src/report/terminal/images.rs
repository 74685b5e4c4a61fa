//! The images that the project would be shipped in, side by side.

use std::fmt::Write;

use libcmatrix_schema::{FinalImage, Leg, RunRecord, Smoke};

use super::{
    super::{
        amount,
        columns::table,
        image_rows::{base, images, rows},
        sanitise::sanitise_line,
    },
    BOLD, wrapped,
};

/// Packages told of; the record has all.
const PACKAGES: usize = 4;

pub(super) fn all(out: &mut String, record: &RunRecord, width: usize) {
    let images = images(record);
    if images.is_empty() {
        return;
    }
    let _ =
        writeln!(out, "\n{BOLD}images{BOLD:#} the project's programs, as they would be shipped\n");
    let head: Vec<String> = images.iter().map(|(leg, _)| sanitise_line(&leg.name)).collect();
    let rows = rows(&images).into_iter().map(|(row, cells)| (row.label, cells));
    let rows = std::iter::once(("", head)).chain(rows);
    let rows = rows.map(|(label, cells)| std::iter::once(label.to_owned()).chain(cells));
    table(out, rows, width);
    let _ = writeln!(out);
    for (leg, image) in &images {
        largest(out, leg, image, width);
        trouble(out, leg, image, width);
    }
}

/// What makes an image large.
fn largest(out: &mut String, leg: &Leg, image: &FinalImage, width: usize) {
    let packages: Vec<String> = image
        .contents
        .packages
        .iter()
        .take(PACKAGES)
        .map(|p| format!("{} {}", sanitise_line(&p.name), amount::bytes(p.bytes)))
        .collect();
    if !packages.is_empty() {
        let text = format!("largest in {}: {}", sanitise_line(&leg.name), packages.join(", "));
        wrapped(out, "  ", &text, width);
    }
}

fn trouble(out: &mut String, leg: &Leg, image: &FinalImage, width: usize) {
    let place = format!("{} (base: {})", sanitise_line(&leg.name), base(image));
    if !image.needs.missing.is_empty() {
        let missing = sanitise_line(&image.needs.missing.join(" "));
        wrapped(out, "  ", &format!("{place} lacks {missing}"), width);
    }
    if let Smoke::DidNotStart { said } = &image.smoke {
        let said = sanitise_line(said);
        wrapped(out, "  ", &format!("{place} does not start: {said}"), width);
    }
}
