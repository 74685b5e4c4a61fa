//! The step `bench`: the project's benchmarks, built for release and run in the image that its tests run in.
//!
//! Takes a leg and its builder; gives the benchmark binaries, and of one run of all of them the time of an
//! iteration of each benchmark. How often, and whose turn it is, is the run's affair.

use std::collections::BTreeMap;

use libcmatrix_agent::protocol::{Program, Stream};
use libcmatrix_schema::{AttemptStatus, Outcome, StepStatus};

use super::{
    Context, Leg, bench_output::BenchOutput, build, session::AgentSession, step, step::RunningStep,
    test_environment,
};
use crate::failure::Result;

/// A benchmark binary: its id, and how it is started.
pub struct BenchBinary {
    id: String,
    program: Program,
}

/// Builds the benchmarks; `None` if they do not build, with the reason in the step.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub async fn build(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<Option<Vec<BenchBinary>>> {
    let messages = build::run_cargo(context, leg, session, step, command(context, leg)).await?;
    if step.step().status != StepStatus::Passed {
        return Ok(None);
    }
    let built = test_environment::binaries(context, leg, &messages);
    let benches = built.into_iter().filter(|binary| binary.test.id.contains("::bench/"));
    Ok(Some(
        benches
            .map(|binary| {
                let mut program = binary.test.program;
                program.argv.push("--bench".into());
                // What Criterion keeps to compare with is of no use here, and the tree may be read-only.
                program.env.push(("CRITERION_HOME".into(), "/tmp/criterion".into()));
                BenchBinary { id: binary.test.id, program }
            })
            .collect(),
    ))
}

fn command(context: &Context, leg: &Leg) -> Vec<String> {
    let selection = &context.selection;
    let mut argv: Vec<String> =
        ["cargo", "bench", "--no-run", "--benches", "--message-format", "json"]
            .map(str::to_owned)
            .into();
    argv.extend(selection.package_args());
    argv.extend(selection.feature_args());
    argv.extend(build::matched_args(context, leg));
    // The profile `bench` is optimised already, and cargo knows no other option here.
    if let Some(profile) = selection.profile.as_deref().filter(|profile| *profile != "release") {
        argv.extend(["--profile".into(), profile.into()]);
    }
    argv
}

/// Runs all binaries once; gives seconds an iteration by `binary$benchmark`; `None` if one fails, with the
/// reason in the step.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub async fn run(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    binaries: &[BenchBinary],
    step: &mut RunningStep<'_>,
) -> Result<Option<BTreeMap<String, f64>>> {
    let mut results = BTreeMap::new();
    for BenchBinary { id, program } in binaries {
        step.log(&format!("$ {}", program.argv.join(" ")));
        let mut output = BenchOutput::default();
        let ended = session
            .exec(program.clone(), step::command_limits(context), |stream, line| {
                step.log(line);
                if stream == Stream::Stdout {
                    output.take(line);
                }
            })
            .await?;
        if !matches!(ended.status, AttemptStatus::Passed | AttemptStatus::Leaked) {
            let outcome = Outcome::from(&ended.status);
            step.step().status = StepStatus::Failed;
            step.step().detail = Some(format!("{id} ended as {outcome}"));
            let text = format!(
                "{id} ended as {outcome} in {}: a benchmark is no test and counts for no rule; benchmarks \
                 are measured until then (the log of the step `bench` has what it said)",
                leg.name
            );
            context.recorder.note("bench-failed", text);
            return Ok(None);
        }
        let named = output.results().into_iter();
        results.extend(named.map(|(name, seconds)| (format!("{id}${name}"), seconds)));
    }
    Ok(Some(results))
}
