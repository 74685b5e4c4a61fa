//! `libcmatrix diagnose`: the rules on a log that is there already, ours or not.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use clap::Args;

use super::{Format, print_json, terminal_width};
use crate::{
    diagnose::{self, Facts, Scanner},
    exit::Exit,
    failure::{Failure, Result},
    report::diagnosis,
};

/// Arguments of `diagnose`.
#[derive(Args)]
pub struct DiagnoseArgs {
    /// The log of a build, a test run or a program; `-` is standard input
    file: PathBuf,
    /// Exit code of what wrote it
    #[arg(long, value_name = "CODE", allow_negative_numbers = true)]
    exit_code: Option<i32>,
    /// Signal that ended what wrote it, by number or name
    #[arg(long, value_name = "SIGNAL", value_parser = signal)]
    signal: Option<i32>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Diagnoses a log.
///
/// # Errors
/// The file cannot be read.
pub fn diagnose(args: &DiagnoseArgs) -> Result<Exit> {
    let mut facts = read(args)?;
    // What the user says counts more than what the log seems to say.
    match args.exit_code {
        Some(code @ 129..=159) => facts.signal = Some(code - 128),
        Some(code) => facts.exit_code = Some(code),
        None => {}
    }
    facts.signal = args.signal.or(facts.signal);
    let diagnosis = diagnose::decide(&facts);
    match args.format {
        Format::Terminal => {
            anstream::print!("{}", diagnosis::terminal(&diagnosis, terminal_width()));
        }
        Format::Json => print_json(&diagnosis::json(&diagnosis))?,
    }
    Ok(Exit::Success)
}

fn read(args: &DiagnoseArgs) -> Result<Facts> {
    let name = args.file.display();
    let cannot = |e: io::Error| {
        Failure::usage(format!("{name} cannot be read"))
            .because(e)
            .hint("give a log file, or `-` and the log on standard input")
    };
    let input: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).map_err(cannot)?)
    };
    let mut scanner = Scanner::new();
    scanner.read(input).map_err(cannot)?;
    Ok(scanner.finish())
}

/// A signal by its number or its name, with or without `SIG`.
fn signal(text: &str) -> std::result::Result<i32, String> {
    const NAMES: [(&str, i32); 15] = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("TRAP", 5),
        ("ABRT", 6),
        ("BUS", 7),
        ("FPE", 8),
        ("KILL", 9),
        ("USR1", 10),
        ("SEGV", 11),
        ("USR2", 12),
        ("PIPE", 13),
        ("TERM", 15),
        ("SYS", 31),
    ];
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    known.or_else(|| name.parse().ok().filter(|n| (1..=64).contains(n))).ok_or_else(|| {
        format!("there is no signal `{text}`; use a number from 1 to 64, or a name such as SEGV")
    })
}
