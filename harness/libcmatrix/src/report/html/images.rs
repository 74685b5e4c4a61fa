//! The images that the project would be shipped in: their sizes as stacked bars, and all else about
//! them in a table.

use libcmatrix_schema::{FinalImage, Flavour, Leg, Role, RunRecord, Smoke};

use super::changes::{SHORT_TEXT, both_ends};
use crate::report::{
    amount,
    image_rows::{BASE, base, images, rows},
    sanitise::{sanitise, sanitise_line},
};

/// Packages of an image that are named.
const PACKAGES: usize = 8;

pub(super) struct Images {
    /// Bars by the way the size is counted.
    pub charts: Vec<Chart>,
    pub heads: Vec<(Role, String, String)>,
    pub rows: Vec<(&'static str, Vec<String>)>,
    pub largest: Vec<(String, Vec<(String, String)>)>,
    pub troubles: Vec<(String, String)>,
}

pub(super) struct Chart {
    pub name: &'static str,
    pub description: String,
    pub bars: Vec<Bar>,
}

/// One image: its layers as parts, from 0 to 100 of the widest image.
pub(super) struct Bar {
    pub label: String,
    pub role: Role,
    pub size: String,
    pub parts: Vec<Part>,
}

pub(super) struct Part {
    pub from: String,
    pub width: String,
    pub of_project: bool,
    pub title: String,
}

impl Images {
    pub(super) fn of(record: &RunRecord) -> Option<Self> {
        let images = images(record);
        if images.is_empty() {
            return None;
        }
        let label = |leg: &Leg, image: &FinalImage| {
            format!("{}, base: {}", sanitise_line(&leg.name), base(image))
        };
        let largest = images.iter().map(|(leg, image)| {
            let all = image.contents.packages.iter().take(PACKAGES);
            let named = all.map(|p| (sanitise_line(&p.name), amount::bytes(p.bytes)));
            (label(leg, image), named.collect::<Vec<_>>())
        });
        Some(Self {
            charts: [true, false].map(|unpacked| chart(&images, unpacked)).into(),
            heads: images
                .iter()
                .map(|(leg, image)| (leg.role, sanitise_line(&leg.name), base(image)))
                .collect(),
            // The base stands in the head.
            rows: rows(&images)
                .into_iter()
                .filter(|(row, _)| row.label != BASE)
                .map(|(row, cells)| (row.label, cells))
                .collect(),
            largest: largest.filter(|(_, packages)| !packages.is_empty()).collect(),
            troubles: images
                .iter()
                .flat_map(|(leg, image)| troubles(&label(leg, image), image))
                .collect(),
        })
    }
}

#[allow(clippy::cast_precision_loss, reason = "parts of a bar")]
fn chart(images: &[(&Leg, &FinalImage)], unpacked: bool) -> Chart {
    let size = |bytes: libcmatrix_schema::LayerSizes| {
        if unpacked { bytes.unpacked } else { bytes.gzip }
    };
    let widest = images.iter().map(|(_, image)| size(image.sizes())).max().unwrap_or(0).max(1);
    let bar = |(leg, image): &(&Leg, &FinalImage)| {
        let mut from = 0.0;
        let part = |layer: &libcmatrix_schema::ImageLayer| {
            let bytes = size(layer.bytes);
            let width = bytes as f64 / widest as f64 * 100.0;
            let what = match (layer.of_project, image.flavour) {
                (true, Flavour::Own) => "with the project's program",
                (true, _) => "the project's programs",
                (false, Flavour::Own) => "without the project's program",
                (false, _) => "base",
            };
            let part = Part {
                from: format!("{from:.2}"),
                width: format!("{width:.2}"),
                of_project: layer.of_project,
                title: format!("{what}: {}", amount::bytes(bytes)),
            };
            from += width;
            part
        };
        Bar {
            label: format!("{}, base: {}", sanitise_line(&leg.name), base(image)),
            role: leg.role,
            size: amount::bytes(size(image.sizes())),
            parts: image.layers.iter().map(part).collect(),
        }
    };
    let (name, description) = if unpacked {
        ("Unpacked", "what they take on disk")
    } else {
        ("Compressed by gzip", "what is pushed and pulled")
    };
    Chart { name, description: description.into(), bars: images.iter().map(bar).collect() }
}

fn troubles(label: &str, image: &FinalImage) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if !image.needs.missing.is_empty() {
        let missing = sanitise_line(&image.needs.missing.join(" "));
        all.push((format!("{label} lacks {missing}"), String::new()));
    }
    if let Smoke::DidNotStart { said } = &image.smoke {
        all.push((format!("{label} does not start"), both_ends(&sanitise(said), SHORT_TEXT)));
    }
    all
}
