//! Everything between the first and the last event of a run: the legs, step by step.

use std::sync::Arc;

use libcmatrix_schema::{Event, Role, StepName};
use tokio_util::sync::CancellationToken;

use super::{Plan, benches, confirm, measure, notes, prove, rounds};
use crate::{
    engine::{Engine, Owner},
    environment::{EnvironmentSpec, toolchain},
    exit::Exit,
    failure::{Failure, Result},
    image::ResolvedImages,
    leg::{
        Context, Leg, audit, build, doctest, fetch, final_image, inject, own_image, prepare,
        session::AgentSession, source_tree::SourceTree, test,
    },
    record::{Recorder, RunFolder},
};

/// Takes the plan and its images; what is seen goes to the recorder.
///
/// # Errors
/// The engine failed, or the user wants to stop. What was seen until then is recorded.
pub(super) async fn execute(
    engine: Arc<dyn Engine>,
    owner: Owner,
    plan: Plan,
    images: Vec<ResolvedImages>,
    recorder: &Arc<Recorder>,
    folder: &RunFolder,
    cancel: CancellationToken,
) -> Result<()> {
    let info = engine.info().await?;
    notes::weak_limits(recorder, &info);
    let tree = SourceTree::plan(&plan.project)?;
    let mut legs = Vec::new();
    let sides = [(Role::Baseline, plan.baseline), (Role::Candidate, plan.candidate)];
    for ((role, (name, spec)), images) in sides.into_iter().zip(images) {
        let leg = new_leg(engine.as_ref(), &owner, role, name, spec, images).await?;
        recorder.event(Event::LegDescribed {
            leg: leg.name.clone(),
            role,
            environment: leg.environment(engine.as_ref(), &info),
        });
        legs.push(leg);
    }
    for text in &tree.neutralised {
        recorder.note("config-neutralised", text);
    }
    let Some(image) = legs.first().map(|l| l.images.builder.id.clone()) else {
        return Err(Failure::bug("a run without legs"));
    };
    let context = Context {
        agent: inject::inject(engine.as_ref(), &owner, &image).await?,
        cargo_home: engine.create_volume(&owner, "cargo-home").await?,
        engine,
        engine_info: info,
        owner,
        recorder: recorder.clone(),
        folder: folder.clone(),
        project: plan.project,
        selection: plan.selection,
        settings: plan.settings,
        cancel,
        config_env: tree.config_env.clone(),
    };
    fetch::fill_cargo_home(&context, &image).await?;
    if !prepare_and_fetch(&context, &mut legs, &tree).await? {
        return Ok(());
    }
    let mut builders = build_all(&context, &mut legs).await;
    save(&context)?;
    measure::cold_builds(&context, &legs, &mut builders).await?;
    test_all(&context, &mut legs, &mut builders, &tree).await
}

pub(super) async fn new_leg(
    engine: &dyn Engine,
    owner: &Owner,
    role: Role,
    name: String,
    spec: EnvironmentSpec,
    images: ResolvedImages,
) -> Result<Leg> {
    Ok(Leg {
        source: engine.create_volume(owner, &format!("{role}-source")).await?,
        target: engine.create_volume(owner, &format!("{role}-target")).await?,
        name,
        role,
        spec,
        extra_rustflags: Vec::new(),
        images,
        toolchain: None,
        sysroot: String::new(),
        cargo: String::new(),
        source_digest: None,
        metadata: None,
        build_failed: false,
        outputs: audit::Outputs::default(),
        binaries: Vec::new(),
        tests: Vec::new(),
        test_session: None,
    })
}

/// Both legs up to the point where nothing needs the network any more; false if a dependency cannot be had.
async fn prepare_and_fetch(context: &Context, legs: &mut [Leg], tree: &SourceTree) -> Result<bool> {
    let mut sessions = Vec::new();
    for leg in legs.iter_mut() {
        sessions.push(prepare::prepare(context, leg, tree).await?);
    }
    if let [first, second] = &*legs
        && let (Some(a), Some(b)) = (&first.toolchain, &second.toolchain)
    {
        toolchain::prove_matched((&first.name, a), (&second.name, b))?;
    }
    if legs.iter().any(|l| l.source_digest != legs[0].source_digest) {
        return Err(Failure::usage("the project changed while it was copied")
            .because("the two sides would be built from different sources")
            .hint("run again, and leave its files alone until both sides are prepared"));
    }
    notes::foreign_userland(context, legs);
    let mut lockfile: Option<Vec<u8>> = None;
    let mut complete = true;
    for (leg, session) in legs.iter_mut().zip(&mut sessions) {
        if fetch::fetch(context, leg, session, lockfile.as_deref()).await?
            == fetch::Fetched::Incomplete
        {
            complete = false;
            break;
        }
        if lockfile.is_none() {
            lockfile = fetch::read_lockfile(context, leg).await?;
            if let Some(content) = &lockfile {
                context.folder.write("Cargo.lock", content)?;
            }
            if let Some(project) = fetch::describe_native(context, leg) {
                context.recorder.event(Event::ProjectDescribed { project });
            }
        }
    }
    notes::untested_members(context, legs);
    notes::one_at_a_time(context, legs);
    for session in sessions {
        session.close().await?;
    }
    Ok(complete)
}

/// Builds every leg. A fault of one leg is recorded with its step and leaves the others going.
async fn build_all(context: &Context, legs: &mut [Leg]) -> Vec<Result<AgentSession>> {
    let mut builders = Vec::new();
    for leg in legs {
        builders.push(build::build(context, leg).await);
    }
    builders
}

async fn test_all(
    context: &Context,
    legs: &mut [Leg],
    builders: &mut [Result<AgentSession>],
    tree: &SourceTree,
) -> Result<()> {
    let attempts = context.settings.attempts;
    let mut first_fault = None;
    let mut able = Vec::new();
    for (leg, builder) in legs.iter_mut().zip(&*builders) {
        let listed = match builder {
            Err(fault) => Err(fault.clone()),
            Ok(_) => test::list(context, leg).await,
        };
        let is_able = listed.is_ok();
        note_fault(context, &leg.name, listed, &mut first_fault)?;
        if is_able {
            able.push(leg);
        }
    }
    let tested = rounds::run(context, &mut able, StepName::Test, attempts, None).await;
    for (leg, tested) in able.iter().zip(tested) {
        note_fault(context, &leg.name, tested, &mut first_fault)?;
    }
    save(context)?;
    if first_fault.is_none() {
        let confirmed = confirm_all(context, legs).await;
        note_fault(context, "confirm", confirmed, &mut first_fault)?;
    }
    if first_fault.is_none() {
        let proven = prove::prove(context, legs, tree).await;
        note_fault(context, "prove", proven, &mut first_fault)?;
    }
    for leg in legs.iter_mut() {
        if let Some(session) = leg.test_session.take() {
            session.close().await?;
        }
    }
    if context.settings.doctests {
        for (leg, builder) in legs.iter_mut().zip(&mut *builders) {
            if let Ok(session) = builder {
                let tested = doctest::doctest(context, leg, session).await;
                note_fault(context, &leg.name, tested, &mut first_fault)?;
            }
        }
        if first_fault.is_none() {
            let confirmed = confirm_doctests(context, legs, builders).await;
            note_fault(context, "confirm", confirmed, &mut first_fault)?;
        }
    }
    if first_fault.is_none() {
        benches::benches(context, legs, builders).await?;
    }
    if context.settings.images && first_fault.is_none() {
        for (leg, builder) in legs.iter_mut().zip(&mut *builders) {
            if let Ok(session) = builder {
                let made = match &leg.spec.dockerfile {
                    Some(dockerfile) => own_image::own_image(context, leg, dockerfile).await,
                    None => final_image::final_images(context, leg, session).await,
                };
                note_fault(context, &leg.name, made, &mut first_fault)?;
            }
        }
    }
    first_fault.map_or(Ok(()), Err)
}

fn note_fault(
    context: &Context,
    place: &str,
    done: Result<()>,
    first: &mut Option<Failure>,
) -> Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(fault) if fault.exit == Exit::Interrupted => Err(fault),
        Err(fault) => {
            context.recorder.note("engine-fault", format!("{place}: {fault}"));
            first.get_or_insert(fault);
            Ok(())
        }
    }
}

/// The tests that differ, in what they do or in their time, run again on both sides, so that chance is
/// not taken for a difference.
async fn confirm_all(context: &Context, legs: &mut [Leg]) -> Result<()> {
    let Some(record) = context.recorder.record() else { return Ok(()) };
    let mut ids = confirm::differing(&record, false);
    ids.extend(confirm::slower(&record, context.settings.confirm));
    if ids.is_empty() || context.settings.confirm == 0 {
        return Ok(());
    }
    let mut legs: Vec<&mut Leg> = legs.iter_mut().collect();
    let again = context.settings.confirm;
    let done = rounds::run(context, &mut legs, StepName::Confirm, again, Some(&ids)).await;
    save(context)?;
    done.into_iter().collect()
}

/// The same for the documentation's examples.
async fn confirm_doctests(
    context: &Context,
    legs: &mut [Leg],
    builders: &mut [Result<AgentSession>],
) -> Result<()> {
    let Some(record) = context.recorder.record() else { return Ok(()) };
    let ids = confirm::differing(&record, true);
    if ids.is_empty() || context.settings.confirm == 0 {
        return Ok(());
    }
    for (leg, builder) in legs.iter_mut().zip(builders) {
        if let Ok(session) = builder {
            doctest::confirm(context, leg, session, &ids).await?;
        }
    }
    save(context)
}

/// Puts what is known so far onto the disk, so that a killed run has a readable record.
fn save(context: &Context) -> Result<()> {
    match context.recorder.record() {
        Some(record) => context.folder.write_record(&record),
        None => Ok(()),
    }
}
