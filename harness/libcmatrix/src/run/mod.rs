//! One run: both legs through their steps, then comparison and verdict.
//!
//! Takes a [`Plan`] and an engine; gives [`Finished`], after everything that the engine made for the
//! run is gone again, however the run ended. The legs take turns step by step, never at the same
//! time, so that neither disturbs the other's times.

mod benches;
mod confirm;
mod execute;
mod host;
mod measure;
mod notes;
mod prove;
mod rounds;

use std::{io::Write, panic::AssertUnwindSafe, path::PathBuf, sync::Arc};

use futures_util::FutureExt;
use libcmatrix_schema::{Event, RunRecord, Settings, StepName, Tool, VerdictOutcome};
use tokio_util::sync::CancellationToken;

use crate::{
    compare, diagnose,
    engine::{Engine, Owner, PullProgress},
    environment::EnvironmentSpec,
    exit::Exit,
    failure::{Failure, Result},
    image,
    progress::Progress,
    project::{CargoSelection, Inspected},
    record::{Recorder, RunFolder},
    report::formats,
    verdict::{self, Accept, Policy},
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
    /// Known differences.
    pub accept: Vec<Accept>,
    /// Folder that holds the folders of runs.
    pub out: PathBuf,
    /// Where events go, besides the run's folder, as they happen.
    pub events: Option<Box<dyn Write + Send>>,
}

/// A run that has come to an end.
pub struct Finished {
    /// All of it.
    pub record: RunRecord,
    /// Where its files are.
    pub folder: RunFolder,
    /// The reports among them, by their names.
    pub reports: Vec<String>,
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
    mut plan: Plan,
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
    let recorder = Recorder::new(folder.events()?, progress).with_copy(plan.events.take());
    let recorder = Arc::new(recorder);
    recorder.event(Event::RunStarted {
        schema_version: libcmatrix_schema::SCHEMA_VERSION,
        tool: Tool { name: "libcmatrix".into(), version: env!("CARGO_PKG_VERSION").into() },
        run_id: owner.run_id.clone(),
        host: host::describe(),
        project: plan.project.project.clone(),
        settings: plan.settings.clone(),
    });
    let (policy, accept) = (plan.policy.clone(), plan.accept.clone());
    let run_id = owner.run_id.clone();
    let work = execute::execute(engine.clone(), owner, plan, images, &recorder, &folder, cancel);
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
    record.findings = diagnose::findings(&record, &comparison);
    record.verdict = Some(verdict::decide(&record, &comparison, &policy, &accept));
    record.comparison = Some(comparison);
    folder.write_record(&record)?;
    let mut reports = Vec::new();
    let written = formats::files(&record).and_then(|files| {
        files.into_iter().try_for_each(|(name, text)| {
            folder.write(&name, text.as_bytes())?;
            reports.push(name);
            Ok(())
        })
    });
    // The verdict stands, and is shown, though a report cannot be written.
    if let Err(e) = written.and_then(|()| recorder.check()) {
        failure.get_or_insert(e);
    }
    Ok(Finished { record, folder, reports, failure })
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
