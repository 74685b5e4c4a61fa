//! The step `build`: everything that `cargo test` builds, without network. A target that fails
//! keeps the others: a build that fails is a result.

use libcmatrix_agent::protocol::{Program, Stream};
use libcmatrix_schema::{AttemptStatus, Binary, Event, StepName, StepStatus};

use super::{
    Context, Leg, audit, build_output,
    cargo_messages::{BuildMessages, Line},
    fetch,
    session::AgentSession,
    step::{self, RunningStep},
    test, test_environment,
};
use crate::failure::Result;

/// Arguments by which every cargo command of a leg builds the same thing.
#[must_use]
pub fn common_args(context: &Context, leg: &Leg) -> Vec<String> {
    let mut args = matched_args(context, leg);
    args.extend(context.selection.profile_args());
    args.extend(context.selection.extra.iter().cloned());
    args
}

/// Those of them that hold whatever the user has chosen.
#[must_use]
pub fn matched_args(context: &Context, leg: &Leg) -> Vec<String> {
    let mut args: Vec<String> = ["--locked", "--offline"].map(str::to_owned).into();
    args.extend(["--target".into(), leg.target_triple().into()]);
    args.extend(["--jobs".into(), context.settings.build_jobs.to_string()]);
    let linkage = leg.spec.rustflags().iter().copied();
    let flags: Vec<&str> = linkage.chain(leg.extra_rustflags.iter().map(String::as_str)).collect();
    if !flags.is_empty() {
        // As configuration, which adds to the project's own flags; RUSTFLAGS would replace them.
        let list = serde_json::to_string(&flags).unwrap_or_default();
        for key in ["rustflags", "rustdocflags"] {
            args.extend(["--config".to_owned(), format!("build.{key}={list}")]);
        }
    }
    args
}

/// What builds all that `cargo test` builds, and goes on after a target that fails: `cargo test
/// --no-run` stops at the first, and with several jobs at another one each time. Only it knows
/// targets that were chosen by name, so for those it stays.
pub(super) fn command(context: &Context, leg: &Leg) -> Vec<String> {
    let selection = &context.selection;
    let start: &[&str] = if selection.selects_targets() {
        &["cargo", "test", "--no-run", "--no-fail-fast"]
    } else if selection.profile.is_some() {
        &["cargo", "build", "--tests", "--examples", "--keep-going"]
    } else {
        &["cargo", "build", "--tests", "--examples", "--keep-going", "--profile", "test"]
    };
    let mut argv: Vec<String> = start.iter().map(|arg| (*arg).to_owned()).collect();
    argv.extend(["--message-format", "json"].map(str::to_owned));
    argv.extend(selection.package_args());
    argv.extend(selection.feature_args());
    argv.extend(common_args(context, leg));
    argv
}

/// Builds a leg, in a builder without network, which is given back. Afterwards `leg.binaries` has
/// what can be tested, which may be nothing.
///
/// # Errors
/// The engine fails.
pub async fn build(context: &Context, leg: &mut Leg) -> Result<AgentSession> {
    let mut step = RunningStep::begin(context, leg, StepName::Build)?;
    let body = whole(context, leg, &mut step).await;
    step.finish(body)
}

async fn whole(
    context: &Context,
    leg: &mut Leg,
    step: &mut RunningStep<'_>,
) -> Result<AgentSession> {
    let sandbox = leg.sandbox(context, "build", &leg.images.builder.id);
    let mut session =
        AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    body(context, leg, &mut session, step).await?;
    test::list_host_only(context, leg, &mut session).await?;
    Ok(session)
}

async fn body(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let messages = run_cargo(context, leg, session, step, command(context, leg)).await?;
    leg.build_failed = step.step().status != StepStatus::Passed;
    leg.binaries = test_environment::binaries(context, leg, &messages);
    for binary in &leg.binaries {
        context.recorder.event(Event::BinaryFound {
            leg: leg.name.clone(),
            binary: Binary {
                id: binary.test.id.clone(),
                harness: binary.test.harness,
                listing: None,
                listing_output: String::new(),
                listing_crash: None,
                excluded: None,
            },
        });
    }
    leg.outputs = audit::outputs(context, leg, &messages);
    Ok(())
}

/// Runs a command of cargo that builds; what it said, and whether it failed, goes to the step.
pub(super) async fn run_cargo(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
    argv: Vec<String>,
) -> Result<BuildMessages> {
    step.log(&format!("$ {}", argv.join(" ")));
    let program =
        Program { argv, env: fetch::cargo_variables(), cwd: leg.working_dir(&context.project) };
    let mut messages = BuildMessages::default();
    let mut tail = step::LastLines::of(80);
    let total = leg.metadata.as_ref().and_then(|m| Some(m.resolve.as_ref()?.nodes.len() as u64));
    let mut made = 0;
    let ended = session
        .exec(program, step::command_limits(context), |stream, line| match stream {
            Stream::Stdout => match messages.take(line) {
                Line::Made(target) => {
                    made += 1;
                    step.progress(made.min(total.unwrap_or(made)), total, &target);
                }
                Line::Said(text) | Line::Text(text) => step.log(text.trim_end()),
                Line::Silent => {}
            },
            Stream::Stderr => {
                step.log(line);
                tail.push(stream, line);
                messages.take_error_line(line);
                if let Some(package) = line.trim().strip_prefix("Compiling ") {
                    step.progress(made.min(total.unwrap_or(made)), total, package);
                }
            }
        })
        .await?;
    step.take_usage(&ended);
    if ended.status != AttemptStatus::Passed {
        build_output::refuse_no_result(&messages.errors, &tail.text())?;
    }
    let record = step.step();
    if record.status != StepStatus::Passed {
        record.messages = std::mem::take(&mut messages.taken_apart).finish(&tail.text());
    }
    if record.status == StepStatus::Failed {
        if messages.errors.is_empty() {
            messages.errors.push(build_output::without_noise(&tail.text()));
        }
        record.detail = messages.errors.first().map(|said| build_output::first_error(said));
        if messages.errors.iter().any(|said| build_output::wants_network(said)) {
            context.recorder.note("build-wants-network", build_output::WANTS_NETWORK);
        }
        record.diagnostics = std::mem::take(&mut messages.errors);
        record.failed_targets = std::mem::take(&mut messages.failed_targets);
    }
    Ok(messages)
}
