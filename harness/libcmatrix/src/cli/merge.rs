//! `libcmatrix merge`: the shards of a matrix, put together with the folders of their runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use libcmatrix_schema::{CellResult, Matrix};
use walkdir::WalkDir;

use super::{Format, matrix_on_disk, print_json, terminal_width};
use crate::{
    exit::Exit,
    failure::{Failure, Result},
    matrix,
    report::matrix::{html, terminal},
};

/// Arguments of `merge`.
#[derive(Args)]
pub struct MergeArgs {
    /// Folders that `libcmatrix matrix --out` wrote to
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Folder for the whole matrix, with all its runs
    #[arg(long, value_name = "DIR", default_value = "libcmatrix-out/merged")]
    out: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Merges, prints the grid, gives the exit code of all pairs together.
///
/// # Errors
/// A shard cannot be read, they are of different matrices, or the folder cannot be written.
pub fn merge(args: &MergeArgs) -> Result<Exit> {
    let mut found = Vec::new();
    for folder in &args.shards {
        found.extend(matrix_on_disk::read(folder)?);
    }
    let (folders, shards): (Vec<PathBuf>, Vec<Matrix>) = found.into_iter().unzip();
    let merged = matrix::merge(shards)?;
    for run in merged.cells.iter().filter_map(|cell| folder_of(&cell.result)) {
        // A name out of a file that came from another machine must not lead out of its folder.
        if !html::is_plain(run) {
            return Err(Failure::usage(format!("`{run}` is no name of a run's folder"))
                .hint("merge only what `libcmatrix matrix` wrote"));
        }
        let from = folders.iter().map(|folder| folder.join(run)).find(|from| from.is_dir());
        let to = args.out.join(run);
        if let Some(from) = from.filter(|_| !to.exists()) {
            copy(&from, &to).map_err(|e| {
                Failure::environment(format!(
                    "{} cannot be copied to {}",
                    from.display(),
                    to.display()
                ))
                .because(e)
                .hint("name another folder with --out, or make room")
            })?;
        }
    }
    matrix_on_disk::write(&args.out, &merged)?;
    match args.format {
        Format::Terminal => {
            anstream::print!("{}", terminal::render(&merged, terminal_width()));
            anstream::println!("\n  report  {}", args.out.join(matrix_on_disk::PAGE).display());
        }
        Format::Json => print_json(&merged)?,
    }
    Ok(merged.verdict().into())
}

fn folder_of(result: &CellResult) -> Option<&str> {
    match result {
        CellResult::Ran(run) => Some(&run.folder),
        CellResult::Failed { folder, .. } => folder.as_deref(),
        CellResult::NotRun => None,
    }
}

/// Files and folders; links are left out.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let Ok(path) = entry.path().strip_prefix(from) else { continue };
        if entry.file_type().is_dir() {
            fs::create_dir_all(to.join(path))?;
        } else if entry.file_type().is_file() {
            fs::copy(entry.path(), to.join(path))?;
        }
    }
    Ok(())
}
