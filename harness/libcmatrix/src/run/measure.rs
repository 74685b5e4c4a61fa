//! The step `measure`: both legs are built from nothing several times, in turns, with nothing else
//! running. The builds that were made for the tests came before: they warm up the machine and are not
//! counted.

use libcmatrix_schema::{Event, StepName};

use super::rounds;
use crate::{
    exit::Exit,
    failure::{Failure, Result},
    leg::{Context, Leg, cold_build::cold_build, session::AgentSession, step::RunningStep},
};

/// Builds as often as the settings say; what it takes goes to the recorder. What keeps it from being
/// measured is a note, and fails nothing.
///
/// # Errors
/// The user wants to stop, or a log cannot be written.
pub(super) async fn cold_builds(
    context: &Context,
    legs: &[Leg],
    builders: &mut [Result<AgentSession>],
) -> Result<()> {
    let repeats = context.settings.build_repeats;
    if repeats == 0 {
        return Ok(());
    }
    let whole = legs.iter().zip(&*builders).all(|(leg, b)| b.is_ok() && !leg.build_failed);
    if !whole {
        context.recorder.note(
            "build-not-measured",
            "the time of builds is not measured: one side does not build as a whole",
        );
        return Ok(());
    }
    let mut steps = Vec::new();
    for leg in legs {
        let mut step = RunningStep::begin(context, leg, StepName::Measure)?;
        step.pause();
        steps.push(step);
    }
    let mut body = Ok(());
    'rounds: for round in 0..repeats {
        for at in rounds::order(legs.len(), round) {
            let Ok(session) = &mut builders[at] else { continue };
            steps[at].progress(u64::from(round), Some(u64::from(repeats)), "cold build");
            steps[at].resume();
            let built = cold_build(context, &legs[at], session, &mut steps[at]).await;
            steps[at].pause();
            match built {
                Ok(build) => {
                    let leg = legs[at].name.clone();
                    context.recorder.event(Event::BuiltAgain { leg, build });
                }
                Err(failure) => {
                    body = Err(failure);
                    break 'rounds;
                }
            }
        }
    }
    let ended: Vec<Result<()>> = steps.into_iter().map(|step| step.finish(body.clone())).collect();
    match ended.into_iter().collect::<Result<()>>() {
        Err(failure) if failure.exit != Exit::Interrupted => {
            context.recorder.note("build-not-measured", told(&failure));
            Ok(())
        }
        ended => ended,
    }
}

fn told(failure: &Failure) -> String {
    format!("the time of builds is not measured: {failure}")
}
