//! The steps `list`, `test` and `confirm`: which tests there are, what each does, and once more
//! for those that differed.

use std::collections::{BTreeMap, HashSet};

use cargo_metadata::Metadata;
use libcmatrix_agent::protocol::{ListedTest, ProgramLimits, Report, TestBinary, TestToRun};
use libcmatrix_schema::{AttemptStatus, Binary, Crash, Event, Outcome, StepName, StepStatus};

use super::{
    Context, Leg, audit,
    session::AgentSession,
    step::{self, RunningStep},
};
use crate::failure::Result;

/// A test that will be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTest {
    /// Its id.
    pub id: String,
    /// Position of its binary among the leg's.
    pub binary: usize,
    /// Its name; `None` where the binary as a whole is the test.
    pub name: Option<String>,
}

/// Why tests of procedural macros have no result: such a crate is loaded by the compiler, on whatever
/// platform that runs, and its test binary needs the compiler's own libraries.
pub const HOST_ONLY: &str = "runs in the compiler, not on the target";

/// Bytes kept of the beginning and of the end of a test's output.
const OUTPUT_BYTES: usize = 64 << 10;

/// Asking for a list is quick; a binary that hangs here hangs for good.
const LIST_TIME_MS: u64 = 60_000;

/// Limits of one test.
pub(super) fn test_limits(context: &Context) -> ProgramLimits {
    limits(step::milliseconds(context.settings.limits.test_time_s))
}

fn limits(time_ms: u64) -> ProgramLimits {
    ProgramLimits { time_ms, silence_ms: None, head_bytes: OUTPUT_BYTES, tail_bytes: OUTPUT_BYTES }
}

/// Lists, in the builder, the tests of procedural macros, so that the
/// report can name what was not compared.
///
/// # Errors
/// The engine fails.
pub async fn list_host_only(
    context: &Context,
    leg: &Leg,
    builder: &mut AgentSession,
) -> Result<()> {
    let binaries: Vec<TestBinary> =
        leg.binaries.iter().filter(|b| b.is_host_only).map(|b| b.test.clone()).collect();
    if binaries.is_empty() {
        return Ok(());
    }
    let threads = context.settings.test_threads as usize;
    let mut listed = Vec::new();
    let report = |report| {
        if let Report::Listed { binary, tests, status, output, crash } = report {
            listed.push((binary, tests, status, output, crash));
        }
    };
    builder.list(binaries.clone(), threads, limits(LIST_TIME_MS), report).await?;
    for (binary, tests, status, output, crash) in listed {
        let Some(binary) = binaries.get(binary) else { continue };
        context.recorder.event(Event::BinaryFound {
            leg: leg.name.clone(),
            binary: Binary {
                id: binary.id.clone(),
                harness: binary.harness,
                listing: Some(status),
                listing_output: output,
                listing_crash: crash,
                excluded: Some(HOST_ONLY.into()),
            },
        });
        let names = tests.into_iter().filter_map(|t| t.name);
        for name in names.filter(|name| is_wanted(name, &context.settings.filters)) {
            context.recorder.event(Event::TestSkipped {
                leg: leg.name.clone(),
                id: format!("{}${name}", binary.id),
                outcome: Outcome::NotRun { reason: HOST_ONLY.into() },
            });
        }
    }
    Ok(())
}

/// Reads what was built, starts the sandbox in which the leg's tests run, and lists them.
///
/// # Errors
/// The engine fails.
pub async fn list(context: &Context, leg: &mut Leg) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::List)?;
    if let Err(failure) = audit::audit(context, leg, &mut step).await {
        return step.finish(Err(failure));
    }
    if leg.binaries.is_empty() {
        step.step().status = StepStatus::Skipped;
        step.step().detail = Some("there are no test binaries".into());
        return step.finish(Ok(()));
    }
    let body = list_body(context, leg, &mut step).await;
    step.finish(body)
}

async fn list_body(context: &Context, leg: &mut Leg, step: &mut RunningStep<'_>) -> Result<()> {
    let image = match context.settings.test_image.as_str() {
        "builder" => &leg.images.builder.id,
        _ => &leg.images.runtime.id,
    };
    let mut sandbox = leg.sandbox(context, "test", image);
    sandbox.memory_bytes = context.settings.limits.test_memory_bytes;
    sandbox.read_only_root = leg.spec.read_only_root;
    let session = AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    let session = leg.test_session.insert(session);

    let positions: Vec<usize> =
        (0..leg.binaries.len()).filter(|b| !leg.binaries[*b].is_host_only).collect();
    let binaries = positions.iter().map(|b| leg.binaries[*b].test.clone()).collect();
    let total = positions.len() as u64;
    let mut listed = BTreeMap::new();
    let report = |report| {
        if let Report::Listed { binary, status, tests, output, crash } = report {
            step.progress(listed.len() as u64, Some(total), "");
            listed.insert(positions[binary], (status, tests, output, crash));
        }
    };
    let threads = context.settings.test_threads as usize;
    session.list(binaries, threads, limits(LIST_TIME_MS), report).await?;
    for (at, (status, tests, output, crash)) in listed {
        take_listing(context, leg, step, at, (status, output, crash), &tests);
    }
    Ok(())
}

fn take_listing(
    context: &Context,
    leg: &mut Leg,
    step: &mut RunningStep<'_>,
    at: usize,
    (status, output, crash): (AttemptStatus, String, Option<Box<Crash>>),
    tests: &[ListedTest],
) {
    let binary = &leg.binaries[at];
    step.log(&format!("{}: {} tests", binary.test.id, tests.len()));
    if status != AttemptStatus::Passed {
        step.log(&format!("{}: {}: {output}", binary.test.id, Outcome::from(&status)));
    }
    context.recorder.event(Event::BinaryFound {
        leg: leg.name.clone(),
        binary: Binary {
            id: binary.test.id.clone(),
            harness: binary.test.harness,
            listing: Some(status),
            listing_output: output,
            listing_crash: crash,
            excluded: None,
        },
    });
    for test in tests {
        let name = test.name.as_deref().unwrap_or(&binary.target_name);
        if !is_wanted(name, &context.settings.filters) {
            continue;
        }
        let id = format!("{}${name}", binary.test.id);
        let leg_name = leg.name.clone();
        if test.ignored {
            context.recorder.event(Event::TestSkipped {
                leg: leg_name,
                id,
                outcome: Outcome::Ignored,
            });
        } else {
            context.recorder.event(Event::TestFound { leg: leg_name, id: id.clone() });
            leg.tests.push(PlannedTest { id, binary: at, name: test.name.clone() });
        }
    }
}

/// As `cargo test FILTER`: the name contains it. Several filters: any of them.
fn is_wanted(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()))
}

/// Runs every test of the leg once, or every one in `only`. What they used adds up in the step.
///
/// # Errors
/// The engine fails.
pub async fn attempt_each(
    context: &Context,
    leg: &mut Leg,
    only: Option<&HashSet<String>>,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let Some(session) = &mut leg.test_session else {
        step.step().status = StepStatus::Skipped;
        return Ok(());
    };
    let planned: Vec<&PlannedTest> =
        leg.tests.iter().filter(|t| only.is_none_or(|ids| ids.contains(&t.id))).collect();
    let tests =
        planned.iter().map(|t| TestToRun { binary: t.binary, name: t.name.clone() }).collect();
    let binaries = leg.binaries.iter().map(|b| b.test.clone()).collect();
    let limits = test_limits(context);
    let threads = match only {
        Some(_) => threads_again(context, leg.metadata.as_deref(), planned.len()),
        None => threads(context, leg.metadata.as_deref()),
    };
    let leg_name = leg.name.clone();
    let (mut cpu, mut peak) = (0.0, 0);
    let report = |report| match report {
        Report::TestStarted { test } => {
            if let Some(test) = planned.get(test) {
                let (leg, id) = (leg_name.clone(), test.id.clone());
                context.recorder.event(Event::TestStarted { leg, id });
            }
        }
        Report::TestFinished { test, attempt } => {
            if let Some(test) = planned.get(test) {
                step.log(&format!("--- {}: {}", test.id, Outcome::from(&attempt.status)));
                step.log(&attempt.output);
                cpu += attempt.cpu_s.unwrap_or(0.0);
                peak = peak.max(attempt.peak_rss_bytes.unwrap_or(0));
                let (leg, id) = (leg_name.clone(), test.id.clone());
                context.recorder.event(Event::TestFinished { leg, id, attempt });
            }
        }
        _ => {}
    };
    session.test(binaries, tests, 1, threads, limits, report).await?;
    let step = step.step();
    step.user_s = Some(step.user_s.unwrap_or(0.0) + cpu);
    step.peak_rss_bytes = Some(step.peak_rss_bytes.unwrap_or(0).max(peak));
    Ok(())
}

/// How many tests run at a time.
fn threads(context: &Context, metadata: Option<&Metadata>) -> usize {
    if metadata.is_some_and(one_at_a_time) { 1 } else { context.settings.test_threads as usize }
}

/// Whether tests of the project ask to run one at a time: by the crate `serial_test`, whose lock holds in
/// one process only.
#[must_use]
pub fn one_at_a_time(metadata: &Metadata) -> bool {
    let tested = metadata.workspace_packages();
    tested.iter().any(|p| p.dependencies.iter().any(|d| d.name == "serial_test"))
}

/// Tests of which each runs alone when they run again; more would take too long.
const MOST_ALONE: usize = 50;

/// How many of `tests` run at a time when they run again: one, so that what two tests do to each other is
/// not taken for a difference of the libcs.
pub(super) fn threads_again(context: &Context, metadata: Option<&Metadata>, tests: usize) -> usize {
    if tests <= MOST_ALONE { 1 } else { threads(context, metadata) }
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn any_filter_will_do() {
        assert!(is_wanted("a::b", &[]));
        assert!(is_wanted("a::b", &["x".into(), "::b".into()]));
        assert!(!is_wanted("a::b", &["x".into()]));
    }
}
