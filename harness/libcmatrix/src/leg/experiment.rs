//! What experiments do with a leg: its failing tests run again with one thing changed.
//!
//! Takes the leg and the tests; gives what they did, or why the experiment cannot be made here.

use std::collections::{BTreeMap, HashSet};

use cargo_metadata::Metadata;
use libcmatrix_agent::protocol::{Report, TestBinary, TestToRun};
use libcmatrix_schema::{Attempt, Linkage, Outcome, Test};

use super::{
    BuiltBinary, Context, Leg,
    session::AgentSession,
    test::{PlannedTest, test_limits, threads_again},
};
use crate::failure::Result;

/// What the tests did, or why the experiment cannot be made here.
pub type Made = std::result::Result<Vec<Test>, String>;

/// The stack that the experiment gives each thread: what glibc gives by default (8 MiB, `ulimit -s`).
const STACK_BYTES: u64 = 8 << 20;

/// Variables that turn on glibc's heap checks: since glibc 2.34 they are a library of their own
/// (mallopt(3), `MALLOC_CHECK_`; the glibc manual, "Memory Allocation Tunables").
const HEAP_CHECKS: [(&str, &str); 2] =
    [("LD_PRELOAD", "libc_malloc_debug.so.0"), ("GLIBC_TUNABLES", "glibc.malloc.check=3")];

/// What glibc's loader says where that library is missing.
const NOT_PRELOADED: &str = "cannot be preloaded";

/// What musl's loader says of a library that is missing.
const NOT_LOADED: &str = "Error loading shared library";

/// Copies of the test binaries ask for larger stacks. They stand beside the originals, since a test
/// may look for files from where its binary is.
///
/// # Errors
/// The engine fails, or the user wants to stop; likewise below.
pub async fn with_more_stack(
    context: &Context,
    leg: &mut Leg,
    ids: &HashSet<&str>,
) -> Result<Made> {
    let Leg { test_session: Some(session), tests, binaries, metadata, .. } = leg else {
        return no_session();
    };
    let tests = wanted(tests, ids);
    let mut copies = programs(binaries);
    for at in tests.iter().map(|test| test.binary).collect::<HashSet<_>>() {
        let Some(program) = copies[at].program.argv.first_mut() else { continue };
        let copy = format!("{program}.more-stack");
        if let Err(why) = session.raise_stack(program, &copy, STACK_BYTES).await? {
            return Ok(Err(why));
        }
        *program = copy;
    }
    run(context, metadata.as_deref(), session, &tests, copies).await.map(Ok)
}

/// The tests run with glibc's heap checks.
///
/// # Errors
/// See above.
pub async fn with_heap_checks(
    context: &Context,
    leg: &mut Leg,
    ids: &HashSet<&str>,
) -> Result<Made> {
    let Leg { test_session: Some(session), tests, binaries, metadata, .. } = leg else {
        return no_session();
    };
    let mut checked = programs(binaries);
    for binary in &mut checked {
        let variables = HEAP_CHECKS.map(|(name, value)| (name.into(), value.into()));
        binary.program.env.extend(variables);
    }
    let tests = run(context, metadata.as_deref(), session, &wanted(tests, ids), checked).await?;
    Ok(unless_said(tests, NOT_PRELOADED, "the image has no libc_malloc_debug.so.0"))
}

/// The same programs in the baseline's image. A dynamic one would need musl's loader there.
///
/// # Errors
/// See above.
pub async fn in_baseline(
    context: &Context,
    baseline: &Leg,
    leg: &Leg,
    ids: &HashSet<&str>,
) -> Result<Made> {
    if leg.spec.linkage() == Linkage::Dynamic {
        return Ok(Err("the programs are linked to a loader that image does not have".into()));
    }
    in_image(context, &baseline.images.runtime.id, leg, ids).await
}

/// The same programs in another image.
///
/// # Errors
/// See above.
pub async fn in_image(
    context: &Context,
    image: &str,
    leg: &Leg,
    ids: &HashSet<&str>,
) -> Result<Made> {
    let mut session = leg.session_in(context, "prove", image).await?;
    let tests = wanted(&leg.tests, ids);
    let made =
        run(context, leg.metadata.as_deref(), &mut session, &tests, programs(&leg.binaries)).await;
    session.close().await?;
    made.map(Ok)
}

/// The tests of a leg that was built for the experiment.
///
/// # Errors
/// See above.
pub async fn as_built(context: &Context, leg: &mut Leg, ids: &HashSet<&str>) -> Result<Made> {
    let Leg { test_session: Some(session), tests, binaries, metadata, .. } = leg else {
        return no_session();
    };
    let tests =
        run(context, metadata.as_deref(), session, &wanted(tests, ids), programs(binaries)).await?;
    if tests.is_empty() {
        return Ok(Err("the tests are not there in that build".into()));
    }
    // A base image may lack what a dynamic program needs; that is no answer to the question.
    Ok(unless_said(tests, NOT_LOADED, "the image lacks a library that the program needs"))
}

async fn run(
    context: &Context,
    metadata: Option<&Metadata>,
    session: &mut AgentSession,
    tests: &[&PlannedTest],
    binaries: Vec<TestBinary>,
) -> Result<Vec<Test>> {
    let to_run: Vec<TestToRun> =
        tests.iter().map(|t| TestToRun { binary: t.binary, name: t.name.clone() }).collect();
    let mut attempts: BTreeMap<usize, Vec<Attempt>> = BTreeMap::new();
    let report = |report| {
        if let Report::TestFinished { test, attempt } = report {
            attempts.entry(test).or_default().push(attempt);
        }
    };
    let times = context.settings.confirm.max(1);
    let threads = threads_again(context, metadata, tests.len());
    session.test(binaries, to_run, times, threads, test_limits(context), report).await?;
    let done = attempts.into_iter().filter_map(|(at, attempts)| {
        let id = tests.get(at)?.id.clone();
        Some(Test { id, outcome: Outcome::of(&attempts), attempts })
    });
    Ok(done.collect())
}

fn wanted<'a>(tests: &'a [PlannedTest], ids: &HashSet<&str>) -> Vec<&'a PlannedTest> {
    tests.iter().filter(|test| ids.contains(test.id.as_str())).collect()
}

fn programs(binaries: &[BuiltBinary]) -> Vec<TestBinary> {
    binaries.iter().map(|binary| binary.test.clone()).collect()
}

/// The tests, unless one of them shows by what it said that the experiment was not made.
fn unless_said(tests: Vec<Test>, text: &str, why: &str) -> Made {
    let said = tests.iter().flat_map(|t| &t.attempts).any(|a| a.output.contains(text));
    if said { Err(why.into()) } else { Ok(tests) }
}

fn no_session() -> Result<Made> {
    Ok(Err("its tests were not run".into()))
}
