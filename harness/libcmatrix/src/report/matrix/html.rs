//! A matrix as one page without network: the grid, and each pair with a link to its run's report. What the
//! template writes is escaped by askama; only the style sheet of this program is not.

use askama::Template;
use libcmatrix_schema::{CellResult, Matrix};

use super::{answer, cell, names, reasons, remark, sentence};
use crate::report::{
    answer::Answer, history::words::minute, page_head::Head, sanitise::sanitise_line,
};

#[derive(Template)]
#[template(path = "matrix/page.html")]
struct Page {
    head: Head,
    project: String,
    answer: String,
    class: &'static str,
    sentence: String,
    started_at: String,
    baselines: Vec<String>,
    rows: Vec<Row>,
    pairs: Vec<PairCard>,
}

struct Row {
    candidate: String,
    cells: Vec<GridCell>,
}

struct GridCell {
    answer: &'static str,
    class: String,
    /// Its two names, for who does not see the table.
    pair: String,
    /// Of the card below; absent of a pair that there is not.
    anchor: Option<usize>,
}

struct PairCard {
    anchor: usize,
    answer: &'static str,
    class: String,
    baseline: String,
    candidate: String,
    remark: String,
    reasons: Vec<String>,
    findings: Vec<String>,
    /// The folder of the run.
    folder: Option<String>,
}

/// The page, as UTF-8 text.
#[must_use]
pub fn render(matrix: &Matrix) -> String {
    let baselines = names(matrix, |cell| &cell.baseline);
    let at = |baseline: &str, candidate: &str| {
        let found = cell(matrix, baseline, candidate);
        let answer = found.map_or("-", |cell| answer(&cell.result));
        GridCell {
            answer,
            class: class(answer),
            pair: sanitise_line(&format!("{baseline} to {candidate}")),
            anchor: found
                .and_then(|found| matrix.cells.iter().position(|cell| std::ptr::eq(cell, found))),
        }
    };
    let rows = names(matrix, |cell| &cell.candidate).into_iter().map(|candidate| Row {
        candidate: sanitise_line(candidate),
        cells: baselines.iter().map(|baseline| at(baseline, candidate)).collect(),
    });
    let pairs = matrix.cells.iter().enumerate().map(|(anchor, cell)| PairCard {
        anchor,
        answer: answer(&cell.result),
        class: class(answer(&cell.result)),
        baseline: sanitise_line(&cell.baseline),
        candidate: sanitise_line(&cell.candidate),
        remark: remark(&cell.result),
        reasons: reasons(&cell.result).into_iter().map(sanitise_line).collect(),
        findings: match &cell.result {
            CellResult::Ran(run) => run.findings.iter().map(|code| sanitise_line(code)).collect(),
            _ => Vec::new(),
        },
        folder: match &cell.result {
            // A path of this page's own folder and nothing else.
            CellResult::Ran(run) if is_plain(&run.folder) => Some(run.folder.clone()),
            _ => None,
        },
    });
    let verdict = Answer(Some(matrix.verdict()));
    let page = Page {
        head: Head::new(include_str!("../../../templates/matrix/style.css"), ""),
        project: sanitise_line(&matrix.project),
        answer: verdict.capitalised(),
        class: verdict.class(),
        sentence: sentence(matrix),
        started_at: minute(&matrix.started_at),
        rows: rows.collect(),
        pairs: pairs.collect(),
        baselines: baselines.iter().map(|name| sanitise_line(name)).collect(),
    };
    // Writing to a string fails for no reason.
    page.render().unwrap_or_default() + "\n"
}

/// The answer as a word of the style sheet.
fn class(answer: &str) -> String {
    answer.replace(' ', "-")
}

/// Whether it is the name of a run's folder and no path that leads elsewhere.
#[must_use]
pub fn is_plain(folder: &str) -> bool {
    !folder.is_empty() && folder.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
