//! `libcmatrix history`: what kept runs show together; adds, merges, prunes.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{fail, print_json, run_on_disk, terminal_width};
use crate::{
    environment::config::{self, Config},
    exit::Exit,
    failure::{Failure, Result},
    history::{DEFAULT_FILE, HistoryFile, Keep, kept, trend::trends},
    report::history::{html, terminal},
};

/// Arguments of `history`.
#[derive(Args)]
pub struct HistoryArgs {
    /// The file [default: `history` of `[run]` in ./libcmatrix.toml, else libcmatrix-history.sqlite]
    #[arg(long, global = true, value_name = "FILE")]
    history: Option<PathBuf>,
    /// What to print [default: terminal]
    #[arg(long, value_name = "FORMAT")]
    format: Option<HistoryFormat>,
    /// Only projects of this name
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    #[command(subcommand)]
    command: Option<HistoryCommand>,
}

#[derive(Clone, Copy, ValueEnum)]
enum HistoryFormat {
    /// For people
    Terminal,
    /// For programs
    Json,
    /// One page with plots
    Html,
}

#[derive(Subcommand)]
enum HistoryCommand {
    /// Add runs that were made before and came to their end; one that is there already stays as it is
    Add {
        /// Folders of runs, or their run.json
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// Add all runs of other histories
    Merge {
        /// Histories; they stay as they are
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Take out what each test did in old runs; a line about each run stays
    Prune(PruneArgs),
}

#[derive(Args)]
#[command(group(ArgGroup::new("keep").required(true).args(["keep_runs", "keep_days"])))]
struct PruneArgs {
    /// Keep so many of the newest runs of each project, pair of environments and question
    #[arg(long, value_name = "N")]
    keep_runs: Option<u32>,
    /// Keep runs of the last so many days
    #[arg(long, value_name = "D")]
    keep_days: Option<u32>,
    /// Take out the lines about old runs as well
    #[arg(long)]
    summaries: bool,
}

/// Shows or changes a history.
///
/// # Errors
/// The file is none, is damaged or cannot be written; a run cannot be read.
pub fn history(args: &HistoryArgs) -> Result<Exit> {
    refuse_what_is_of_showing(args)?;
    let configured = || -> Result<Option<PathBuf>> {
        Ok(Config::load(Path::new(config::FILE_NAME), false)?.run.history)
    };
    let path = match &args.history {
        Some(path) => path.clone(),
        None => configured()?.unwrap_or_else(|| DEFAULT_FILE.into()),
    };
    match &args.command {
        None => show(args, &path)?,
        Some(HistoryCommand::Add { runs }) => return add(&path, runs),
        Some(HistoryCommand::Merge { files }) => merge(&path, files)?,
        Some(HistoryCommand::Prune(prune)) => self::prune(&path, prune)?,
    }
    Ok(Exit::Success)
}

/// Options that say how a history is shown do not go with what changes it.
fn refuse_what_is_of_showing(args: &HistoryArgs) -> Result<()> {
    let refused = [(args.format.is_some(), "--format"), (args.project.is_some(), "--project")];
    match refused.iter().find(|(is_given, _)| *is_given && args.command.is_some()) {
        Some((_, option)) => {
            Err(Failure::usage(format!("{option} is for showing a history, not for changing it"))
                .hint(format!("leave {option} out, then show it: libcmatrix history {option} ...")))
        }
        None => Ok(()),
    }
}

fn show(args: &HistoryArgs, path: &Path) -> Result<()> {
    let mut runs = HistoryFile::open(path)?.runs()?;
    if let Some(project) = &args.project {
        runs.retain(|run| run.project == *project);
        if runs.is_empty() {
            return Err(Failure::usage(format!("{} has no runs of `{project}`", path.display()))
                .hint("`libcmatrix history` without --project shows all"));
        }
    }
    let trends = trends(&runs);
    match args.format.unwrap_or(HistoryFormat::Terminal) {
        HistoryFormat::Terminal => {
            anstream::print!("{}", terminal::render(&trends, terminal_width()));
        }
        HistoryFormat::Json => print_json(&trends)?,
        HistoryFormat::Html => {
            // A reader that has seen enough closes the pipe; that is no error.
            let _ = std::io::stdout().write_all(html::render(&trends).as_bytes());
        }
    }
    Ok(())
}

/// Runs that did not come to their end are refused; the others are added all the same.
fn add(path: &Path, runs: &[PathBuf]) -> Result<Exit> {
    // All are read before anything is written: one that is wrong is told of at once.
    let records: Vec<_> = runs.iter().map(|run| run_on_disk::read(run)).collect::<Result<_>>()?;
    let (mut exit, mut kept) = (Exit::Success, Vec::new());
    for (run, record) in runs.iter().zip(&records) {
        match kept::refused(record) {
            None => kept.push(kept::of(record)),
            Some(why) => {
                let what = format!("{} is not added", run.display());
                exit =
                    fail(&Failure::usage(what).because(why).hint("add a run that came to its end"));
            }
        }
    }
    if kept.is_empty() {
        return Ok(exit);
    }
    let mut history = HistoryFile::open_or_create(path)?;
    let mut new = 0;
    for run in &kept {
        new += usize::from(history.add(run)?);
    }
    tell(path, new, kept.len());
    Ok(exit)
}

fn merge(path: &Path, files: &[PathBuf]) -> Result<()> {
    let mut others: Vec<HistoryFile> =
        files.iter().map(|file| HistoryFile::open(file)).collect::<Result<_>>()?;
    let mut history = HistoryFile::open_or_create(path)?;
    let (mut new, mut all) = (0, 0);
    for other in &mut others {
        let merged = history.merge(other)?;
        new += merged.new;
        all += merged.all;
    }
    tell(path, new, all);
    Ok(())
}

fn tell(path: &Path, new: usize, all: usize) {
    let known = all - new;
    anstream::println!("{}: {new} added, {known} known already", path.display());
}

fn prune(path: &Path, args: &PruneArgs) -> Result<()> {
    let keep = match (args.keep_runs, args.keep_days) {
        (Some(runs), _) => Keep::Runs(runs),
        (None, days) => {
            let age = SignedDuration::from_hours(24 * i64::from(days.unwrap_or(0)));
            let since = Timestamp::now()
                .checked_sub(age)
                .map_err(|e| Failure::usage("--keep-days goes back beyond all time").because(e))?;
            Keep::Since(since.to_string())
        }
    };
    let pruned = HistoryFile::open(path)?.prune(&keep, args.summaries)?;
    let runs = |n: usize| if n == 1 { "1 run".to_owned() } else { format!("{n} runs") };
    anstream::println!(
        "{}: of {} only the line about the run is left, {} removed",
        path.display(),
        runs(pruned.without_details),
        runs(pruned.removed)
    );
    Ok(())
}
