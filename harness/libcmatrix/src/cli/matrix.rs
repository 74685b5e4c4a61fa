//! `libcmatrix matrix`: every pair of environments, one after another. A pair that fails loses no other.

use clap::{Args, ValueEnum};
use libcmatrix_schema::{CellResult, Matrix, MatrixCell, SCHEMA_VERSION, Tool};

use super::{
    Global,
    interrupt::{self, CurrentRun},
    matrix_on_disk, print_json,
    run::{self, Prepared, RunArgs, RunFormat},
    terminal_width,
};
use crate::{
    engine::current_owner,
    exit::Exit,
    failure::{Failure, Result},
    matrix::{Pair, Shard, in_short, pairs},
    progress::Progress,
    report::{
        matrix::{plan, terminal},
        sanitise::sanitise,
    },
    run::Finished,
};

/// Arguments of `matrix`.
#[derive(Args)]
pub struct MatrixArgs {
    /// Only this part of the pairs, for the K-th of N machines; `libcmatrix merge` puts them together
    #[arg(long, value_name = "K/N", default_value_t = Shard::WHOLE, help_heading = "Matrix")]
    shard: Shard,
    /// Run nothing; print the shards as the job matrix of a CI system
    #[arg(long, value_name = "SYSTEM", help_heading = "Matrix")]
    plan: Option<System>,
    /// With --plan: how many shards [default: one for each pair]
    #[arg(long, value_name = "N", requires = "plan", help_heading = "Matrix")]
    shards: Option<usize>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum System {
    /// For `strategy.matrix` of GitHub Actions
    Github,
    /// For `parallel:matrix` of GitLab
    Gitlab,
}

/// Runs the pairs of a shard, or prints the shards.
///
/// # Errors
/// What is needed to begin is missing or wrong.
pub async fn matrix(args: MatrixArgs, global: &Global) -> Result<Exit> {
    refuse_what_is_of_one_pair(&args.run)?;
    if let Some(system) = args.plan {
        let pairs = pairs(&run::project_and_config(&args.run)?.1.matrix)?;
        let shards = args.shards.unwrap_or(pairs.len()).clamp(1, pairs.len());
        print_json(&match system {
            System::Github => plan::github(&pairs, shards),
            System::Gitlab => plan::gitlab(shards),
        })?;
        return Ok(Exit::Success);
    }
    let prepared = Prepared::new(&args.run).await?;
    let pairs = pairs(&prepared.config.matrix)?;
    // A name that there is not is told of before the first pair, not hours later.
    for name in pairs.iter().flat_map(|pair| [&pair.baseline, &pair.candidate]) {
        prepared.config.environment(name)?;
    }
    let history = prepared.history(&args.run)?;
    let current = CurrentRun::default();
    let cancel = interrupt::listen(prepared.engine.clone(), current.clone())?;
    let mut matrix = begin(prepared.project_name(), &pairs);
    let folder = args.run.out.join(&matrix.matrix_id);
    matrix_on_disk::write(&folder, &matrix)?;
    let own: Vec<usize> = (0..pairs.len()).filter(|place| args.shard.takes(*place)).collect();
    let mut interrupted = false;
    for (n, place) in own.iter().enumerate() {
        let Pair { baseline, candidate } = &pairs[*place];
        if !global.quiet {
            let number = format!("pair {} of {}", n + 1, own.len());
            anstream::eprintln!("{}", sanitise(&format!("{number}: {baseline} -> {candidate}")));
        }
        let owner = current_owner(&run::run_id());
        current.set(&owner.run_id);
        let sides = [baseline, candidate]
            .map(|name| prepared.config.environment(name).map(|spec| (name.clone(), spec)));
        let [baseline, candidate] = sides;
        let plan = prepared.plan(&args.run, baseline?, candidate?, folder.clone())?;
        let progress = Progress::new(global.progress_mode(), global.verbose);
        let engine = prepared.engine.clone();
        let ran = crate::run::run(engine, owner, plan, progress, cancel.clone()).await;
        if let (Some(path), Ok(finished)) = (&history, &ran)
            && let Err(failure) = run::keep(path, finished)
        {
            super::fail(&failure);
        }
        matrix.cells[*place].result = result(&ran);
        matrix_on_disk::write(&folder, &matrix)?;
        if cancel.is_cancelled() {
            interrupted = true;
            break;
        }
    }
    match args.run.format {
        RunFormat::Json => print_json(&matrix)?,
        _ => {
            anstream::print!("{}", terminal::render(&matrix, terminal_width()));
            anstream::println!("\n  report  {}", folder.join(matrix_on_disk::PAGE).display());
        }
    }
    if interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(verdict_of_shard(&matrix, &own))
}

/// Options of `run` that name one pair.
fn refuse_what_is_of_one_pair(args: &RunArgs) -> Result<()> {
    let refused = [
        (args.baseline.is_some(), "--baseline"),
        (args.candidate.is_some(), "--candidate"),
        (args.control.is_some(), "--control"),
        (args.format == RunFormat::Ndjson, "--format ndjson"),
        (args.format == RunFormat::Trials, "--format trials"),
    ];
    match refused.iter().find(|(is_given, _)| *is_given) {
        Some((_, option)) => Err(Failure::usage(format!("{option} does not go with a matrix"))
            .because("it is about one pair of environments")
            .hint("name the pairs in [matrix] of libcmatrix.toml; or use `libcmatrix run`")),
        None => Ok(()),
    }
}

fn begin(project: &str, pairs: &[Pair]) -> Matrix {
    let cell = |pair: &Pair| MatrixCell {
        baseline: pair.baseline.clone(),
        candidate: pair.candidate.clone(),
        result: CellResult::NotRun,
    };
    Matrix {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "libcmatrix".into(), version: env!("CARGO_PKG_VERSION").into() },
        matrix_id: run::run_id(),
        started_at: jiff::Timestamp::now().to_string(),
        project: project.to_owned(),
        cells: pairs.iter().map(cell).collect(),
    }
}

/// What came of a pair. What was seen to break stays broken though something failed afterwards.
fn result(ran: &Result<Finished>) -> CellResult {
    let finished = match ran {
        Ok(finished) => finished,
        Err(failure) => return CellResult::Failed { why: failure.to_string(), folder: None },
    };
    let folder = &finished.record.run_id;
    match &finished.failure {
        Some(failure) if finished.exit() != Exit::NoGo => {
            CellResult::Failed { why: failure.to_string(), folder: Some(folder.clone()) }
        }
        _ => in_short(&finished.record, folder),
    }
}

/// Of the pairs that were this machine's.
fn verdict_of_shard(matrix: &Matrix, own: &[usize]) -> Exit {
    let cells = own.iter().map(|place| matrix.cells[*place].clone()).collect();
    Matrix { cells, ..matrix.clone() }.verdict().into()
}
