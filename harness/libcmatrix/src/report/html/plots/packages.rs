//! What each package costs to build on both sides: two marks in a row, on one axis.

use libcmatrix_schema::{PackageMeasurement, RunRecord};

use crate::report::{
    sanitise::sanitise_line,
    terminal::measured::{amount, ratio},
};

/// Packages that are drawn; the record has all, those first that differ most.
const PACKAGES: usize = 25;

pub(in super::super) struct Packages {
    pub rows: Vec<PackageRow>,
    pub more: usize,
    /// Packages whose difference is clear.
    pub clear: usize,
    pub all: usize,
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
            clear: all.iter().filter(|package| package.is_clear).count(),
            all: all.len(),
            end: amount(unit, longest),
        })
    }
}
