//! What each package costs to build on both sides: two marks in a row, on one axis.

use libcmatrix_schema::{PackageMeasurement, RunRecord};

use crate::report::{
    measured::{amount, ratio},
    sanitise::sanitise_line,
};

/// Packages that are drawn; the record has all, those first that differ most.
const PACKAGES: usize = 25;

pub(in super::super) struct Packages {
    pub rows: Vec<PackageRow>,
    pub more: usize,
    /// How often they were built, and how many differ clearly.
    pub summary: String,
    /// The axis's end, from 0.
    pub end: String,
}

pub(in super::super) struct PackageRow {
    pub name: String,
    pub baseline: String,
    pub candidate: String,
    pub ratio: String,
    pub is_clear: bool,
    /// Where both are, from 0 to 100.
    pub at: [String; 2],
}

impl Packages {
    pub(in super::super) fn of(record: &RunRecord) -> Option<Self> {
        let all = &record.comparison.as_ref()?.packages_measured;
        let first = all.first()?;
        let unit = first.measurement.quantity;
        let shown = &all[..all.len().min(PACKAGES)];
        let medians = |p: &PackageMeasurement| {
            [p.measurement.baseline_median, p.measurement.candidate_median]
        };
        let longest = shown.iter().flat_map(medians).fold(0.0, f64::max).max(1e-6);
        let row = |package: &PackageMeasurement| {
            let m = &package.measurement;
            PackageRow {
                name: sanitise_line(&package.package),
                baseline: amount(unit, m.baseline_median),
                candidate: amount(unit, m.candidate_median),
                ratio: ratio(m),
                is_clear: package.is_clear,
                at: medians(package).map(|value| format!("{:.2}", value / longest * 100.0)),
            }
        };
        Some(Self {
            rows: shown.iter().map(row).collect(),
            more: all.len().saturating_sub(PACKAGES),
            summary: summary(all),
            end: amount(unit, longest),
        })
    }
}

fn summary(all: &[PackageMeasurement]) -> String {
    let builds = all.iter().map(|package| package.measurement.baseline.len()).max().unwrap_or(0);
    if all.iter().all(|package| package.measurement.interval.is_none()) {
        let builds = if builds == 1 { "1 build".into() } else { format!("{builds} builds") };
        return format!("{builds} a side: too few to tell a difference from chance.");
    }
    let clear = all.iter().filter(|package| package.is_clear).count();
    format!("Medians of {builds} builds a side; {clear} of {} packages differ clearly.", all.len())
}
