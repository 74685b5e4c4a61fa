//! `libcmatrix report`: a finished run again. Works on the record alone.

use std::{io::Write, path::PathBuf};

use clap::{Args, ValueEnum};

use super::terminal_width;
use crate::{
    compare, diagnose,
    exit::Exit,
    failure::{Failure, Result},
    record::read_record,
    report::terminal::{self, TerminalOptions},
    verdict::{self, Policy},
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

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Terminal,
    /// The record
    Json,
}

/// Prints a run.
///
/// # Errors
/// The folder holds no readable run.
pub fn report(args: &ReportArgs) -> Result<Exit> {
    let mut record = read_record(&args.folder)?;
    // A run that was killed never came to its comparison.
    if record.comparison.is_none() {
        let comparison = compare::compare(&record);
        record.findings = diagnose::findings(&record, &comparison);
        record.verdict = Some(verdict::decide(&record, &comparison, &Policy::default()));
        record.comparison = Some(comparison);
    }
    match args.format {
        Format::Terminal => {
            let folder = ("folder".to_owned(), args.folder.display().to_string());
            let options = TerminalOptions { width: terminal_width(), files: vec![folder] };
            anstream::print!("{}", terminal::render(&record, &options));
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&record)
                .map_err(|e| Failure::bug("the record cannot be serialised").because(e))?;
            // A reader that has seen enough closes the pipe; that is no error.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
    Ok(Exit::Success)
}
