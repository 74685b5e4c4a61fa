//! Experiments for findings: failing tests run again with one thing changed.
//!
//! Takes the legs and what was seen; records a trial for each experiment that the findings ask for.

use std::collections::HashSet;

use libcmatrix_schema::{Event, Linkage, Role, Trial, TrialKind};

use super::execute::new_leg;
use crate::{
    compare, diagnose,
    diagnose::PlannedTrial,
    exit::Exit,
    failure::Result,
    leg::{
        Context, Leg, build, experiment, experiment::Made, fetch, prepare, source_tree::SourceTree,
        test,
    },
};

/// Makes the experiments that the findings so far ask for. One that cannot be made says so in the
/// record, and fails nothing.
///
/// # Errors
/// The user wants to stop.
pub(super) async fn prove(context: &Context, legs: &mut [Leg], tree: &SourceTree) -> Result<()> {
    let Some(record) = context.recorder.record() else { return Ok(()) };
    let findings = diagnose::findings(&record, &compare::compare(&record));
    let [baseline, candidate] = legs else { return Ok(()) };
    for planned in diagnose::plan(&findings) {
        if planned.kind == TrialKind::DynamicLibc {
            let leg = candidate.name.clone();
            let made = match linked_dynamically(context, candidate, tree, &planned).await {
                Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
                Err(failure) => Made::Not(failure.to_string()),
                Ok(made) => made,
            };
            let (tests, not_made) = made.into_parts();
            let trial = Trial { kind: planned.kind, leg, tests, not_made };
            context.recorder.event(Event::TrialFinished { trial });
        } else {
            experiment::experiment(context, baseline, candidate, &planned).await?;
        }
    }
    Ok(())
}

/// Builds the candidate once more, linked to musl dynamically, and runs the tests there.
async fn linked_dynamically(
    context: &Context,
    candidate: &Leg,
    tree: &SourceTree,
    planned: &PlannedTrial,
) -> Result<Made> {
    if candidate.spec.linkage() == Linkage::Dynamic {
        return Ok(Made::Not("it is linked dynamically already".into()));
    }
    let mut spec = candidate.spec.clone();
    spec.linkage = Some(Linkage::Dynamic);
    let name = format!("{}-linked-dynamically", candidate.name);
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
    session.close().await?;
    if fetched == fetch::Fetched::Incomplete {
        return Ok(Made::Not("its dependencies could not be fetched".into()));
    }
    build::build(context, &mut leg).await?.close().await?;
    test::list(context, &mut leg).await?;
    let ids: HashSet<&str> = planned.tests.iter().map(String::as_str).collect();
    let made = experiment::in_own_session(context, &mut leg, &ids).await;
    if let Some(session) = leg.test_session.take() {
        session.close().await?;
    }
    made
}
