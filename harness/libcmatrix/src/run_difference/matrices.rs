//! Two nights of many pairs of environments: which pairs both ran, and which only one. Pure.

use libcmatrix_schema::{CellResult, CellRun, Matrix, MatrixCell, PairShows};

/// A pair, and the runs that there are of it.
pub enum Paired<'a> {
    /// Of both nights.
    Both(&'a CellRun, &'a CellRun),
    /// Of one or none.
    Less(PairShows),
}

/// Puts the pairs of two matrices together.
#[must_use]
pub fn paired<'a>(earlier: &'a Matrix, later: &'a Matrix) -> Vec<(&'a MatrixCell, Paired<'a>)> {
    let same = |cell: &MatrixCell, other: &MatrixCell| {
        cell.baseline == other.baseline && cell.candidate == other.candidate
    };
    let now = later.cells.iter().map(|cell| {
        let before = earlier.cells.iter().find(|other| same(cell, other));
        let found = match (before.and_then(ran), ran(cell)) {
            (Some(then), Some(now)) => Paired::Both(then, now),
            (None, Some(now)) => Paired::Less(PairShows::Appeared { verdict: now.verdict }),
            (Some(_), None) => Paired::Less(PairShows::ResultLost),
            (None, None) => Paired::Less(PairShows::NotRun),
        };
        (cell, found)
    });
    let is_gone = |cell: &&MatrixCell| !later.cells.iter().any(|other| same(cell, other));
    let gone = earlier.cells.iter().filter(is_gone).map(|c| (c, Paired::Less(PairShows::Gone)));
    now.chain(gone).collect()
}

fn ran(cell: &MatrixCell) -> Option<&CellRun> {
    match &cell.result {
        CellResult::Ran(run) => Some(run),
        CellResult::Failed { .. } | CellResult::NotRun => None,
    }
}
