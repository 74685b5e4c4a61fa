//! The step `prove`: failing tests run again with one thing changed.
//!
//! Takes the kind of experiment and the tests; records a [`Trial`]. An experiment that cannot be
//! made here says so in the record, and fails nothing.

use std::collections::{BTreeMap, HashSet};

use libcmatrix_agent::protocol::{Report, TestBinary, TestToRun};
use libcmatrix_schema::{Attempt, Event, Linkage, Outcome, StepName, Test, Trial, TrialKind};

use super::{
    Context, Leg,
    session::AgentSession,
    step::RunningStep,
    test::{PlannedTest, test_limits, threads},
};
use crate::{diagnose::PlannedTrial, exit::Exit, failure::Result};

/// The stack that the experiment gives each thread: what glibc gives by default (8 MiB, `ulimit -s`).
const STACK_BYTES: u64 = 8 << 20;

/// Variables that turn on glibc's heap checks: since glibc 2.34 they are a library of their own
/// (mallopt(3), `MALLOC_CHECK_`; the glibc manual, "Memory Allocation Tunables").
const HEAP_CHECKS: [(&str, &str); 2] =
    [("LD_PRELOAD", "libc_malloc_debug.so.0"), ("GLIBC_TUNABLES", "glibc.malloc.check=3")];

/// What musl's loader says of a library that is missing.
const NOT_LOADED: &str = "Error loading shared library";

/// What glibc's loader says where that library is missing.
const NOT_PRELOADED: &str = "cannot be preloaded";

/// Makes an experiment with the legs of a run.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub async fn experiment(
    context: &Context,
    baseline: &mut Leg,
    candidate: &mut Leg,
    planned: &PlannedTrial,
) -> Result<()> {
    let leg: &Leg = if planned.kind == TrialKind::GlibcHeapChecks { baseline } else { candidate };
    let name = leg.name.clone();
    let mut step = RunningStep::begin(context, leg, StepName::Prove)?;
    step.log(&format!("experiment {}: {}", planned.kind, planned.tests.join(", ")));
    let ids: HashSet<&str> = planned.tests.iter().map(String::as_str).collect();
    let made = match planned.kind {
        TrialKind::StackSize => with_more_stack(context, candidate, &ids).await,
        TrialKind::GlibcHeapChecks => with_heap_checks(context, baseline, &ids).await,
        TrialKind::BaselineUserland => {
            in_baseline_image(context, &baseline.images.runtime.id, candidate, &ids).await
        }
        TrialKind::DynamicLibc => Ok(Made::Not("it needs a build of its own".into())),
    };
    let made = match made {
        Err(failure) if failure.exit == Exit::Interrupted => {
            return step.finish(Err(failure));
        }
        Err(failure) => Made::Not(failure.to_string()),
        Ok(made) => made,
    };
    let (tests, not_made) = made.into_parts();
    for test in &tests {
        step.log(&format!("--- {}: {}", test.id, test.outcome));
    }
    let trial = Trial { kind: planned.kind, leg: name, tests, not_made };
    context.recorder.event(Event::TrialFinished { trial });
    step.finish(Ok(()))
}

/// What became of an experiment.
pub enum Made {
    /// It was made; what the tests did.
    Tests(Vec<Test>),
    /// Why it could not be made.
    Not(String),
}

impl Made {
    /// For a [`Trial`]: the tests, and why it was not made.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Test>, Option<String>) {
        match self {
            Self::Tests(tests) => (tests, None),
            Self::Not(why) => (Vec::new(), Some(why)),
        }
    }
}

/// Runs tests of a leg that was built for the experiment, in its own session.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub async fn in_own_session(context: &Context, leg: &mut Leg, ids: &HashSet<&str>) -> Result<Made> {
    let Some(mut session) = leg.test_session.take() else { return Ok(no_session()) };
    let made = run(context, &mut session, &wanted(leg, ids), binaries(leg)).await;
    leg.test_session = Some(session);
    let tests = made?;
    if tests.is_empty() {
        return Ok(Made::Not("the tests are not there in that build".into()));
    }
    // A base image may lack what a dynamic program needs; that is no answer to the question.
    let does_not_start = |a: &Attempt| a.output.contains(NOT_LOADED);
    Ok(if tests.iter().flat_map(|t| &t.attempts).any(does_not_start) {
        Made::Not("the image lacks a library that the dynamic program needs".into())
    } else {
        Made::Tests(tests)
    })
}

/// Runs tests of a leg in a session that is there.
async fn run(
    context: &Context,
    session: &mut AgentSession,
    tests: &[&PlannedTest],
    binaries: Vec<TestBinary>,
) -> Result<Vec<Test>> {
    let to_run =
        tests.iter().map(|t| TestToRun { binary: t.binary, name: t.name.clone() }).collect();
    let mut attempts: BTreeMap<usize, Vec<Attempt>> = BTreeMap::new();
    let report = |report| {
        if let Report::TestFinished { test, attempt } = report {
            attempts.entry(test).or_default().push(attempt);
        }
    };
    let times = context.settings.confirm.max(1);
    session.test(binaries, to_run, times, threads(context), test_limits(context), report).await?;
    let done = attempts.into_iter().filter_map(|(at, attempts)| {
        let id = tests.get(at)?.id.clone();
        Some(Test { id, outcome: Outcome::of(&attempts), attempts })
    });
    Ok(done.collect())
}

fn wanted<'a>(leg: &'a Leg, ids: &HashSet<&str>) -> Vec<&'a PlannedTest> {
    leg.tests.iter().filter(|test| ids.contains(test.id.as_str())).collect()
}

fn binaries(leg: &Leg) -> Vec<TestBinary> {
    leg.binaries.iter().map(|binary| binary.test.clone()).collect()
}

/// Copies of the test binaries ask for larger stacks; they stand beside the originals, since a test
/// may look for files from where its binary is.
async fn with_more_stack(context: &Context, leg: &mut Leg, ids: &HashSet<&str>) -> Result<Made> {
    let Some(mut session) = leg.test_session.take() else { return Ok(no_session()) };
    let tests = wanted(leg, ids);
    let mut copies = binaries(leg);
    for at in tests.iter().map(|test| test.binary).collect::<HashSet<_>>() {
        let Some(original) = copies[at].program.argv.first().cloned() else { continue };
        let copy = format!("{original}.more-stack");
        if let Err(e) = session.raise_stack(&original, &copy, STACK_BYTES).await? {
            leg.test_session = Some(session);
            return Ok(Made::Not(e));
        }
        copies[at].program.argv[0] = copy;
    }
    let made = run(context, &mut session, &tests, copies).await;
    leg.test_session = Some(session);
    made.map(Made::Tests)
}

async fn with_heap_checks(context: &Context, leg: &mut Leg, ids: &HashSet<&str>) -> Result<Made> {
    let Some(mut session) = leg.test_session.take() else { return Ok(no_session()) };
    let mut checked = binaries(leg);
    for binary in &mut checked {
        for (name, value) in HEAP_CHECKS {
            binary.program.env.push((name.into(), value.into()));
        }
    }
    let made = run(context, &mut session, &wanted(leg, ids), checked).await;
    leg.test_session = Some(session);
    let tests = made?;
    let not_preloaded =
        tests.iter().flat_map(|t| &t.attempts).any(|a| a.output.contains(NOT_PRELOADED));
    Ok(if not_preloaded {
        Made::Not("the image has no libc_malloc_debug.so.0".into())
    } else {
        Made::Tests(tests)
    })
}

/// Separates musl from what is around it. A dynamic program would need musl's loader there.
async fn in_baseline_image(
    context: &Context,
    image: &str,
    leg: &mut Leg,
    ids: &HashSet<&str>,
) -> Result<Made> {
    if leg.spec.linkage() == Linkage::Dynamic {
        return Ok(Made::Not(
            "the programs are linked to a loader that image does not have".into(),
        ));
    }
    let mut sandbox = leg.sandbox(context, "prove", image);
    sandbox.memory_bytes = context.settings.limits.test_memory_bytes;
    sandbox.read_only_root = leg.spec.read_only_root;
    let mut session =
        AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    let made = run(context, &mut session, &wanted(leg, ids), binaries(leg)).await;
    session.close().await?;
    made.map(Made::Tests)
}

fn no_session() -> Made {
    Made::Not("its tests were not run".into())
}
