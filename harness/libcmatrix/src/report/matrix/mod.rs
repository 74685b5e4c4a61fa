//! A matrix, made readable: a grid of answers, and what is behind each.
//!
//! - [`terminal`]: for people, in columns
//! - [`html`]: the same as a page, with a link to each run's report
//! - [`plan`]: its shards, for the job matrix of a CI system

pub mod html;
pub mod plan;
pub mod terminal;

use libcmatrix_schema::{CellResult, Matrix, MatrixCell};

/// Names in the order in which they come, each once.
fn names<'a>(matrix: &'a Matrix, of: impl Fn(&'a MatrixCell) -> &'a String) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in &matrix.cells {
        let name = of(cell).as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn cell<'a>(matrix: &'a Matrix, baseline: &str, candidate: &str) -> Option<&'a MatrixCell> {
    matrix.cells.iter().find(|cell| cell.baseline == baseline && cell.candidate == candidate)
}

/// The answer of a pair in a word.
fn answer(result: &CellResult) -> &'static str {
    match result {
        CellResult::Ran(run) => run.verdict.name(),
        CellResult::Failed { .. } => "failed",
        CellResult::NotRun => "not run",
    }
}

/// What is behind the answer: tests that changed by kind, or how many were compared.
fn remark(result: &CellResult) -> String {
    let CellResult::Ran(run) = result else { return String::new() };
    let compared = format!("{} of {} tests compared", run.compared, run.total);
    let changes = run.changes.iter().map(|(kind, number)| format!("{number} {kind}"));
    std::iter::once(compared).chain(changes).collect::<Vec<_>>().join(", ")
}

/// The reasons of a pair's answer.
fn reasons(result: &CellResult) -> Vec<&str> {
    match result {
        CellResult::Ran(run) => run.reasons.iter().map(String::as_str).collect(),
        CellResult::Failed { why, .. } => vec![why],
        CellResult::NotRun => Vec::new(),
    }
}

/// All of it in a sentence.
fn sentence(matrix: &Matrix) -> String {
    let number =
        |wanted: &str| matrix.cells.iter().filter(|cell| answer(&cell.result) == wanted).count();
    let told = ["go", "no-go", "inconclusive", "failed", "not run"]
        .into_iter()
        .map(|word| (number(word), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"));
    format!("{} pairs: {}", matrix.cells.len(), told.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{CellRun, Tool, VerdictOutcome};

    use super::*;

    const HOSTILE: &str = "<img src=x>\u{1b}[31m\u{202e}\"'&";

    fn matrix() -> Matrix {
        let cell = |candidate: &str, result| MatrixCell {
            baseline: "debian".into(),
            candidate: candidate.into(),
            result,
        };
        let ran = CellRun {
            folder: "../../etc".into(),
            verdict: VerdictOutcome::NoGo,
            reasons: vec![HOSTILE.into()],
            compared: 3,
            total: 4,
            changes: [("regressed".to_owned(), 1)].into(),
            findings: vec![HOSTILE.into()],
        };
        Matrix {
            schema_version: 1,
            tool: Tool { name: "libcmatrix".into(), version: "0".into() },
            matrix_id: "m".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            project: HOSTILE.into(),
            cells: vec![
                cell(HOSTILE, CellResult::Ran(ran)),
                cell("alpine", CellResult::Failed { why: HOSTILE.into(), folder: None }),
                cell("later", CellResult::NotRun),
            ],
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let page = html::render(&matrix());
        let text = terminal::render(&matrix(), 80);
        for shown in [&page, &text] {
            assert!(!shown.contains(['\u{202e}']), "{shown}");
            assert!(shown.contains("3 of 4 tests compared, 1 regressed"), "{shown}");
            assert!(shown.contains("1 no-go, 1 failed, 1 not run"), "{shown}");
        }
        assert!(!page.contains("<img") && !page.contains('\u{1b}'), "{page}");
        assert_eq!(text.matches("\u{1b}[31m").count(), 1, "the answer alone is red: {text}");
        // A folder that leads elsewhere is not linked to.
        assert!(!page.contains("href=\"../"), "{page}");
    }

    #[test]
    fn every_pair_has_its_place_in_the_grid() {
        let page = html::render(&matrix());
        for place in
            ["href=\"#pair-0\">no-go", "href=\"#pair-1\">failed", "href=\"#pair-2\">not run"]
        {
            assert!(page.contains(place), "{place}: {page}");
        }
        let text = terminal::render(&matrix(), 80);
        assert!(
            text.lines().any(|line| line.split_whitespace().eq(["alpine", "failed"])),
            "{text}"
        );
        assert!(
            text.lines().any(|line| line.split_whitespace().eq(["later", "not", "run"])),
            "{text}"
        );
    }
}
