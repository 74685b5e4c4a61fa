//! Two nights of many pairs of environments: which pairs both ran, and which only one. Pure.

use libcmatrix_schema::{CellResult, CellRun, Matrix, MatrixCell, RunDifference, VerdictOutcome};
use serde::Serialize;

/// What is different between two matrices, pair by pair (`libcmatrix compare --format json` of two).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatrixDifference {
    /// Pairs of the later matrix in its order, then those that only the earlier one has.
    pub pairs: Vec<PairDifference>,
}

/// A pair of environments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairDifference {
    /// The baseline's name. Hostile text.
    pub baseline: String,
    /// The candidate's. Hostile text.
    pub candidate: String,
    /// What the two nights show of it.
    #[serde(flatten)]
    pub shows: PairShows,
}

/// What two nights show of a pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "shows", rename_all = "kebab-case")]
pub enum PairShows {
    /// Both ran it.
    Compared {
        /// What is different.
        difference: Box<RunDifference>,
    },
    /// Only the later matrix ran it, with this answer.
    Appeared {
        /// The answer.
        verdict: VerdictOutcome,
    },
    /// Only the earlier matrix names it.
    Gone,
    /// The later matrix names it and has no run of it, while the earlier one has.
    ResultLost,
    /// Both name it, and neither ran it; or the later one alone names it, and did not run it.
    NotRun,
}

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
