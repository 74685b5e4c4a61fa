//! The step `prove`: experiments for findings, failing tests run again with one thing changed.
//!
//! Takes the legs and what was seen; records each experiment that the findings ask for. One that
//! cannot be made says so in the record, and fails nothing.

use std::collections::HashSet;

use libcmatrix_schema::{Event, Experiment, ExperimentKind, Linkage, Role, StepName};

use super::execute::new_leg;
use crate::{
    compare,
    diagnose::{self, PlannedExperiment},
    environment::EnvironmentSpec,
    exit::Exit,
    failure::Result,
    leg::{
        Context, Leg, added_packages, build,
        experiment::{self, Made},
        fetch, other_allocator, prepare,
        session::AgentSession,
        source_tree::SourceTree,
        step::RunningStep,
        test,
    },
};

/// Makes the experiments that the findings so far ask for.
///
/// # Errors
/// The user wants to stop.
pub(super) async fn prove(context: &Context, legs: &mut [Leg], tree: &SourceTree) -> Result<()> {
    let Some(record) = context.recorder.record() else { return Ok(()) };
    let findings = diagnose::findings(&record, &compare::compare(&record));
    let [baseline, candidate] = legs else { return Ok(()) };
    for planned in diagnose::plan(&findings) {
        let ids: HashSet<&str> = planned.tests.iter().map(String::as_str).collect();
        let leg = match planned.kind {
            ExperimentKind::GlibcHeapChecks => &*baseline,
            _ => &*candidate,
        };
        let leg_name = leg.name.clone();
        let mut step = RunningStep::begin(context, leg, StepName::Prove)?;
        step.log(&format!("experiment {}: {}", planned.kind, planned.tests.join(", ")));
        let mut packages = Vec::new();
        let made = match planned.kind {
            ExperimentKind::StackSize => {
                experiment::with_more_stack(context, candidate, &ids).await
            }
            ExperimentKind::GlibcHeapChecks => {
                experiment::with_heap_checks(context, baseline, &ids).await
            }
            ExperimentKind::BaselineUserland => {
                experiment::in_baseline(context, baseline, candidate, &ids).await
            }
            ExperimentKind::PackagesAdded => {
                with_packages(context, [baseline, candidate], &planned, &ids, &mut packages).await
            }
            ExperimentKind::DynamicLibc => linked_dynamically(context, candidate, tree, &ids).await,
            ExperimentKind::OtherAllocator => {
                linked_with_other_allocator(context, candidate, tree, &ids).await
            }
        };
        let made = match made {
            Err(failure) if failure.exit == Exit::Interrupted => return step.finish(Err(failure)),
            Err(failure) => Err(failure.to_string()),
            Ok(made) => made,
        };
        match &made {
            Ok(tests) => {
                tests.iter().for_each(|t| step.log(&format!("--- {}: {}", t.id, t.outcome)));
            }
            Err(why) => step.log(&format!("not made: {why}")),
        }
        let not_made = made.as_ref().err().cloned();
        let tests = made.unwrap_or_default();
        let experiment = Experiment {
            kind: planned.kind,
            leg: leg_name,
            finding: planned.finding,
            packages,
            tests,
            not_made,
        };
        context.recorder.event(Event::ExperimentFinished { experiment });
        step.finish(Ok(()))?;
    }
    Ok(())
}

/// Runs the tests in the candidate's image with packages of the baseline's; says which in `packages`.
async fn with_packages(
    context: &Context,
    [baseline, candidate]: [&Leg; 2],
    planned: &PlannedExperiment,
    ids: &HashSet<&str>,
    packages: &mut Vec<String>,
) -> Result<Made> {
    let [from, to] = [baseline, candidate].map(|leg| leg.images.runtime.id.as_str());
    let finding = planned.finding.as_deref().unwrap_or_default();
    let made = added_packages::image(context, from, to, &planned.wanted, finding).await?;
    match made {
        Err(why) => Ok(Err(why)),
        Ok(made) => {
            *packages = made.packages;
            experiment::in_image(context, &made.image, candidate, ids).await
        }
    }
}

/// Builds the candidate once more, linked to musl dynamically, and runs the tests there.
async fn linked_dynamically(
    context: &Context,
    candidate: &Leg,
    tree: &SourceTree,
    ids: &HashSet<&str>,
) -> Result<Made> {
    if candidate.spec.linkage() == Linkage::Dynamic {
        return Ok(Err("it is linked dynamically already".into()));
    }
    let mut spec = candidate.spec.clone();
    spec.linkage = Some(Linkage::Dynamic);
    let name = format!("{}-linked-dynamically", candidate.name);
    let (mut leg, session) = match anew(context, candidate, tree, name, spec).await? {
        Ok(begun) => begun,
        Err(why) => return Ok(Err(why)),
    };
    session.close().await?;
    build::build(context, &mut leg).await?.close().await?;
    run_as_built(context, &mut leg, ids).await
}

/// Builds the candidate once more, linked with another allocator, and runs the tests there.
async fn linked_with_other_allocator(
    context: &Context,
    candidate: &Leg,
    tree: &SourceTree,
    ids: &HashSet<&str>,
) -> Result<Made> {
    let name = format!("{}-other-allocator", candidate.name);
    let spec = candidate.spec.clone();
    let (mut leg, mut session) = match anew(context, candidate, tree, name, spec).await? {
        Ok(begun) => begun,
        Err(why) => return Ok(Err(why)),
    };
    let fetched = other_allocator::fetch(context, &leg, &mut session).await?;
    session.close().await?;
    if let Err(why) = fetched {
        return Ok(Err(why));
    }
    if let Err(why) = other_allocator::build(context, &mut leg).await? {
        return Ok(Err(why));
    }
    let mut session = build::build(context, &mut leg).await?;
    let linked = other_allocator::was_linked(context, &mut session).await?;
    session.close().await?;
    if let Err(why) = linked {
        return Ok(Err(why));
    }
    run_as_built(context, &mut leg, ids).await
}

/// A leg of its own for an experiment that needs another build, up to where nothing is built yet. The
/// session has network.
async fn anew(
    context: &Context,
    candidate: &Leg,
    tree: &SourceTree,
    name: String,
    spec: EnvironmentSpec,
) -> Result<std::result::Result<(Leg, AgentSession), String>> {
    let images = candidate.images.clone();
    let mut leg =
        new_leg(context.engine.as_ref(), &context.owner, Role::Control, name, spec, images).await?;
    context.recorder.event(Event::LegDescribed {
        leg: leg.name.clone(),
        role: leg.role,
        environment: leg.environment(context.engine.as_ref(), &context.engine_info),
    });
    let lockfile = fetch::read_lockfile(context, candidate).await?;
    let mut session = prepare::prepare(context, &mut leg, tree).await?;
    let fetched = fetch::fetch(context, &mut leg, &mut session, lockfile.as_deref()).await?;
    if fetched == fetch::Fetched::Incomplete {
        session.close().await?;
        return Ok(Err("its dependencies could not be fetched".into()));
    }
    Ok(Ok((leg, session)))
}

async fn run_as_built(context: &Context, leg: &mut Leg, ids: &HashSet<&str>) -> Result<Made> {
    test::list(context, leg).await?;
    let made = experiment::as_built(context, leg, ids).await;
    if let Some(session) = leg.test_session.take() {
        session.close().await?;
    }
    made
}
