//! `libcmatrix dockerfile`: the Dockerfile of an image that a run has made. Works on the record alone.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use libcmatrix_schema::Role;

use crate::{exit::Exit, failure::Result, record::read_record, report::dockerfile::render};

/// Arguments of `dockerfile`.
#[derive(Args)]
pub struct DockerfileArgs {
    /// Folder of a run that was made with --images
    #[arg(default_value = "libcmatrix-out/latest")]
    folder: PathBuf,
    /// Which side's
    #[arg(long, value_name = "SIDE", default_value = "candidate")]
    side: Side,
    /// The image that has nothing but the programs
    #[arg(long)]
    empty: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Baseline,
    Candidate,
}

/// Prints it.
///
/// # Errors
/// The folder holds no readable run, or the run has made no such image.
pub fn dockerfile(args: &DockerfileArgs) -> Result<Exit> {
    let record = read_record(&args.folder)?;
    let side = match args.side {
        Side::Baseline => Role::Baseline,
        Side::Candidate => Role::Candidate,
    };
    anstream::print!("{}", render(&record, side, args.empty)?);
    Ok(Exit::Success)
}
