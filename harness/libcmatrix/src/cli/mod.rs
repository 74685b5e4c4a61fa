//! The command line: one file a command. Takes arguments; gives an [`Exit`]. Results go to standard
//! output, everything else to standard error.

mod check;
mod clean;
mod compare;
mod completions;
mod diagnose;
mod doctor;
mod explain;
mod history;
mod image_choice;
mod images;
mod init;
mod interrupt;
mod matrix;
mod matrix_on_disk;
mod merge;
mod own_dockerfile;
mod report;
mod run;
mod run_on_disk;
mod step_summary;
mod units;

use std::{io::Write, sync::Arc};

use anstyle::{AnsiColor, Style};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::{
    engine::{Engine, docker, embedded},
    exit::Exit,
    failure::{Failure, Result},
    progress::ProgressMode,
    report::{dockerfile, sanitise::sanitise, sbom},
};

const EXIT_CODES: &str = "Exit codes: 0 go (or done), 10 no-go, 11 inconclusive, 2 usage or configuration, \
    3 environment (no engine, no image, no disk, no network), 130 interrupted, 70 a bug of libcmatrix";

/// Can this project move from Debian (glibc) to Alpine (musl)? Builds it and runs its own tests on
/// both, and says what differs.
#[derive(Parser)]
#[command(
    name = "libcmatrix",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = EXIT_CODES
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args)]
struct Global {
    /// No progress, only the result
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Every test as it finishes
    #[arg(long, short, global = true)]
    verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// How a result is printed.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Terminal,
    /// For programs
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum EngineChoice {
    /// A reachable Docker-compatible socket, else the embedded one
    Auto,
    /// Docker, Podman or another with Docker's interface
    Docker,
    /// No daemon: namespaces of this machine's own kernel
    Embedded,
}

#[derive(Subcommand)]
enum Command {
    /// Build a project, run its tests on both sides, compare, report
    #[command(after_help = EXIT_CODES)]
    Run(Box<run::RunArgs>),
    /// Run every pair of environments that libcmatrix.toml names, and show the answers as a grid
    #[command(after_help = EXIT_CODES)]
    Matrix(Box<matrix::MatrixArgs>),
    /// Put the shards of a matrix together
    #[command(after_help = EXIT_CODES)]
    Merge(merge::MergeArgs),
    /// What a move to musl may stumble over, from metadata and sources alone: seconds, no container
    Check(check::CheckArgs),
    /// Show a finished run again
    Report(report::ReportArgs),
    /// What changed between two runs of a project, last night's and tonight's
    #[command(after_help = compare::EXIT_CODES)]
    Compare(compare::CompareArgs),
    /// What the runs that were kept show together: since when a test is worse, what is unstable, what grows
    History(history::HistoryArgs),
    /// Write the Dockerfile of an image that a run has made
    Dockerfile(image_choice::ImageChoice),
    /// Write the bill of materials (CycloneDX) of an image that a run has made
    Sbom(image_choice::ImageChoice),
    /// What a log of a build, a test run or a program says about musl, and what to do
    Diagnose(diagnose::DiagnoseArgs),
    /// What a finding means, how it shows, what to do
    Explain(explain::ExplainArgs),
    /// What works on this machine, what does not, and what to do about it
    Doctor(doctor::DoctorArgs),
    /// List, make, load, pull and remove images
    Images(images::ImagesArgs),
    /// Remove what runs that were killed have left in the engine
    Clean(clean::CleanArgs),
    /// Write a libcmatrix.toml with every setting explained, or files for a CI system
    Init(init::InitArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// The command line itself: every command and option, for what writes or checks calls of it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole command.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            // Help and version are no errors.
            return if e.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(e) => return fail(&Failure::environment("threads cannot be started").because(e)),
        };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Run(args) => run::run(*args, &cli.global).await,
            Command::Matrix(args) => matrix::matrix(*args, &cli.global).await,
            Command::Merge(args) => merge::merge(&args),
            Command::Check(args) => check::check(&args, &cli.global),
            Command::Report(args) => report::report(&args),
            Command::Compare(args) => compare::compare(&args),
            Command::History(args) => history::history(&args),
            Command::Dockerfile(choice) => choice.print(dockerfile::render).map(|()| Exit::Success),
            Command::Sbom(choice) => choice.print(sbom::render).map(|()| Exit::Success),
            Command::Diagnose(args) => diagnose::diagnose(&args),
            Command::Explain(args) => explain::explain(&args),
            Command::Init(args) => init::init(&args),
            Command::Doctor(args) => doctor::doctor(&args).await,
            Command::Images(args) => images::images(args, &cli.global).await,
            Command::Clean(args) => clean::clean(&args).await,
            Command::Completions(args) => completions::completions(&args),
        }
    });
    // A blocking thread that waits for a dead peer must not keep the command from ending.
    runtime.shutdown_background();
    result.unwrap_or_else(|failure| fail(&failure))
}

/// Says what went wrong, and what to do next.
fn fail(failure: &Failure) -> Exit {
    let error = AnsiColor::Red.on_default().bold();
    let hint = AnsiColor::Cyan.on_default().bold();
    anstream::eprintln!("{error}error:{error:#} {}", indented(&failure.what));
    if !failure.cause.is_empty() {
        let dim = Style::new().dimmed();
        anstream::eprintln!("  {dim}because:{dim:#} {}", indented(&failure.cause));
    }
    if let Some(text) = &failure.hint {
        anstream::eprintln!("  {hint}hint:{hint:#} {}", indented(text));
    }
    failure.exit
}

fn indented(text: &str) -> String {
    sanitise(text).lines().collect::<Vec<_>>().join("\n    ")
}

impl Global {
    fn progress_mode(&self) -> ProgressMode {
        use std::io::IsTerminal;
        if self.quiet {
            ProgressMode::Quiet
        } else if std::io::stderr().is_terminal() {
            ProgressMode::Bars
        } else {
            ProgressMode::Plain
        }
    }
}

/// Connects to the engine that was asked for, and removes what killed runs have left in it.
async fn connect(choice: EngineChoice) -> Result<Arc<dyn Engine>> {
    let engine = engine(choice).await?;
    sweep(engine.as_ref()).await;
    Ok(engine)
}

/// Removes what killed runs have left. What cannot be removed now is in nobody's way;
/// `libcmatrix clean` says why.
async fn sweep(engine: &dyn Engine) {
    if let Err(failure) = engine.sweep(false).await {
        anstream::eprintln!("warning: {}", sanitise(&failure.to_string()));
    }
}

/// Connects to the engine that was asked for.
async fn engine(choice: EngineChoice) -> Result<Arc<dyn Engine>> {
    match choice {
        EngineChoice::Docker => docker().await,
        EngineChoice::Embedded => embedded().await,
        EngineChoice::Auto => match docker().await {
            Ok(engine) => Ok(engine),
            Err(no_docker) => embedded().await.map_err(|no_embedded| {
                Failure::environment("no engine works here")
                    .because(format!("{no_docker}\n{no_embedded}"))
                    .hint(no_embedded.hint.or(no_docker.hint).unwrap_or_default())
            }),
        },
    }
}

async fn docker() -> Result<Arc<dyn Engine>> {
    docker::connect(None).await.map(|engine| Arc::new(engine) as Arc<dyn Engine>)
}

async fn embedded() -> Result<Arc<dyn Engine>> {
    embedded::connect().await.map(|engine| Arc::new(engine) as Arc<dyn Engine>)
}

/// Prints a result for programs.
fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::bug("the result cannot be serialised").because(e))?;
    // A reader that has seen enough closes the pipe; that is no error.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// Columns of the terminal; where there is none, what most logs are read in.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(60, 140)
}
