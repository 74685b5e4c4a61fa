//! What the move costs and gains, the images it would be shipped in, and the two sides, as tables.

use std::fmt::Write;

use libcmatrix_schema::{BenchMeasurement, Leg, Measurement, RunRecord, Shows};

use super::{
    super::{
        amount, cut,
        image_rows::{images, rows},
        measured::{self, TOO_FEW, busy, calls, is_told, shows},
        sentence::capitalised,
        terminal::legs,
    },
    inert::{cell, name_in_cell, prose},
    page::Page,
};

/// Tests and packages named whose costs differ most.
const NAMED: usize = 8;
/// Benchmarks that are told of.
const BENCHES: usize = 200;
/// Rows that are kept or left out together.
const ROWS_OF_A_TABLE: usize = 25;
/// Bytes of a sentence.
const SENTENCE: usize = 600;

/// The head of a table with a column for each name.
fn head<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(name_in_cell).collect();
    let line = "|---".repeat(names.len() + 1);
    format!("| | {} |\n{line}|\n", names.join(" | "))
}

pub(super) fn measurements(page: &mut Page, record: &RunRecord) {
    let Some(comparison) = &record.comparison else { return };
    let told: Vec<&Measurement> = comparison.measurements.iter().filter(|m| is_told(m)).collect();
    if !told.is_empty() {
        let rows = told.iter().map(|m| row(measured::name(m.quantity), m, shows(m.shows)));
        let table = HEAD.to_owned() + &rows.collect::<String>();
        page.add(&format!(
            "### Measured\n\nMedians; the ratio with its 95 % interval.\n\n{table}\n"
        ));
        let too_few = told.iter().any(|m| m.shows == Shows::TooFew).then(|| TOO_FEW.to_owned());
        for text in too_few.into_iter().chain(busy(record)) {
            page.add(&format!("{}.\n\n", prose(&capitalised(&text))));
        }
    }
    benches(page, &comparison.benches_measured);
    let both = |name: &str, m: &Measurement| {
        let what = measured::name(m.quantity).trim_end_matches(", sum");
        let name = prose(&format!("`{}`", cut::line(name, SENTENCE)));
        format!("- {name}: {what} {}\n", measured::both(m))
    };
    let tests = comparison.tests_measured.iter().take(NAMED);
    let tests: Vec<String> = tests.map(|test| both(&test.id, &test.measurement)).collect();
    fold_list(page, "Tests that changed most", tests);
    let packages = comparison.packages_measured.iter().filter(|package| package.is_clear);
    let packages: Vec<String> =
        packages.take(NAMED).map(|p| both(&p.package, &p.measurement)).collect();
    fold_list(page, "Packages whose build costs more or less processor time", packages);
}

/// The head of a table of measurements.
const HEAD: &str = "| | baseline | candidate | ratio | |\n|---|---|---|---|---|\n";

/// A row of it; the name is Markdown.
fn row(name: &str, m: &Measurement, shows: &str) -> String {
    let amount = |median| measured::amount(m.quantity, median);
    let (a, b) = (amount(m.baseline_median), amount(m.candidate_median));
    format!("| {name} | {a} | {b} | {} | {shows} |\n", measured::ratio(m))
}

/// Each benchmark that both sides have, those first that differ most.
fn benches(page: &mut Page, all: &[BenchMeasurement]) {
    let clear = all.iter().filter(|bench| bench.is_clear).count();
    let summary = format!("Benchmarks: {} of {} take clearly more or less time", clear, all.len());
    let rows: Vec<String> = all
        .iter()
        .take(BENCHES)
        .map(|bench| row(&name_in_cell(&bench.id), &bench.measurement, calls(bench)))
        .collect();
    // Whole tables, so that those are kept that there is room for.
    let mut pieces: Vec<String> =
        rows.chunks(ROWS_OF_A_TABLE).map(|rows| HEAD.to_owned() + &rows.concat() + "\n").collect();
    let more = all.len().saturating_sub(BENCHES);
    if more > 0 {
        pieces.push(format!("{more} more are in the run's `run.json`.\n\n"));
    }
    page.fold(&summary, pieces);
}

fn fold_list(page: &mut Page, summary: &str, items: Vec<String>) {
    page.fold(summary, (!items.is_empty()).then(|| items.concat() + "\n"));
}

pub(super) fn final_images(page: &mut Page, record: &RunRecord) {
    let all = images(record);
    if all.is_empty() {
        return;
    }
    let head = head(all.iter().map(|(leg, _)| leg.name.as_str()));
    let mut table = format!("### Images as they would be shipped\n\n{head}");
    for (row, cells) in rows(&all).into_iter().filter(|(row, _)| row.is_brief) {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        let _ = writeln!(table, "| {} | {} |", row.label, cells.join(" | "));
    }
    page.add(&(table + "\n"));
}

/// The two sides: what was built, what the tests did, what it took.
pub(super) fn legs(page: &mut Page, record: &RunRecord) {
    let legs: Vec<&Leg> = record.sides().collect();
    if legs.is_empty() {
        return;
    }
    let mut table = head(legs.iter().map(|leg| leg.name.as_str()));
    for (label, read) in legs::ROWS.into_iter().filter(|(label, _)| !label.is_empty()) {
        let cells: Vec<String> = legs.iter().map(|leg| read(leg)).collect();
        if cells.iter().any(|text| text != "-") {
            let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
            let _ = writeln!(table, "| {label} | {} |", cells.join(" | "));
        }
    }
    page.fold("The two sides", [table + "\n"]);
}

/// Notes for the reader, and what wrote this.
pub(super) fn notes(page: &mut Page, record: &RunRecord) {
    let notes =
        record.notes.iter().map(|note| format!("- {}\n", prose(&cut::line(&note.text, SENTENCE))));
    let notes: Vec<String> = notes.collect();
    fold_list(page, &format!("Notes: {}", notes.len()), notes);
    let time = record.legs.iter().flat_map(|leg| &leg.steps).map(|step| step.wall_s).sum();
    page.add(&format!(
        "Run {} of {}, {} in all.\n\n",
        prose(&format!("`{}`", cut::line(&record.run_id, 100))),
        prose(&format!("`libcmatrix {}`", cut::line(&record.tool.version, 100))),
        amount::seconds(time),
    ));
}
