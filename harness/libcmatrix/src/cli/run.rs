//! `libcmatrix run`: the main job.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use libcmatrix_schema::{Control, Limits, ProjectKind, Settings};

use super::{
    EngineChoice, Global, connect,
    interrupt::{self, CurrentRun},
    own_dockerfile::{self, SideFile},
    print_json, step_summary, terminal_width, units,
};
use crate::{
    engine::{Engine, EngineInfo, current_owner},
    environment::{
        EnvironmentSpec,
        config::{self, Config, RunDefaults},
    },
    exit::Exit,
    failure::{Failure, Result},
    folders,
    history::{HistoryFile, kept},
    image::choose,
    progress::Progress,
    project::{CargoSelection, Inspected, inspect, published},
    report::{
        terminal::{self, TerminalOptions},
        trials,
    },
    run::{self, Finished, Plan},
};

/// Arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    /// Folder of a cargo project
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Take a published crate instead
    #[arg(long = "crate", value_name = "NAME[@VERSION]", conflicts_with = "path")]
    pub(super) krate: Option<String>,
    /// Environment it runs in today
    #[arg(long, value_name = "NAME", help_heading = "Environments")]
    pub(super) baseline: Option<String>,
    /// Environment it may move to
    #[arg(long, value_name = "NAME", help_heading = "Environments")]
    pub(super) candidate: Option<String>,
    /// What runs the environments
    #[arg(long, value_name = "ENGINE", default_value = "auto", help_heading = "Environments")]
    engine: EngineChoice,
    /// Images that the tests run in: both sides bare, or both with their toolchain
    #[arg(long, value_name = "IMAGE", default_value = "runtime", help_heading = "Environments")]
    test_image: TestImage,
    /// Configuration file [default: libcmatrix.toml in the workspace root]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the folders of runs
    #[arg(long, value_name = "DIR", default_value = "libcmatrix-out")]
    pub(super) out: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(super) format: RunFormat,
    /// Add the run to this history, which is made if it is not there (see `libcmatrix history`)
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Only this package
    #[arg(long, short, value_name = "SPEC", help_heading = "What is built and tested")]
    package: Vec<String>,
    /// All members of the workspace
    #[arg(long, help_heading = "What is built and tested")]
    workspace: bool,
    /// Features to turn on
    #[arg(long, short = 'F', value_name = "FEATURES", help_heading = "What is built and tested")]
    features: Vec<String>,
    /// All features
    #[arg(long, help_heading = "What is built and tested")]
    all_features: bool,
    /// Not the default features
    #[arg(long, help_heading = "What is built and tested")]
    no_default_features: bool,
    /// Leave out this member of the workspace
    #[arg(
        long,
        value_name = "SPEC",
        requires = "workspace",
        help_heading = "What is built and tested"
    )]
    exclude: Vec<String>,
    /// With optimisations
    #[arg(long, short, help_heading = "What is built and tested")]
    release: bool,
    /// With this profile
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "release",
        help_heading = "What is built and tested"
    )]
    profile: Option<String>,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT", help_heading = "What is built and tested")]
    filter: Vec<String>,
    /// Make the images that the project would be shipped in, and tell their sizes and what is in them
    #[arg(long, help_heading = "What is built and tested")]
    images: bool,
    /// Measure the image of your own Dockerfile, of the baseline or the candidate, built in the project's
    /// folder by the engine's builder (Docker, Podman); turns on --images
    #[arg(long, value_name = "SIDE=FILE", help_heading = "What is built and tested")]
    dockerfile: Vec<SideFile>,
    /// Leave out the documentation's examples
    #[arg(long, help_heading = "What is built and tested")]
    no_doctests: bool,

    /// Attempts of every test, on both sides [default: 1]
    #[arg(long, value_name = "N", help_heading = "How often, how many at a time")]
    attempts: Option<u32>,
    /// Further attempts, on both sides, of every test that differs [default: 4]
    #[arg(long, value_name = "N", help_heading = "How often, how many at a time")]
    confirm: Option<u32>,
    /// Cold builds of each side for their times, besides the first [default: 0; 5 or more give intervals]
    #[arg(long, value_name = "N", help_heading = "How often, how many at a time")]
    build_repeats: Option<u32>,
    /// Run the project's benchmarks (Criterion, libtest) this often on each side, in turns
    /// [5 or more give intervals]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "5", require_equals = true, help_heading = "How often, how many at a time")]
    bench: Option<u32>,
    /// Compare the baseline with itself (`aa`): every change is a false alarm, and their rate is told
    #[arg(
        long,
        value_name = "KIND",
        conflicts_with = "candidate",
        help_heading = "How often, how many at a time"
    )]
    pub(super) control: Option<ControlKind>,
    /// Tests at a time [default: the engine's processors]
    #[arg(long, value_name = "N", help_heading = "How often, how many at a time")]
    test_threads: Option<u32>,
    /// Compilers at a time [default: the engine's processors]
    #[arg(long, short, value_name = "N", help_heading = "How often, how many at a time")]
    jobs: Option<u32>,

    /// Memory of all tests that run at a time [default: 80 % of the engine's, at most 8g]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<String>,
    /// Memory of a build [default: 80 % of the engine's]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    build_memory: Option<String>,
    /// Processes and threads at a time
    #[arg(long, value_name = "N", default_value = "4096", help_heading = "Limits")]
    pids: u64,
    /// Processors, e.g. 1.5 [default: all of the engine's]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    cpus: Option<f64>,
    /// Size of one file that is written [default: no limit]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    file_size: Option<String>,
    /// Time of one test [default: 5m]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    test_timeout: Option<String>,
    /// Time of one step [default: 1h]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    step_timeout: Option<String>,
    /// Time a step may be silent [default: 20m]
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    silence_timeout: Option<String>,

    /// Further arguments for cargo
    #[arg(last = true, value_name = "CARGO ARGUMENTS")]
    extra: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RunFormat {
    /// The report for people, at the end
    Terminal,
    /// The run record, at the end
    Json,
    /// Events as they happen, a line each
    Ndjson,
    /// What became of each test, at the end, for a test harness
    Trials,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ControlKind {
    Aa,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum TestImage {
    Runtime,
    Builder,
}

/// What runs of one project have in common, whatever they compare.
pub(super) struct Prepared {
    pub(super) config: Config,
    pub(super) engine: Arc<dyn Engine>,
    project: Inspected,
    selection: CargoSelection,
    settings: Settings,
}

/// The project and its configuration, before any engine is asked.
///
/// # Errors
/// There is no project, or the configuration is wrong.
pub(super) fn project_and_config(args: &RunArgs) -> Result<(Inspected, Config)> {
    let project = find_project(args)?;
    let config = match &args.config {
        Some(path) => Config::load(path, true)?,
        None => Config::load(&project.root.join(config::FILE_NAME), false)?,
    };
    Ok((project, config))
}

impl Prepared {
    /// Finds the project and an engine, and settles what is done.
    ///
    /// # Errors
    /// What is needed to begin is missing or wrong.
    pub(super) async fn new(args: &RunArgs) -> Result<Self> {
        let (project, config) = project_and_config(args)?;
        let selection = selection(args);
        selection.check_extra()?;
        let engine = connect(args.engine).await?;
        let settings = settings(args, &config.run, &selection, &engine.info().await?)?;
        Ok(Self { config, engine, project, selection, settings })
    }

    /// Name of the project.
    pub(super) fn project_name(&self) -> &str {
        &self.project.project.name
    }

    /// What is to be done with a pair.
    ///
    /// # Errors
    /// A Dockerfile is not there, or cannot be built.
    pub(super) fn plan(
        &self,
        args: &RunArgs,
        baseline: (String, EnvironmentSpec),
        candidate: (String, EnvironmentSpec),
        out: PathBuf,
    ) -> Result<Plan> {
        let specs = [baseline.1, candidate.1];
        let specs = own_dockerfile::into_sides(&args.dockerfile, &self.project.root, specs)?;
        let [baseline_spec, candidate_spec] = specs;
        if self.settings.images {
            let sides = [&baseline_spec, &candidate_spec];
            own_dockerfile::must_be_built(self.engine.as_ref(), sides)?;
        }
        Ok(Plan {
            baseline: (baseline.0, baseline_spec),
            candidate: (candidate.0, candidate_spec),
            project: self.project.clone(),
            selection: self.selection.clone(),
            settings: self.settings.clone(),
            policy: self.config.policy.clone(),
            accept: self.config.accept.clone(),
            out,
            events: (args.format == RunFormat::Ndjson)
                .then(|| Box::new(std::io::stdout()) as Box<dyn std::io::Write + Send>),
        })
    }

    /// Where runs are kept, if anywhere. A file that cannot be used is told of before a run, not an hour
    /// later.
    ///
    /// # Errors
    /// It is no history, or cannot be written.
    pub(super) fn history(&self, args: &RunArgs) -> Result<Option<PathBuf>> {
        let history = args.history.clone().or_else(|| self.config.run.history.clone());
        if let Some(path) = &history {
            HistoryFile::open_or_create(path)?;
        }
        Ok(history)
    }
}

/// Runs, prints the report, gives the verdict's exit code.
///
/// # Errors
/// What is needed to begin is missing or wrong.
pub async fn run(args: RunArgs, global: &Global) -> Result<Exit> {
    let prepared = Prepared::new(&args).await?;
    let Prepared { config, engine, .. } = &prepared;
    let (baseline, candidate) = choose::choose(
        engine.as_ref(),
        config,
        args.baseline.as_deref(),
        args.candidate.as_deref(),
    )
    .await?;
    if args.control.is_none() && baseline == candidate {
        return Err(Failure::usage(format!("baseline and candidate are both `{baseline}`"))
            .hint("name two different environments with --baseline and --candidate"));
    }
    let history = prepared.history(&args)?;
    let owner = current_owner(&run_id());
    let current = CurrentRun::default();
    current.set(&owner.run_id);
    let cancel = interrupt::listen(engine.clone(), current)?;
    let progress = Progress::new(global.progress_mode(), global.verbose);
    let spec = config.environment(&baseline)?;
    let candidate = match args.control {
        Some(ControlKind::Aa) => (format!("{baseline}-again"), spec.clone()),
        None => (candidate.clone(), config.environment(&candidate)?),
    };
    let plan = prepared.plan(&args, (baseline, spec), candidate, args.out.clone())?;
    let finished = run::run(engine.clone(), owner, plan, progress, cancel).await?;
    show(&finished, args.format)?;
    Ok(match history.as_deref().map(|path| keep(path, &finished)) {
        None | Some(Ok(())) => finished.exit(),
        Some(Err(failure)) => {
            let exit = super::fail(&failure);
            // What was seen to break stays broken.
            if finished.exit() == Exit::NoGo { Exit::NoGo } else { exit }
        }
    })
}

/// Adds the run to a history. One that was stopped half way says nothing about the project.
pub(super) fn keep(path: &Path, finished: &Finished) -> Result<()> {
    if finished.record.interrupted {
        return Ok(());
    }
    HistoryFile::open_or_create(path)?.add(&kept::of(&finished.record)).map(|_| ())
}

fn show(finished: &Finished, format: RunFormat) -> Result<()> {
    match format {
        RunFormat::Terminal => {
            let options = TerminalOptions { width: terminal_width(), files: files(finished) };
            anstream::print!("{}", terminal::render(&finished.record, &options));
        }
        RunFormat::Json => print_json(&finished.record)?,
        RunFormat::Ndjson => {}
        RunFormat::Trials => {
            let text = trials::render(&finished.record)?;
            // A reader that has seen enough closes the pipe; that is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    }
    step_summary::add(&finished.record);
    if let Some(failure) = &finished.failure
        && failure.exit != Exit::Interrupted
    {
        super::fail(failure);
    }
    Ok(())
}

/// What the run has left: labels and paths.
fn files(finished: &Finished) -> Vec<(String, String)> {
    let path = |name: &str| finished.folder.path().join(name).display().to_string();
    let kept = [("record", "run.json"), ("events", "events.ndjson"), ("logs", "logs")];
    let kept = kept.map(|(label, name)| (label.to_owned(), path(name)));
    let reports = finished.reports.iter().map(|name| ("report".to_owned(), path(name)));
    kept.into_iter().chain(reports).collect()
}

fn find_project(args: &RunArgs) -> Result<Inspected> {
    let Some(text) = &args.krate else {
        return inspect(&args.path, ProjectKind::Directory, &args.path.display().to_string());
    };
    let request = published::CrateRequest::parse(text)?;
    let published = published::download(&request, &folders::cache()?)?;
    inspect(&published.folder, ProjectKind::PublishedCrate, &published.name)
}

fn selection(args: &RunArgs) -> CargoSelection {
    CargoSelection {
        packages: args.package.clone(),
        workspace: args.workspace,
        features: args.features.clone(),
        all_features: args.all_features,
        no_default_features: args.no_default_features,
        exclude: args.exclude.clone(),
        profile: args.profile.clone().or_else(|| args.release.then(|| "release".into())),
        extra: args.extra.clone(),
    }
}

fn settings(
    args: &RunArgs,
    defaults: &RunDefaults,
    selection: &CargoSelection,
    engine: &EngineInfo,
) -> Result<Settings> {
    let pick = |option: &Option<String>, default: &Option<String>, builtin: &str| {
        option.clone().or_else(|| default.clone()).unwrap_or_else(|| builtin.to_owned())
    };
    let most_memory = engine.memory_bytes / 10 * 8;
    let memory =
        |name: &str, option: &Option<String>, default: &Option<String>, builtin: u64| match option
            .as_ref()
            .or(default.as_ref())
        {
            Some(text) => units::bytes(name, text),
            None => Ok(builtin),
        };
    let at_least_one = |name: &str, value: u32| match value {
        0 => Err(Failure::usage(format!("{name} must be at least 1"))),
        value => Ok(value),
    };
    let cpus = engine.cpus.max(1);
    Ok(Settings {
        cargo_args: [
            selection.package_args(),
            selection.feature_args(),
            selection.profile_args(),
            selection.extra.clone(),
        ]
        .concat(),
        filters: args.filter.clone(),
        profile: selection.profile_folder().into(),
        attempts: at_least_one("--attempts", args.attempts.or(defaults.attempts).unwrap_or(1))?,
        confirm: args.confirm.or(defaults.confirm).unwrap_or(4),
        build_repeats: args.build_repeats.or(defaults.build_repeats).unwrap_or(0),
        bench_repeats: args.bench.or(defaults.bench).unwrap_or(0),
        test_threads: at_least_one(
            "--test-threads",
            args.test_threads.or(defaults.test_threads).unwrap_or(cpus),
        )?,
        build_jobs: at_least_one("--jobs", args.jobs.or(defaults.jobs).unwrap_or(cpus))?,
        test_image: match args.test_image {
            TestImage::Runtime => "runtime".into(),
            TestImage::Builder => "builder".into(),
        },
        // Cargo does not mix `--doc` with options that choose targets: who chooses targets has not
        // chosen doctests.
        images: args.images || !args.dockerfile.is_empty() || defaults.images.unwrap_or(false),
        doctests: !args.no_doctests && !selection.selects_targets(),
        control: args.control.map(|ControlKind::Aa| Control::Aa),
        limits: Limits {
            build_memory_bytes: memory(
                "--build-memory",
                &args.build_memory,
                &defaults.build_memory,
                most_memory,
            )?,
            test_memory_bytes: memory(
                "--memory",
                &args.memory,
                &defaults.memory,
                most_memory.min(8 << 30),
            )?,
            pids: args.pids.max(64),
            cpus: args.cpus.map(at_least_some_cpu).transpose()?,
            file_bytes: args
                .file_size
                .as_ref()
                .map(|text| units::bytes("--file-size", text))
                .transpose()?,
            test_time_s: units::seconds(
                "--test-timeout",
                &pick(&args.test_timeout, &defaults.test_timeout, "5m"),
            )?,
            step_time_s: units::seconds(
                "--step-timeout",
                &pick(&args.step_timeout, &defaults.step_timeout, "1h"),
            )?,
            step_silence_s: units::seconds(
                "--silence-timeout",
                &pick(&args.silence_timeout, &defaults.silence_timeout, "20m"),
            )?,
        },
    })
}

/// A thousandth of a processor is the least that the kernel gives out well.
fn at_least_some_cpu(cpus: f64) -> Result<f64> {
    if (0.01..=1e6).contains(&cpus) {
        return Ok(cpus);
    }
    Err(Failure::usage(format!("--cpus {cpus} is no number of processors"))
        .hint("give a number from 0.01 on, e.g. --cpus 1.5"))
}

/// The time to the second and a random part: sorts by time, and two runs never collide.
pub(super) fn run_id() -> String {
    let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let mut random = [0; 3];
    let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let random = if filled.is_ok() {
        u32::from_be_bytes([0, random[0], random[1], random[2]])
    } else {
        std::process::id()
    };
    format!("{time}-{random:06x}")
}
