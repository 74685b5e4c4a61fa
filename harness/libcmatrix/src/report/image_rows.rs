//! The images that the project would be shipped in, read out row by row: each report shows these rows, or
//! those of them that it has room for. Pure: takes the record; gives text that does nothing.

use std::fmt::Write;

use libcmatrix_schema::{AsInit, FinalImage, Flavour, Leg, RunRecord, Smoke};

use super::{amount, sanitise::sanitise_line};

/// Names of one kind told of.
const NAMES: usize = 4;

/// The row whose text may stand in a table's head.
pub(super) const BASE: &str = "base";
/// The row that is there where it was tried.
const AS_INIT: &str = "as process 1";
/// The row that is there where a scanner is installed.
const VULNERABILITIES: &str = "vulnerabilities";

/// One row: what it says of an image, in the light of the first image.
pub(super) struct Row {
    pub label: &'static str,
    /// Whether it is shown where there is room for little.
    pub is_brief: bool,
    read: fn(&FinalImage, &FinalImage) -> String,
}

/// The rows, as far as they say something. A pull is told for two bandwidths, in bits a second: a line to a
/// home, one of a data centre. A push takes as long.
#[rustfmt::skip]
const ROWS: [Row; 17] = [
    Row { label: BASE, is_brief: true, read: |image, _| base(image) },
    Row { label: "unpacked", is_brief: true, read: |image, first| against(image.sizes().unpacked, first.sizes().unpacked) },
    Row { label: "gzip", is_brief: true, read: |image, first| against(image.sizes().gzip, first.sizes().gzip) },
    Row { label: "zstd", is_brief: false, read: |image, first| against(image.sizes().zstd, first.sizes().zstd) },
    Row { label: "programs", is_brief: false, read: |image, _| programs(image) },
    Row { label: "pull, 100 Mbit/s", is_brief: false, read: |image, _| amount::seconds(transfer(image, 1e8)) },
    Row { label: "pull, 1 Gbit/s", is_brief: false, read: |image, _| amount::seconds(transfer(image, 1e9)) },
    Row { label: "packages", is_brief: true, read: |image, _| packages(image) },
    Row { label: "commands", is_brief: true, read: |image, _| image.contents.commands.to_string() },
    Row { label: "setuid files", is_brief: true, read: |image, _| image.contents.setuid.len().to_string() },
    Row { label: "shells", is_brief: true, read: |image, _| names(&image.contents.shells) },
    Row { label: "interpreters", is_brief: false, read: |image, _| names(&image.contents.interpreters) },
    Row { label: "package tools", is_brief: false, read: |image, _| names(&image.contents.package_managers) },
    Row { label: VULNERABILITIES, is_brief: true, read: |image, _| vulnerabilities(image) },
    Row { label: "needs", is_brief: false, read: |image, _| needs(image) },
    Row { label: "starts", is_brief: true, read: |image, _| starts(image) },
    Row { label: AS_INIT, is_brief: false, read: |image, _| as_init(image) },
];

/// The images of both sides, the baseline's first.
pub(super) fn images(record: &RunRecord) -> Vec<(&Leg, &FinalImage)> {
    record.sides().flat_map(|leg| leg.final_images.iter().map(move |image| (leg, image))).collect()
}

/// The rows with a cell for each image.
pub(super) fn rows(images: &[(&Leg, &FinalImage)]) -> Vec<(&'static Row, Vec<String>)> {
    let Some((_, first)) = images.first() else { return Vec::new() };
    let tried_as_init = images.iter().any(|(_, image)| image.as_init.is_some());
    let counted = images.iter().any(|(_, image)| !image.vulnerabilities.is_empty());
    let is_told = |row: &&Row| match row.label {
        AS_INIT => tried_as_init,
        VULNERABILITIES => counted,
        _ => true,
    };
    let told = ROWS.iter().filter(is_told);
    told.map(|row| (row, images.iter().map(|(_, image)| (row.read)(image, first)).collect()))
        .collect()
}

pub(super) fn base(image: &FinalImage) -> String {
    match (image.flavour, &image.base) {
        (Flavour::Runtime, Some(base)) => sanitise_line(base),
        (Flavour::Own, _) => {
            format!("as in {}", sanitise_line(image.dockerfile.as_deref().unwrap_or("Dockerfile")))
        }
        _ => "none".into(),
    }
}

/// How many, if they are in a book that is read.
fn packages(image: &FinalImage) -> String {
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
fn against(bytes: u64, first: u64) -> String {
    let shown = amount::bytes(bytes);
    if bytes == first || first == 0 {
        return shown;
    }
    #[allow(clippy::cast_precision_loss, reason = "whole percents are shown")]
    let percent = (bytes as f64 / first as f64 - 1.0) * 100.0;
    format!("{shown} ({percent:+.0} %)")
}

/// What the project's own files take.
fn programs(image: &FinalImage) -> String {
    let own = image.layers.iter().filter(|layer| layer.of_project);
    amount::bytes(own.map(|layer| layer.bytes.unpacked).sum())
}

/// Seconds that a push or a pull takes, of an image of which nothing is there yet.
fn transfer(image: &FinalImage, bandwidth: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let bits = image.sizes().gzip as f64 * 8.0;
    bits / bandwidth
}

/// What each scanner counts; the two severest apart, which is what people ask for.
fn vulnerabilities(image: &FinalImage) -> String {
    let counts = image.vulnerabilities.iter().map(|counts| {
        let rest = counts.medium + counts.low + counts.other;
        let scanner = sanitise_line(&counts.scanner);
        format!("{scanner}: {} critical, {} high, {rest} less", counts.critical, counts.high)
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "not counted".into() } else { counts.join("; ") }
}

/// The last part of each path.
fn names(paths: &[String]) -> String {
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
fn needs(image: &FinalImage) -> String {
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

fn starts(image: &FinalImage) -> String {
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

fn as_init(image: &FinalImage) -> String {
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

#[cfg(test)]
mod tests {
    use libcmatrix_schema::VulnerabilityCounts;

    use super::*;

    fn record() -> RunRecord {
        serde_json::from_str(include_str!("../../tests/records/program-crashes.json"))
            .expect("a record")
    }

    fn row(record: &RunRecord, label: &str) -> Option<Vec<String>> {
        rows(&images(record))
            .into_iter()
            .find(|(row, _)| row.label == label)
            .map(|(_, cells)| cells)
    }

    /// An image that was not looked at is none without vulnerabilities.
    #[test]
    fn vulnerabilities_are_told_where_they_were_counted() {
        let mut record = record();
        assert_eq!(row(&record, VULNERABILITIES), None);
        let counts = |scanner: &str| VulnerabilityCounts {
            scanner: scanner.into(),
            critical: 1,
            medium: 2,
            low: 3,
            other: 4,
            ..VulnerabilityCounts::default()
        };
        let of = &mut record.legs[0].final_images[0].vulnerabilities;
        *of = vec![counts("grype"), counts("tri\u{1b}[31mvy")];
        let cells = row(&record, VULNERABILITIES).expect("the row");
        assert_eq!(
            cells[0],
            "grype: 1 critical, 0 high, 9 less; trivy: 1 critical, 0 high, 9 less"
        );
        assert!(
            cells.len() > 1 && cells[1..].iter().all(|cell| cell == "not counted"),
            "{cells:?}"
        );
    }
}
