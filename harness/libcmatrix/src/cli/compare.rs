//! `libcmatrix compare`: what changed between two runs. Works on the records alone.

use std::path::PathBuf;

use clap::Args;
use libcmatrix_schema::RunDifference;

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
    /// The earlier run: its folder, or its run.json
    #[arg(value_name = "EARLIER")]
    earlier: PathBuf,
    /// The later run
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
    let earlier = run_on_disk::read(&args.earlier)?;
    let later = run_on_disk::read(&args.later)?;
    if !is_same_project(&earlier, &later) {
        return Err(Failure::usage("the runs are of different projects")
            .because(format!("`{}` and `{}`", earlier.project.name, later.project.name))
            .hint("give two runs of one project"));
    }
    let difference = difference(&earlier, &later);
    match args.format {
        Format::Terminal => {
            anstream::print!("{}", report::difference::render(&difference, terminal_width()));
        }
        Format::Json => print_json(&difference)?,
    }
    Ok(exit(&difference))
}

/// What is worse weighs more than what is not known.
fn exit(difference: &RunDifference) -> Exit {
    match (difference.worse.is_empty(), difference.cannot_tell.is_empty()) {
        (false, _) => Exit::NoGo,
        (true, false) => Exit::Inconclusive,
        (true, true) => Exit::Success,
    }
}
