//! `libcmatrix report`: a finished run again. Works on the record alone.

use std::path::PathBuf;

use clap::Args;

use super::{Format, print_json, run_on_disk, terminal_width};
use crate::{
    exit::Exit,
    failure::Result,
    record::read_record,
    report::terminal::{self, TerminalOptions},
};

/// Arguments of `report`.
#[derive(Args)]
pub struct ReportArgs {
    /// Folder of a run
    #[arg(default_value = "libcmatrix-out/latest")]
    folder: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Prints a run.
///
/// # Errors
/// The folder holds no readable run.
pub fn report(args: &ReportArgs) -> Result<Exit> {
    let record = run_on_disk::complete(read_record(&args.folder)?);
    match args.format {
        Format::Terminal => {
            let folder = ("folder".to_owned(), args.folder.display().to_string());
            let options = TerminalOptions { width: terminal_width(), files: vec![folder] };
            anstream::print!("{}", terminal::render(&record, &options));
        }
        Format::Json => print_json(&record)?,
    }
    Ok(Exit::Success)
}
