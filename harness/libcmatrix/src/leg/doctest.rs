//! The step `doctest`: the documentation's examples. They are compiled as they run, so they run in
//! the builder image, on both sides alike; of a cross-compiled leg this shows its C library, not
//! its userland.

use std::collections::HashSet;

use libcmatrix_agent::protocol::{Program, Stream};
use libcmatrix_schema::{AttemptStatus, Event, Outcome, Role, StepName, StepStatus};

use super::{
    Context, Leg, build, fetch,
    libtest_output::{self, Seen},
    session::AgentSession,
    step::{self, RunningStep},
    test_environment::{self, DoctestPackage},
};
use crate::failure::Result;

/// Runs the leg's doctests, each as often as the settings say.
///
/// # Errors
/// The engine fails.
pub async fn doctest(context: &Context, leg: &mut Leg, session: &mut AgentSession) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::Doctest)?;
    let attempts = context.settings.attempts;
    let body = body(context, leg, session, attempts, None, &mut step).await;
    step.finish(body)
}

/// Runs the doctests in `ids` again.
///
/// # Errors
/// The engine fails.
pub async fn confirm(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    ids: &HashSet<String>,
) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::Confirm)?;
    let attempts = context.settings.confirm;
    let body = body(context, leg, session, attempts, Some(ids), &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    attempts: u32,
    only: Option<&HashSet<String>>,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let packages = packages(context, leg, only, step);
    if packages.is_empty() {
        step.step().status = StepStatus::Skipped;
        step.step().detail = Some("no package has a library with doctests".into());
        return Ok(());
    }
    let total = packages.len() as u64 * u64::from(attempts);
    // What was not built is the build's failure; anything else weighs more.
    let mut trouble: Option<(StepStatus, String)> = None;
    let mut done = 0;
    for _ in 0..attempts {
        for package in &packages {
            step.progress(done, Some(total), &package.name);
            done += 1;
            if let Some(found) = one(context, leg, session, package, only, step).await? {
                match &trouble {
                    Some((status, _)) if *status != StepStatus::Skipped => {}
                    _ => trouble = Some(found),
                }
            }
        }
    }
    let (status, detail) = match trouble {
        Some((status, detail)) => (status, Some(detail)),
        None => (StepStatus::Passed, None),
    };
    step.step().status = status;
    step.step().detail = detail;
    Ok(())
}

/// The packages to run. Examples of procedural macros are compiled for the compiler's platform,
/// whatever the target: they would show nothing.
fn packages(
    context: &Context,
    leg: &Leg,
    only: Option<&HashSet<String>>,
    step: &mut RunningStep<'_>,
) -> Vec<DoctestPackage> {
    let Some(metadata) = &leg.metadata else { return Vec::new() };
    let all = test_environment::doctest_packages(metadata, context);
    let (host_only, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.is_host_only);
    for package in host_only {
        step.log(&format!("{}: {}", package.name, super::test::HOST_ONLY));
        // Said once: it holds for every leg.
        if only.is_none() && leg.role == Role::Baseline {
            let text = format!(
                "{}: its doctests are not run: a procedural macro {}",
                package.name,
                super::test::HOST_ONLY
            );
            context.recorder.note("doctests-in-compiler", text);
        }
    }
    if let Some(ids) = only {
        let is_asked = |p: &DoctestPackage| {
            let start = format!("{}::doc$", p.name);
            ids.iter().any(|id| id.starts_with(&start))
        };
        rest.retain(is_asked);
    }
    rest
}

/// One package, once. Gives what kept it from coming to its end, if anything did.
async fn one(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    package: &DoctestPackage,
    only: Option<&HashSet<String>>,
    step: &mut RunningStep<'_>,
) -> Result<Option<(StepStatus, String)>> {
    let mut argv: Vec<String> =
        ["cargo", "test", "--doc", "--no-fail-fast", "--package"].map(str::to_owned).into();
    argv.push(package.specification.clone());
    argv.extend(package.feature_args.iter().cloned());
    argv.extend(build::common_args(context, leg));
    argv.push("--".into());
    argv.extend(["--test-threads".into(), context.settings.test_threads.to_string()]);
    argv.extend(context.settings.filters.iter().cloned());
    step.log(&format!("$ {}", argv.join(" ")));
    let program =
        Program { argv, env: fetch::cargo_variables(), cwd: leg.working_dir(&context.project) };
    let (mut output, mut said) = (String::new(), step::LastLines::default());
    let ended = session
        .exec(program, step::command_limits(context), |stream, line| {
            step.log(line);
            said.push(stream, line);
            if stream == Stream::Stdout {
                output.push_str(line);
                output.push('\n');
            }
        })
        .await?;
    step.take_usage(&ended);
    let parsed = libtest_output::parse(&output);
    if leg.build_failed && parsed.tests.is_empty() && ended.status != AttemptStatus::Passed {
        let detail = format!("{} was not built: see the step build", package.name);
        return Ok(Some((StepStatus::Skipped, detail)));
    }
    for test in parsed.tests {
        let id = format!("{}::doc${}", package.name, test.name);
        if only.is_none_or(|ids| ids.contains(&id)) {
            record(context, leg, id, test.seen);
        }
    }
    // Where every run came to its end, a failing exit code only repeats that a test failed.
    let repeats = parsed.is_whole && matches!(ended.status, AttemptStatus::Failed { .. });
    let status = step.step().status;
    if repeats || status == StepStatus::Passed {
        return Ok(None);
    }
    let detail = step.step().detail.clone().filter(|_| status != StepStatus::Failed);
    Ok(Some((status, detail.unwrap_or_else(|| said.text()))))
}

fn record(context: &Context, leg: &Leg, id: String, seen: Seen) {
    let leg = leg.name.clone();
    context.recorder.event(match seen {
        Seen::Ran(attempt) => Event::TestFinished { leg, id, attempt },
        Seen::Ignored => Event::TestSkipped { leg, id, outcome: Outcome::Ignored },
    });
}
