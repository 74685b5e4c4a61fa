//! Two nights of many pairs of environments, each a folder with its `matrix.json`.

use std::path::{Path, PathBuf};

use libcmatrix_schema::{Matrix, MatrixDifference, PairDifference, PairShows, RunRecord};

use super::{exit, read_both};
use crate::{
    cli::{Format, matrix_on_disk, print_json, terminal_width},
    exit::Exit,
    failure::{Failure, Result},
    report::{difference::matrices::render, matrix::html::is_plain},
    run_difference::{
        difference,
        matrices::{Paired, paired},
    },
};

/// Whether a folder is that of a matrix, or what `matrix --out` wrote to.
pub(super) fn is_one(path: &Path) -> bool {
    matrix_on_disk::folders(path).next().is_some()
}

/// Compares, prints, and gives the exit code of the worst pair.
///
/// # Errors
/// One of them is no matrix, cannot be read, or they are of different projects.
pub(super) fn compare(earlier: &Path, later: &Path, format: Format) -> Result<Exit> {
    if let Some(run) = [earlier, later].into_iter().find(|path| !is_one(path)) {
        return Err(Failure::usage(format!("{} is no matrix, and the other is", run.display()))
            .hint("give two runs, or the folders of two matrices"));
    }
    let (then, now) = (one(earlier)?, one(later)?);
    let mut pairs = Vec::new();
    for (cell, found) in paired(&then.1, &now.1) {
        let shows = match found {
            Paired::Less(shows) => shows,
            Paired::Both(a, b) => {
                let (a, b) = read(&then.0, &a.folder, &now.0, &b.folder)?;
                PairShows::Compared { difference: Box::new(difference(&a, &b)) }
            }
        };
        let (baseline, candidate) = (cell.baseline.clone(), cell.candidate.clone());
        pairs.push(PairDifference { baseline, candidate, shows });
    }
    let difference = MatrixDifference { pairs };
    match format {
        Format::Terminal => anstream::print!("{}", render(&difference, terminal_width())),
        Format::Json => print_json(&difference)?,
    }
    Ok(exit_of_all(&difference))
}

fn one(folder: &Path) -> Result<(PathBuf, Matrix)> {
    let mut found = matrix_on_disk::read(folder)?;
    if let [.., _, (last, _)] = &found[..] {
        let text = format!("there are {} matrices in {}", found.len(), folder.display());
        return Err(Failure::usage(text).hint(format!("name one of them, e.g. {}", last.display())));
    }
    found.pop().ok_or_else(|| Failure::bug("a folder without a matrix was read as one"))
}

fn read(then: &Path, a: &str, now: &Path, b: &str) -> Result<(RunRecord, RunRecord)> {
    // A name out of a file that came from another machine must not lead out of its folder.
    if let Some(name) = [a, b].into_iter().find(|name| !is_plain(name)) {
        return Err(Failure::usage(format!("`{name}` is no name of a run's folder"))
            .hint("compare only what `libcmatrix matrix` wrote"));
    }
    read_both(&then.join(a), &now.join(b))
}

/// Something worse in any pair; else something that cannot be told.
fn exit_of_all(difference: &MatrixDifference) -> Exit {
    let exits: Vec<Exit> = difference
        .pairs
        .iter()
        .filter_map(|pair| match &pair.shows {
            PairShows::Compared { difference } => Some(exit(difference)),
            PairShows::ResultLost => Some(Exit::Inconclusive),
            PairShows::Appeared { .. } | PairShows::Gone | PairShows::NotRun => None,
        })
        .collect();
    if exits.contains(&Exit::NoGo) {
        Exit::NoGo
    } else if exits.is_empty() || exits.contains(&Exit::Inconclusive) {
        Exit::Inconclusive
    } else {
        Exit::Success
    }
}
