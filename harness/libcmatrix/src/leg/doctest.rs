//! The step `doctest`: the documentation's examples. They are compiled as they run, so they run in
//! the builder image, on both sides alike; of a cross-compiled leg this shows its C library, not
//! its userland.

use libcmatrix_agent::protocol::{Program, Stream};
use libcmatrix_schema::{Event, Outcome, StepName, StepStatus};

use super::{
    Context, Leg, build, fetch,
    libtest_output::{self, Seen},
    session::AgentSession,
    step::{self, RunningStep},
    test_environment,
};
use crate::failure::Result;

/// Runs the leg's doctests.
///
/// # Errors
/// The engine fails.
pub async fn doctest(context: &Context, leg: &mut Leg, session: &mut AgentSession) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::Doctest)?;
    let body = body(context, leg, session, &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let packages = match &leg.metadata {
        Some(metadata) => test_environment::doctest_packages(metadata, context),
        None => Vec::new(),
    };
    if packages.is_empty() {
        step.step().status = StepStatus::Skipped;
        step.step().detail = Some("no package has a library with doctests".into());
        return Ok(());
    }
    let total = packages.len() as u64;
    let mut trouble: Option<(StepStatus, String)> = None;
    for (done, (name, specification)) in packages.into_iter().enumerate() {
        step.progress(done as u64, Some(total), &name);
        let mut argv: Vec<String> =
            ["cargo", "test", "--doc", "--no-fail-fast", "--package"].map(str::to_owned).into();
        argv.push(specification);
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
        for test in parsed.tests {
            let id = format!("{name}::doc${}", test.name);
            record(context, leg, id, test.seen);
        }
        // With a summary, a failing exit code only repeats that a test failed.
        if !parsed.has_summary && step.step().status != StepStatus::Passed {
            let detail = said.text();
            trouble.get_or_insert((step.step().status, detail));
        }
    }
    match trouble {
        Some((status, detail)) => {
            step.step().status = status;
            step.step().detail = Some(detail);
        }
        None => {
            step.step().status = StepStatus::Passed;
            step.step().detail = None;
        }
    }
    Ok(())
}

fn record(context: &Context, leg: &Leg, id: String, seen: Seen) {
    let leg = leg.name.clone();
    context.recorder.event(match seen {
        Seen::Ran(attempt) => Event::TestFinished { leg, id, attempt },
        Seen::Ignored => Event::TestSkipped { leg, id, outcome: Outcome::Ignored },
    });
}
