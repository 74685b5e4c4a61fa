//! A matrix for a terminal: candidates down, baselines across.

use std::fmt::Write;

use libcmatrix_schema::{CellResult, Matrix, VerdictOutcome};

use super::{answer, cell, names, reasons, remark, sentence};
use crate::report::{
    answer::Answer,
    columns::table,
    sanitise::sanitise_line,
    terminal::{BOLD, DIM, wrapped},
};

/// Reasons told of each pair.
const REASONS: usize = 3;

/// The grid, then each pair that is no go.
#[must_use]
pub fn render(matrix: &Matrix, width: usize) -> String {
    let mut out = String::new();
    let verdict = Answer(Some(matrix.verdict()));
    let style = verdict.style();
    let told = format!("{}, {}", sanitise_line(&matrix.project), sentence(matrix));
    wrapped(&mut out, &format!("{style}{}{style:#}  ", verdict.upper()), &told, width);
    out.push('\n');
    let baselines = names(matrix, |cell| &cell.baseline);
    let head: Vec<String> = baselines.iter().map(|name| sanitise_line(name)).collect();
    let rows = names(matrix, |cell| &cell.candidate).into_iter().map(|candidate| {
        let answers = baselines.iter().map(|baseline| {
            cell(matrix, baseline, candidate).map_or("-", |cell| answer(&cell.result)).to_owned()
        });
        (sanitise_line(candidate), answers.collect())
    });
    let rows = std::iter::once((String::new(), head)).chain(rows);
    table(&mut out, rows.map(|(name, cells)| std::iter::once(name).chain(cells)), width);
    for cell in &matrix.cells {
        let is_go =
            matches!(&cell.result, CellResult::Ran(run) if run.verdict == VerdictOutcome::Go);
        if is_go || cell.result == CellResult::NotRun {
            continue;
        }
        let (baseline, candidate) = (sanitise_line(&cell.baseline), sanitise_line(&cell.candidate));
        let told = format!("{baseline} -> {candidate}");
        out.push('\n');
        let answer = format!("{BOLD}{}{BOLD:#}  ", answer(&cell.result));
        wrapped(&mut out, &answer, &told, width);
        let remark = remark(&cell.result);
        if !remark.is_empty() {
            wrapped(&mut out, "  ", &remark, width);
        }
        let reasons = reasons(&cell.result);
        for reason in reasons.iter().take(REASONS) {
            wrapped(&mut out, "  - ", &sanitise_line(reason), width);
        }
        if reasons.len() > REASONS {
            let _ = writeln!(out, "    and {} more", reasons.len() - REASONS);
        }
        if let CellResult::Ran(run) = &cell.result {
            let _ = writeln!(out, "  {DIM}{}/report.html{DIM:#}", sanitise_line(&run.folder));
        }
    }
    out
}
