//! One run: both legs through their steps, then comparison and verdict.
//!
//! Takes a [`Plan`] and an engine; gives [`Finished`], after everything that the engine made for the
//! run is gone again, however the run ended. The legs take turns step by step, never at the same
//! time, so that neither disturbs the other's times.

mod confirm;
mod host;

use std::{panic::AssertUnwindSafe, path::PathBuf, sync::Arc};

use futures_util::FutureExt;
use libcmatrix_schema::{Event, Role, RunRecord, Settings, StepName, Tool, VerdictOutcome};
use tokio_util::sync::CancellationToken;

use crate::{
    compare,
    engine::{Engine, Owner, PullProgress},
    environment::{EnvironmentSpec, toolchain},
    exit::Exit,
    failure::{Failure, Result},
    image::{self, ResolvedImages},
    leg::{
        Context, Leg, archive::SourceTree, build, doctest, fetch, inject, prepare,
        session::AgentSession, test, test_environment,
    },
    progress::Progress,
    project::{CargoSelection, Inspected},
    record::{Recorder, RunFolder},
    verdict::{self, Policy},
};

/// What is to be done.
pub struct Plan {
    /// The baseline's name and definition.
    pub baseline: (String, EnvironmentSpec),
    /// The candidate's.
    pub candidate: (String, EnvironmentSpec),
    /// The project.
    pub project: Inspected,
    /// What of it is tested.
    pub selection: CargoSelection,
    /// Limits and numbers.
    pub settings: Settings,
    /// Limits of the verdict.
    pub policy: Policy,
    /// Folder that holds the folders of runs.
    pub out: PathBuf,
}

/// A run that has come to an end.
pub struct Finished {
    /// All of it.
    pub record: RunRecord,
    /// Where its files are.
    pub folder: RunFolder,
    /// What kept it from going on, if anything did.
    pub failure: Option<Failure>,
}

impl Finished {
    /// The exit code: the verdict's, unless something kept the run from coming to one. What was
    /// seen to break stays broken though the engine failed afterwards.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let verdict = self.record.verdict.as_ref().map(|v| v.outcome);
        match (&self.failure, verdict) {
            (Some(failure), Some(VerdictOutcome::NoGo)) if failure.exit == Exit::Environment => {
                Exit::NoGo
            }
            (Some(failure), _) => failure.exit,
            (None, Some(outcome)) => outcome.into(),
            (None, None) => Exit::Bug,
        }
    }
}

/// Runs.
///
/// # Errors
/// What is needed to begin is missing: images, or a place to write.
pub async fn run(
    engine: Arc<dyn Engine>,
    owner: Owner,
    plan: Plan,
    progress: Progress,
    cancel: CancellationToken,
) -> Result<Finished> {
    let progress = std::sync::Mutex::new(progress);
    let mut images = Vec::new();
    for (_, spec) in [&plan.baseline, &plan.candidate] {
        let show = |reference: &str, p: PullProgress| show_pull(&progress, reference, &p);
        let resolved = tokio::select! {
            resolved = image::resolve(engine.as_ref(), spec, &show) => resolved?,
            () = cancel.cancelled() => return Err(crate::leg::session::interrupted()),
        };
        images.push(resolved);
    }
    let progress = progress.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = RunFolder::create(&plan.out, &owner.run_id)?;
    let recorder = Arc::new(Recorder::new(folder.events()?, progress));
    recorder.event(Event::RunStarted {
        schema_version: libcmatrix_schema::SCHEMA_VERSION,
        tool: Tool { name: "libcmatrix".into(), version: env!("CARGO_PKG_VERSION").into() },
        run_id: owner.run_id.clone(),
        host: host::describe(),
        project: plan.project.project.clone(),
        settings: plan.settings.clone(),
    });
    let policy = plan.policy.clone();
    let run_id = owner.run_id.clone();
    let work = execute(engine.clone(), owner, plan, images, &recorder, &folder, cancel);
    let worked = AssertUnwindSafe(work).catch_unwind().await;
    let removed = engine.remove_run(&run_id).await;
    let mut failure = match worked {
        Ok(worked) => worked.err(),
        Err(_) => Some(Failure::bug("libcmatrix panicked").hint(
            "please report it with the message above; the record holds what was seen until then",
        )),
    };
    if let Err(e) = removed {
        failure.get_or_insert(e.hint("`libcmatrix clean` removes what is left"));
    }
    let interrupted = failure.as_ref().is_some_and(|f| f.exit == Exit::Interrupted);
    recorder.event(Event::RunFinished { interrupted });
    recorder.finish_progress();
    let mut record = recorder.record().ok_or_else(|| Failure::bug("the run has no record"))?;
    let comparison = compare::compare(&record);
    record.verdict = Some(verdict::decide(&record, &comparison, &policy));
    record.comparison = Some(comparison);
    folder.write_record(&record)?;
    recorder.check()?;
    Ok(Finished { record, folder, failure })
}

fn show_pull(progress: &std::sync::Mutex<Progress>, reference: &str, pull: &PullProgress) {
    if let Ok(mut progress) = progress.lock() {
        progress.event(&Event::StepProgress {
            leg: reference.into(),
            step: StepName::Prepare,
            done: pull.received_bytes,
            total: Some(pull.total_bytes).filter(|t| *t > 0),
            doing: "pulling".into(),
        });
    }
}

/// Everything between the first and the last event.
async fn execute(
    engine: Arc<dyn Engine>,
    owner: Owner,
    plan: Plan,
    images: Vec<ResolvedImages>,
    recorder: &Arc<Recorder>,
    folder: &RunFolder,
    cancel: CancellationToken,
) -> Result<()> {
    let tree = SourceTree::plan(&plan.project)?;
    let mut legs = Vec::new();
    let sides = [(Role::Baseline, plan.baseline), (Role::Candidate, plan.candidate)];
    for ((role, (name, spec)), images) in sides.into_iter().zip(images) {
        let leg = new_leg(engine.as_ref(), &owner, role, name, spec, images).await?;
        recorder.event(Event::LegDescribed {
            leg: leg.name.clone(),
            role,
            environment: leg.environment(engine.name()),
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
    test_all(&context, &mut legs, &mut builders).await
}

async fn new_leg(
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
        images,
        toolchain: None,
        sysroot: String::new(),
        cargo: String::new(),
        source_digest: None,
        metadata: None,
        build_failed: false,
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
    note_foreign_userland(context, legs);
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
    note_untested_members(context, legs);
    for session in sessions {
        session.close().await?;
    }
    Ok(complete)
}

/// Says so where a workspace has members that `cargo test` leaves out when it is started as it is here.
fn note_untested_members(context: &Context, legs: &[Leg]) {
    let selection = &context.selection;
    if selection.workspace || !selection.packages.is_empty() {
        return;
    }
    let Some(metadata) = legs.first().and_then(|l| l.metadata.as_deref()) else { return };
    let tested = test_environment::selected_by_folder(metadata, context);
    let left_out: Vec<&str> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|p| tested.iter().all(|t| t.id != p.id))
        .map(|p| p.name.as_str())
        .collect();
    if !left_out.is_empty() {
        context.recorder.note(
            "members-not-tested",
            format!(
                "as `cargo test` does in this folder, {} of the workspace's members were left out \
                 ({}): --workspace tests them all",
                left_out.len(),
                left_out.join(", ")
            ),
        );
    }
}

/// Says so where tests do not run in the distribution that their leg is named for.
fn note_foreign_userland(context: &Context, legs: &[Leg]) {
    if context.settings.test_image != "builder" {
        return;
    }
    for leg in legs {
        if leg.toolchain.as_ref().is_some_and(|t| t.host != t.target) {
            context.recorder.note(
                "tests-in-builder",
                format!(
                    "{}: the tests run in the builder image {}, which is another distribution: they \
                     show the C library, not the userland",
                    leg.name, leg.spec.builder
                ),
            );
        }
    }
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
) -> Result<()> {
    let mut first_fault = None;
    for (leg, builder) in legs.iter_mut().zip(&*builders) {
        if let Err(fault) = builder {
            note_fault(context, leg, Err(fault.clone()), &mut first_fault)?;
        } else {
            let tested = test_leg(context, leg).await;
            note_fault(context, leg, tested, &mut first_fault)?;
            save(context)?;
        }
    }
    if first_fault.is_none() {
        confirm_all(context, legs).await?;
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
                note_fault(context, leg, tested, &mut first_fault)?;
            }
        }
        if first_fault.is_none() {
            confirm_doctests(context, legs, builders).await?;
        }
    }
    first_fault.map_or(Ok(()), Err)
}

async fn test_leg(context: &Context, leg: &mut Leg) -> Result<()> {
    test::list(context, leg).await?;
    test::test(context, leg).await
}

fn note_fault(
    context: &Context,
    leg: &Leg,
    done: Result<()>,
    first: &mut Option<Failure>,
) -> Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(fault) if fault.exit == Exit::Interrupted => Err(fault),
        Err(fault) => {
            context.recorder.note("engine-fault", format!("{}: {fault}", leg.name));
            first.get_or_insert(fault);
            Ok(())
        }
    }
}

/// The tests that differ run again on both sides, so that chance is not taken for a difference.
async fn confirm_all(context: &Context, legs: &mut [Leg]) -> Result<()> {
    let Some(record) = context.recorder.record() else { return Ok(()) };
    let ids = confirm::differing(&record, false);
    if ids.is_empty() || context.settings.confirm == 0 {
        return Ok(());
    }
    for leg in legs {
        test::confirm(context, leg, &ids).await?;
    }
    save(context)
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
