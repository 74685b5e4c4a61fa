//! `libcmatrix compare`: what changed between two runs, or two matrices of runs. Works on the records
//! alone.

mod matrices;

use std::path::{Path, PathBuf};

use clap::Args;
use libcmatrix_schema::{RunDifference, RunRecord};

use super::{Format, print_json, run_on_disk, terminal_width};
use crate::{
    exit::Exit,
    failure::{Failure, Result},
    report,
    run_difference::{difference, is_same_project},
};

pub(super) const EXIT_CODES: &str = "Exit codes: 0 nothing got worse, 10 something got worse, 11 the later run \
    did not see enough to tell, 2 usage, or a run that cannot be read";

/// Arguments of `compare`.
#[derive(Args)]
pub struct CompareArgs {
    /// The earlier run: its folder, or its run.json; or the folder of a matrix
    #[arg(value_name = "EARLIER")]
    earlier: PathBuf,
    /// The later run, or matrix
    #[arg(value_name = "LATER")]
    later: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Compares two runs and prints what changed.
///
/// # Errors
/// One of them cannot be read, or they are of different projects.
pub fn compare(args: &CompareArgs) -> Result<Exit> {
    let (earlier, later) = (&args.earlier, &args.later);
    if matrices::is_one(earlier) || matrices::is_one(later) {
        return matrices::compare(earlier, later, args.format);
    }
    let (earlier, later) = read_both(earlier, later)?;
    let difference = difference(&earlier, &later);
    match args.format {
        Format::Terminal => {
            anstream::print!("{}", report::difference::render(&difference, terminal_width()));
        }
        Format::Json => print_json(&difference)?,
    }
    Ok(exit(&difference))
}

fn read_both(earlier: &Path, later: &Path) -> Result<(RunRecord, RunRecord)> {
    let earlier = run_on_disk::read(earlier)?;
    let later = run_on_disk::read(later)?;
    if !is_same_project(&earlier, &later) {
        return Err(Failure::usage("the runs are of different projects")
            .because(format!("`{}` and `{}`", earlier.project.name, later.project.name))
            .hint("give two runs of one project"));
    }
    Ok((earlier, later))
}

/// What is worse weighs more than what is not known.
fn exit(difference: &RunDifference) -> Exit {
    match (difference.worse.is_empty(), difference.cannot_tell.is_empty()) {
        (false, _) => Exit::NoGo,
        (true, false) => Exit::Inconclusive,
        (true, true) => Exit::Success,
    }
}
