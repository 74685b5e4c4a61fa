//! The step `image`: the images that the project would be shipped in are made, measured and started.
//!
//! Takes a leg that was built, and its builder; builds the project's programs with optimisations, puts
//! them on the leg's runtime image, and on nothing where they need nothing. What comes out goes to the
//! recorder; the images are removed with the run.

use std::{io, path::Path};

use cargo_metadata::{Artifact, TargetKind};
use libcmatrix_schema::{CompiledCrate, Event, FinalImage, Flavour, Role, StepName, StepStatus};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{
    Context, Leg, build,
    cargo_messages::{BuildMessages, package_name},
    compiled_crates::compiled_crates,
    layout, scan,
    session::AgentSession,
    smoke::{self, Start},
    step::RunningStep,
};
use crate::{
    engine::{image_repository, load_made_image},
    failure::{Failure, Result},
    final_image::{Assembled, Examined, Program, assemble},
};

/// Makes the images of a leg.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub async fn final_images(context: &Context, leg: &Leg, session: &mut AgentSession) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::Image)?;
    let body = body(context, leg, session, &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let messages = build::run_cargo(context, leg, session, step, command(context, leg)).await?;
    if step.step().status != StepStatus::Passed {
        return Ok(());
    }
    let built = programs(&messages);
    if built.is_empty() {
        step.step().status = StepStatus::Skipped;
        step.step().detail = Some("the project has no programs to ship".into());
        if leg.role == Role::Baseline {
            context.recorder.note(
                "no-programs",
                "no images are made: what was chosen of the project has no programs to ship",
            );
        }
        return Ok(());
    }
    let mut files = Vec::new();
    let mut programs = Vec::new();
    for (name, path) in built {
        let file = context.folder.scratch_file()?;
        read_file(context, leg, &path, file.path()).await?;
        programs.push(Program { name, file: file.path().to_owned() });
        files.push(file);
    }
    let crates = leg.metadata.as_deref().map_or_else(Vec::new, |metadata| {
        let programs = messages.artifacts.iter().filter(|artifact| is_program(artifact));
        let packages = programs.map(|artifact| &artifact.package_id);
        compiled_crates(metadata, packages.collect(), leg.target_triple())
    });
    let base = context.folder.scratch_file()?;
    step.progress(0, None, "saving the base");
    context.engine.save_image(&context.owner, &leg.images.runtime.id, base.path()).await?;
    let all_static = make(context, leg, step, (&programs, &crates), Some(base.path())).await?;
    if all_static {
        make(context, leg, step, (&programs, &crates), None).await?;
    }
    Ok(())
}

/// What builds the programs as they would be shipped: optimised, unless a profile was chosen.
fn command(context: &Context, leg: &Leg) -> Vec<String> {
    let mut argv: Vec<String> =
        ["cargo", "build", "--bins", "--message-format", "json"].map(str::to_owned).into();
    if context.selection.profile.is_none() {
        argv.push("--release".into());
    }
    argv.extend(context.selection.package_args());
    argv.extend(context.selection.feature_args());
    argv.extend(build::common_args(context, leg));
    argv
}

/// Name and path of each program, the one that cargo would run first.
fn programs(messages: &BuildMessages) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for artifact in &messages.artifacts {
        if let (true, Some(path)) = (is_program(artifact), &artifact.executable) {
            // Named like its package: the one that is meant where nothing else is said.
            let is_main = package_name(&artifact.package_id.repr) == artifact.target.name;
            found.push((!is_main, artifact.target.name.clone(), path.to_string()));
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, name, path)| (name, path)).collect()
}

fn is_program(artifact: &Artifact) -> bool {
    artifact.target.kind.contains(&TargetKind::Bin) && !artifact.profile.test
}

/// Copies a file of the build out of its volume.
async fn read_file(context: &Context, leg: &Leg, path: &str, to: &Path) -> Result<()> {
    let what = || format!("{path} cannot be read out of the build");
    let inside = path.strip_prefix(layout::TARGET).unwrap_or(path).trim_start_matches('/');
    let image = &leg.images.builder.id;
    let tar = context.engine.read_volume(&context.owner, &leg.target, image, inside).await?;
    let tar = tar.ok_or_else(|| Failure::bug(what()).because("it is not there"))?;
    let tar = SyncIoBridge::new(StreamReader::new(tar));
    let to = to.to_owned();
    let copy = move || -> io::Result<()> {
        let mut archive = tar::Archive::new(tar);
        let entry = archive.entries()?.next().ok_or(io::ErrorKind::UnexpectedEof)?;
        io::copy(&mut entry?, &mut std::fs::File::create(to)?).map(drop)
    };
    match tokio::task::spawn_blocking(copy).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::environment(what()).because(error)),
        Err(error) => Err(Failure::bug(what()).because(error)),
    }
}

/// Makes one image, measures it, starts it; gives whether all its programs are static.
async fn make(
    context: &Context,
    leg: &Leg,
    step: &mut RunningStep<'_>,
    (programs, crates): (&[Program], &[CompiledCrate]),
    base: Option<&Path>,
) -> Result<bool> {
    let flavour = if base.is_some() { Flavour::Runtime } else { Flavour::Empty };
    let suffix = if base.is_some() { "" } else { "-empty" };
    let repository = image_repository(&context.owner.run_id);
    let name = format!("{repository}:{}{suffix}", leg.role);
    step.progress(0, None, "making and measuring");
    let archive = context.folder.scratch_file()?;
    let assembled = {
        let (base, programs, name) = (base.map(Path::to_owned), programs.to_vec(), name.clone());
        let labels: Vec<_> = context.engine.image_labels(&context.owner).into_iter().collect();
        let (archive, folder) = (archive.path().to_owned(), context.folder.path().to_owned());
        let made = tokio::task::spawn_blocking(move || {
            assemble(base.as_deref(), &programs, &name, &labels, &archive, &folder)
        });
        made.await.map_err(|error| Failure::bug("an image could not be made").because(error))??
    };
    let Assembled { id, programs, examined } = assembled;
    let Examined { layers, contents, needs, starts_children, all_static } = examined;
    let image = load_made_image(context.engine.as_ref(), archive.path(), &name).await?;
    step.progress(0, None, "starting it");
    let first = programs.first().cloned().unwrap_or_default();
    let start = Start::of_program(&image.id, &first);
    let smoke = smoke::smoke(context, leg, &start).await?;
    step.log(&format!("{name}: {:?}: {smoke:?}", start.first));
    let as_init = smoke::as_init(context, leg, &start, &smoke).await?;
    step.log(&format!("{name}: {first} as process 1: {as_init:?}"));
    let vulnerabilities = scan::scan(context, step, &archive).await?;
    let base = base.map(|_| leg.spec.runtime.clone());
    let engine_bytes = image.size_bytes;
    let image = FinalImage {
        flavour,
        base,
        dockerfile: None,
        id,
        programs,
        starts_children,
        engine_bytes,
        layers,
        contents,
        needs,
        smoke,
        crates: crates.to_vec(),
        as_init,
        vulnerabilities,
    };
    context.recorder.event(Event::ImageMade { leg: leg.name.clone(), image });
    Ok(all_static)
}
