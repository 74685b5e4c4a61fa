//! `libcmatrix check`: what a move to musl may stumble over, from metadata and sources alone.
//!
//! Nothing of the project runs, and nothing is written into its folder.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use libcmatrix_schema::ProjectKind;

use super::{Format, Global, print_json, terminal_width};
use crate::{
    exit::Exit,
    failure::Result,
    folders, hazards,
    progress::ProgressMode,
    project::{Inspected, inspect, published, resolved},
    report::{hazards::render, sanitise::sanitise_line},
};

/// Arguments of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// Folder of a cargo project
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Take a published crate instead
    #[arg(long = "crate", value_name = "NAME[@VERSION]", conflicts_with = "path")]
    krate: Option<String>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Looks, and prints what it found. Hazards are no failure.
///
/// # Errors
/// There is no project, its dependencies cannot be resolved, or cargo cannot get them.
pub fn check(args: &CheckArgs, global: &Global) -> Result<Exit> {
    let mut waiting = Waiting::new(global.progress_mode());
    let project = find_project(args, &mut waiting)?;
    waiting.doing("dependencies");
    let resolved = resolved::resolve(&project)?;
    let report = hazards::find(&resolved, &project.project.name, &mut |text| {
        waiting.doing(text);
    })?;
    waiting.bar.finish_and_clear();
    match args.format {
        Format::Terminal => anstream::print!("{}", render(&report, terminal_width().min(100))),
        Format::Json => print_json(&report)?,
    }
    Ok(Exit::Success)
}

fn find_project(args: &CheckArgs, waiting: &mut Waiting) -> Result<Inspected> {
    let Some(text) = &args.krate else {
        return inspect(&args.path, ProjectKind::Directory, &args.path.display().to_string());
    };
    let request = published::CrateRequest::parse(text)?;
    waiting.doing(&format!("download of {text}"));
    let published = published::download(&request, &folders::cache()?)?;
    inspect(&published.folder, ProjectKind::PublishedCrate, &published.name)
}

/// Says what is going on, once it has taken longer than a moment.
struct Waiting {
    mode: ProgressMode,
    bar: ProgressBar,
    last: Instant,
    patience: Duration,
}

impl Waiting {
    fn new(mode: ProgressMode) -> Self {
        let target = match mode {
            ProgressMode::Bars => ProgressDrawTarget::stderr_with_hz(8),
            _ => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self { mode, bar, last: Instant::now(), patience: Duration::from_secs(1) }
    }

    fn doing(&mut self, text: &str) {
        let text = sanitise_line(text);
        if self.mode == ProgressMode::Bars {
            self.bar.set_message(text);
            self.bar.tick();
        } else if self.mode == ProgressMode::Plain && self.last.elapsed() >= self.patience {
            // Few enough for a log.
            anstream::eprintln!("checking: {text}");
            self.last = Instant::now();
            self.patience = Duration::from_secs(5);
        }
    }
}
