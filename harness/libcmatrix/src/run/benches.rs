//! The project's benchmarks on both sides, in turns: A B, B A, as often as the settings say.
//!
//! Takes the legs and their builders; what an iteration takes goes to the recorder. What keeps it from
//! being measured is a note, and fails nothing.

use libcmatrix_schema::{Event, StepName, StepStatus};

use super::rounds;
use crate::{
    exit::Exit,
    failure::Result,
    leg::{
        Context, Leg,
        bench::{self, BenchBinary},
        session::AgentSession,
        step::RunningStep,
    },
};

/// Runs the benchmarks.
///
/// # Errors
/// The user wants to stop, or a log cannot be written.
pub(super) async fn benches(
    context: &Context,
    legs: &[Leg],
    builders: &mut [Result<AgentSession>],
) -> Result<()> {
    let repeats = context.settings.bench_repeats;
    if repeats == 0 || builders.iter().any(Result::is_err) {
        return Ok(());
    }
    let mut sides = Vec::new();
    for (leg, builder) in legs.iter().zip(builders) {
        let Ok(builder) = builder else { continue };
        let mut step = RunningStep::begin(context, leg, StepName::Bench)?;
        let built = bench::build(context, leg, builder, &mut step).await;
        step.pause();
        sides.push((leg, step, built));
    }
    let mut body = Ok(());
    let mut ready = Vec::new();
    for (leg, step, built) in sides {
        let binaries = match built {
            Ok(Some(binaries)) => binaries,
            Ok(None) => {
                let text =
                    format!("benchmarks are not measured: they do not build in {}", leg.name);
                context.recorder.note("bench-not-measured", text);
                Vec::new()
            }
            Err(failure) => {
                body = body.and(Err(failure));
                Vec::new()
            }
        };
        ready.push(Side { leg, step, binaries, session: None });
    }
    if body.is_ok() && ready.iter().all(|side| !side.binaries.is_empty()) {
        body = in_turns(context, &mut ready, repeats).await;
    } else if body.is_ok() && ready.iter_mut().all(Side::has_nothing) {
        context.recorder.note("bench-not-measured", "the project has no benchmarks to measure");
    }
    let mut ended = Ok(());
    for side in ready {
        if let Some(session) = side.session {
            ended = ended.and(session.close().await);
        }
        ended = ended.and(side.step.finish(body.clone()));
    }
    match ended {
        Err(failure) if failure.exit != Exit::Interrupted => {
            context.recorder.note(
                "bench-not-measured",
                format!("of benchmarks not all is measured: {failure}"),
            );
            Ok(())
        }
        ended => ended,
    }
}

/// A leg with its benchmarks.
struct Side<'a> {
    leg: &'a Leg,
    step: RunningStep<'a>,
    binaries: Vec<BenchBinary>,
    session: Option<AgentSession>,
}

impl Side<'_> {
    /// Whether all was built and there is no benchmark.
    fn has_nothing(&mut self) -> bool {
        let is_built = self.step.step().status == StepStatus::Passed;
        if is_built && self.binaries.is_empty() {
            self.step.step().status = StepStatus::Skipped;
        }
        is_built && self.binaries.is_empty()
    }
}

async fn in_turns(context: &Context, sides: &mut [Side<'_>], repeats: u32) -> Result<()> {
    for side in &mut *sides {
        side.session = Some(side.leg.runtime_session(context, "bench").await?);
    }
    let mut is_read = false;
    for round in 0..repeats {
        for at in rounds::order(sides.len(), round) {
            let Side { leg, step, binaries, session: Some(session) } = &mut sides[at] else {
                continue;
            };
            step.progress(u64::from(round), Some(u64::from(repeats)), "benchmarks");
            step.resume();
            let ran = bench::run(context, leg, session, binaries, step).await;
            step.pause();
            let Some(results) = ran? else { return Ok(()) };
            is_read |= !results.is_empty();
            context.recorder.event(Event::Benchmarked { leg: leg.name.clone(), results });
        }
        if !is_read {
            context.recorder.note(
                "bench-not-read",
                "the benchmarks ran, but none printed a time as Criterion or libtest do",
            );
            return Ok(());
        }
    }
    Ok(())
}
