//! The images that the project would be shipped in, side by side.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};
use libcmatrix_schema::{AsInit, FinalImage, Flavour, Leg, Role, RunRecord, Smoke};

use super::{
    super::{amount, sanitise::sanitise_line},
    BOLD, wrapped,
};

/// Megabits a second, at which the time of a pull is told: a line to a home, one of a data centre. A
/// push takes as long.
pub(in crate::report) const BANDWIDTHS: [(f64, &str); 2] =
    [(100.0, "pull, 100 Mbit/s"), (1000.0, "pull, 1 Gbit/s")];
/// Packages told of; the record has all.
const PACKAGES: usize = 4;
/// Names of one kind told of.
const NAMES: usize = 4;

pub(super) fn all(out: &mut String, record: &RunRecord, width: usize) {
    let images: Vec<(&Leg, &FinalImage)> = record
        .sides()
        .flat_map(|leg| leg.final_images.iter().map(move |image| (leg, image)))
        .collect();
    if images.is_empty() {
        return;
    }
    let _ =
        writeln!(out, "\n{BOLD}images{BOLD:#} the project's programs, as they would be shipped\n");
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width.saturating_sub(2)).unwrap_or(u16::MAX));
    table.add_row(
        std::iter::once(String::new())
            .chain(images.iter().map(|(leg, _)| sanitise_line(&leg.name))),
    );
    let first = images.first().map(|(_, image)| image.sizes()).unwrap_or_default();
    let mut row = |name: &str, cell: &dyn Fn(&FinalImage) -> String| {
        let cells = images.iter().map(|(_, image)| cell(image));
        table.add_row(std::iter::once(name.to_owned()).chain(cells));
    };
    row("base", &base);
    row("unpacked", &|image| against(image.sizes().unpacked, first.unpacked));
    row("gzip", &|image| against(image.sizes().gzip, first.gzip));
    row("zstd", &|image| against(image.sizes().zstd, first.zstd));
    row("programs", &|image| {
        let own = image.layers.iter().filter(|layer| layer.of_project);
        amount::bytes(own.map(|layer| layer.bytes.unpacked).sum())
    });
    for (bandwidth, name) in BANDWIDTHS {
        row(name, &|image| amount::seconds(transfer(image, bandwidth)));
    }
    row("packages", &packages);
    row("commands", &|image| image.contents.commands.to_string());
    row("setuid files", &|image| image.contents.setuid.len().to_string());
    row("shells", &|image| names(&image.contents.shells));
    row("interpreters", &|image| names(&image.contents.interpreters));
    row("package tools", &|image| names(&image.contents.package_managers));
    row("needs", &needs);
    row("starts", &starts);
    if images.iter().any(|(_, image)| image.as_init.is_some()) {
        row("as process 1", &as_init);
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
    let _ = writeln!(out);
    for (leg, image) in &images {
        largest(out, leg, image, width);
        trouble(out, leg, image, width);
    }
}

pub(in crate::report) fn base(image: &FinalImage) -> String {
    match (image.flavour, &image.base) {
        (Flavour::Runtime, Some(base)) => sanitise_line(base),
        (Flavour::Own, _) => {
            format!("as in {}", sanitise_line(image.dockerfile.as_deref().unwrap_or("Dockerfile")))
        }
        _ => "none".into(),
    }
}

/// How many, if they are in a book that is read.
pub(in crate::report) fn packages(image: &FinalImage) -> String {
    let contents = &image.contents;
    let is_other = |path: &String| {
        matches!(path.rsplit('/').next(), Some("rpm" | "dnf" | "yum" | "microdnf" | "pacman"))
    };
    if contents.packages.is_empty() && contents.package_managers.iter().any(is_other) {
        return "not known".into();
    }
    contents.packages.len().to_string()
}

/// A size, and what it is more or less than the first image's.
pub(in crate::report) fn against(bytes: u64, first: u64) -> String {
    let shown = amount::bytes(bytes);
    if bytes == first || first == 0 {
        return shown;
    }
    #[allow(clippy::cast_precision_loss, reason = "whole percents are shown")]
    let percent = (bytes as f64 / first as f64 - 1.0) * 100.0;
    format!("{shown} ({percent:+.0} %)")
}

/// Seconds that a push or a pull takes, of an image of which nothing is there yet.
pub(in crate::report) fn transfer(image: &FinalImage, bandwidth: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let bits = image.sizes().gzip as f64 * 8.0;
    bits / (bandwidth * 1e6)
}

/// The last part of each path.
pub(in crate::report) fn names(paths: &[String]) -> String {
    if paths.is_empty() {
        return "none".into();
    }
    let name = |path: &String| sanitise_line(path.rsplit('/').next().unwrap_or(path));
    let mut text = paths.iter().take(NAMES).map(name).collect::<Vec<_>>().join(" ");
    if paths.len() > NAMES {
        let _ = write!(text, " and {}", paths.len() - NAMES);
    }
    text
}

/// The packages of the libraries that the programs need.
pub(in crate::report) fn needs(image: &FinalImage) -> String {
    let needs = &image.needs;
    if needs.found.is_empty() && needs.missing.is_empty() {
        return "nothing".into();
    }
    let mut all: Vec<&str> =
        needs.found.iter().map(|found| found.package.as_deref().unwrap_or(&found.name)).collect();
    all.sort_unstable();
    all.dedup();
    sanitise_line(&all.join(" "))
}

pub(in crate::report) fn starts(image: &FinalImage) -> String {
    match &image.smoke {
        // Not every command of a Dockerfile can be given the argument.
        Smoke::Ended { exit_code } if image.flavour == Flavour::Own => {
            format!("yes (exit code {exit_code})")
        }
        Smoke::Ended { exit_code } => format!("yes (--version: {exit_code})"),
        Smoke::Ran => "yes, and runs on".into(),
        Smoke::NotTried => "it starts nothing by itself".into(),
        Smoke::DidNotStart { .. } => "no".into(),
    }
}

pub(in crate::report) fn as_init(image: &FinalImage) -> String {
    let Some(AsInit { stops, unreaped }) = &image.as_init else {
        let starts = matches!(image.smoke, Smoke::Ended { .. } | Smoke::Ran);
        return if starts { "ends by itself" } else { "-" }.into();
    };
    let left = unreaped.as_ref().map_or(0, Vec::len);
    match (stops, left) {
        (true, 0) => "stops on SIGTERM".into(),
        (true, _) => format!("stops on SIGTERM, {left} not waited for"),
        (false, 0) => "ignores SIGTERM".into(),
        (false, _) => format!("ignores SIGTERM, {left} not waited for"),
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
