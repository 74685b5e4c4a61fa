//! A build from nothing, for its time: the same command as the step `build`, into a folder of its own
//! that is removed again.
//!
//! Takes a leg that was built, and its builder; gives what the build took, as a whole and each of its
//! processes: the agent stands before the compiler. Nothing of it is tested.

use libcmatrix_agent::protocol::{Ended, Program, Stream};
use libcmatrix_schema::{AttemptStatus, BuildProcess, ColdBuild};

use super::{
    Context, Leg, build, fetch, layout,
    session::AgentSession,
    step::{self, RunningStep},
};
use crate::failure::{Failure, Result};

/// Processes of a build that are kept; a workspace of a thousand packages has some 4000.
const MOST_PROCESSES: usize = 50_000;
/// Bytes of a package's or a crate's name; crates.io allows 64.
const LONGEST_NAME: usize = 256;

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
    let mut load_before = None;
    exec(context, leg, session, step, plain(["cat", "--", "/proc/loadavg"]), &folder, |line| {
        load_before = line.split(' ').next().and_then(|load| load.parse().ok());
    })
    .await?;
    let argv = build::command(context, leg);
    let built = exec(context, leg, session, step, argv, &folder, |_| {}).await?;
    let mut processes = Vec::new();
    let log = layout::BUILD_PROCESSES;
    exec(context, leg, session, step, plain(["cat", "--", log]), &folder, |line| {
        processes.extend(serde_json::from_str::<BuildProcess>(line));
    })
    .await?;
    processes.retain(|process| is_sound(process, &built));
    processes.truncate(MOST_PROCESSES);
    let mut remove = plain(["rm", "-rf", &folder]);
    remove.push(log.into());
    let removed = exec(context, leg, session, step, remove, &folder, |_| {}).await?;
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
        processes,
    })
}

/// Build scripts can write to the log as well: what cannot be is left out.
fn is_sound(process: &BuildProcess, of: &Ended) -> bool {
    let BuildProcess { package, target, wall_s, user_s, system_s, children_s, .. } = process;
    let whole = of.user_s + of.system_s;
    let is_time = |seconds: f64, most: f64| (0.0..=most).contains(&seconds);
    is_time(*wall_s, of.wall_s)
        && is_time(*user_s, whole)
        && is_time(*system_s, whole)
        && is_time(*children_s, whole)
        && package.len().max(target.len()) <= LONGEST_NAME
}

async fn exec(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
    argv: Vec<String>,
    folder: &str,
    mut line_said: impl FnMut(&str),
) -> Result<Ended> {
    step.log(&format!("$ {}", argv.join(" ")));
    let mut env = fetch::cargo_variables();
    env.retain(|(name, _)| name != "CARGO_TARGET_DIR");
    env.push(("CARGO_TARGET_DIR".into(), folder.into()));
    env.push(("RUSTC_WRAPPER".into(), layout::COMPILER_WRAPPER.into()));
    let program = Program { argv, env, cwd: leg.working_dir(&context.project) };
    session
        .exec(program, step::command_limits(context), |stream, line| match stream {
            Stream::Stderr => step.log(line),
            Stream::Stdout => line_said(line),
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_script_makes_up_is_left_out() {
        let process = |user_s: f64, package: &str| BuildProcess {
            kind: libcmatrix_schema::BuildProcessKind::Compiler,
            package: package.into(),
            target: "t".into(),
            wall_s: 1.0,
            user_s,
            system_s: 0.5,
            children_s: 0.0,
            peak_rss_bytes: 1,
        };
        let mut built = Ended::unmeasured(AttemptStatus::Passed);
        (built.wall_s, built.user_s, built.system_s) = (2.0, 3.0, 1.0);
        assert!(is_sound(&process(1.0, "a 1.0.0"), &built));
        for user_s in [1e308, f64::INFINITY, f64::NAN, -1.0] {
            assert!(!is_sound(&process(user_s, "a 1.0.0"), &built), "{user_s}");
        }
        assert!(!is_sound(&process(1.0, &"a".repeat(300)), &built));
    }
}
