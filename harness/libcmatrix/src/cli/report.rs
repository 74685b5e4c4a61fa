//! `libcmatrix report`: a finished run again, in any format. Works on the record alone.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};

use super::{run_on_disk, terminal_width, units};
use crate::{
    exit::Exit,
    failure::{Failure, Result},
    report::{
        formats::{self, FORMATS, FormatOptions},
        terminal::TerminalOptions,
    },
};

/// Arguments of `report`.
#[derive(Args)]
pub struct ReportArgs {
    /// Folder of a run, or its run.json
    #[arg(default_value = "libcmatrix-out/latest", value_name = "RUN")]
    run: PathBuf,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "terminal", value_parser = format_names())]
    format: String,
    /// With junit: what this leg's tests did, instead of the comparison
    #[arg(long, value_name = "NAME")]
    leg: Option<String>,
    /// With markdown: the most bytes, e.g. 64k for a comment on GitHub [default: 1m, what it takes as a
    /// job's summary]
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// Write it to this file, not to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn format_names() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.help)).into()
}

/// Shows a run.
///
/// # Errors
/// There is no readable run, an option does not go with the format, or the file cannot be written.
pub fn report(args: &ReportArgs) -> Result<Exit> {
    let options = options(args)?;
    let record = run_on_disk::read(&args.run)?;
    let format = formats::format(&args.format)
        .ok_or_else(|| Failure::bug(format!("there is no format `{}`", args.format)))?;
    let text = (format.render)(&record, &options)?;
    match &args.output {
        // A file has no colours.
        Some(path) if format.name == "terminal" => {
            write(path, &anstream::adapter::strip_str(&text).to_string())?;
        }
        Some(path) => write(path, &text)?,
        None if format.name == "terminal" => anstream::print!("{text}"),
        // A reader that has seen enough closes the pipe; that is no error.
        None => {
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    }
    Ok(Exit::Success)
}

fn options(args: &ReportArgs) -> Result<FormatOptions> {
    let only_with = |option: &str, format: &str| {
        Failure::usage(format!("{option} does not go with --format {}", args.format))
            .hint(format!("it goes with --format {format}"))
    };
    if args.leg.is_some() && args.format != "junit" {
        return Err(only_with("--leg", "junit"));
    }
    if args.max_size.is_some() && args.format != "markdown" {
        return Err(only_with("--max-size", "markdown"));
    }
    let files = vec![("run".to_owned(), args.run.display().to_string())];
    let terminal = TerminalOptions { width: terminal_width(), files };
    let mut options = FormatOptions { terminal, leg: args.leg.clone(), ..FormatOptions::default() };
    if let Some(text) = &args.max_size {
        let bytes = units::size("--max-size", text)?;
        options.most_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    Ok(options)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| {
        Failure::environment(format!("{} cannot be written", path.display()))
            .because(e)
            .hint("name a file in a folder that is there and may be written to")
    })
}
