//! A build from nothing, for its time: the same command as the step `build`, into a folder of its own
//! that is removed again.
//!
//! Takes a leg that was built, and its builder; gives what the build took. Nothing of it is tested.

use libcmatrix_agent::protocol::{Ended, Program, Stream};
use libcmatrix_schema::{AttemptStatus, ColdBuild};

use super::{
    Context, Leg, build, fetch, layout,
    session::AgentSession,
    step::{self, RunningStep},
};
use crate::failure::{Failure, Result};

/// Builds once.
///
/// # Errors
/// The engine fails, or what was built before does not build now.
pub async fn cold_build(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<ColdBuild> {
    let folder = layout::join(layout::TARGET, "cold");
    let plain = |words: [&str; 3]| words.map(str::to_owned).to_vec();
    // Of the machine that builds, which need not be this one.
    let (_, load) =
        exec(context, leg, session, step, plain(["cat", "--", "/proc/loadavg"]), &folder).await?;
    let load_before = load.split(' ').next().and_then(|load| load.parse().ok());
    let argv = build::command(context, leg);
    let (built, _) = exec(context, leg, session, step, argv, &folder).await?;
    let (removed, _) =
        exec(context, leg, session, step, plain(["rm", "-rf", &folder]), &folder).await?;
    for (ended, what) in [(&built, "a build that was made before"), (&removed, "removing it")] {
        if !matches!(ended.status, AttemptStatus::Passed | AttemptStatus::Leaked) {
            return Err(Failure::environment(format!("{what} failed in {}", leg.name))
                .because(format!("it ended as {}", libcmatrix_schema::Outcome::from(&ended.status)))
                .hint("the log of the step `measure` has what it said; is the disk full?"));
        }
    }
    Ok(ColdBuild {
        wall_s: built.wall_s,
        user_s: built.user_s,
        system_s: built.system_s,
        peak_rss_bytes: built.peak_rss_bytes,
        load_before,
    })
}

async fn exec(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
    argv: Vec<String>,
    folder: &str,
) -> Result<(Ended, String)> {
    step.log(&format!("$ {}", argv.join(" ")));
    let mut env = fetch::cargo_variables();
    env.retain(|(name, _)| name != "CARGO_TARGET_DIR");
    env.push(("CARGO_TARGET_DIR".into(), folder.into()));
    let program = Program { argv, env, cwd: leg.working_dir(&context.project) };
    let mut first = String::new();
    let ended = session
        .exec(program, step::command_limits(context), |stream, line| match stream {
            Stream::Stderr => step.log(line),
            // The first line is all that anything here asks for; cargo's messages are many.
            Stream::Stdout if first.is_empty() => line.clone_into(&mut first),
            Stream::Stdout => {}
        })
        .await?;
    Ok((ended, first))
}
