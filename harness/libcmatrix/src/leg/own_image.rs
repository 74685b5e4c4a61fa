//! The step `image` of a leg that has a Dockerfile of the user's own: it is built, measured and started.
//!
//! Takes a leg; the engine builds the Dockerfile, with whatever network and cache it gives to builds. What
//! comes out goes to the recorder; the image is removed with the run, what the engine's builder keeps as its
//! cache is not.

use std::{fs::File, path::Path, time::Duration};

use libcmatrix_agent::protocol::Stream;
use libcmatrix_schema::{Event, FinalImage, Flavour, Smoke, StepName};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Context, Leg, scan,
    session::interrupted,
    smoke::{self, Start},
    step::{LastLines, RunningStep},
};
use crate::{
    engine::{LocalImage, image_repository},
    exit::Exit,
    failure::{Failure, Result},
    final_image::{OwnImage, read_own},
    project::build_context,
};

/// Builds and measures the image of a leg's Dockerfile.
///
/// # Errors
/// It does not build, the engine fails, or the user wants to stop.
pub async fn own_image(context: &Context, leg: &Leg, dockerfile: &Path) -> Result<()> {
    let mut step = RunningStep::begin(context, leg, StepName::Image)?;
    let body = body(context, leg, dockerfile, &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &Leg,
    dockerfile: &Path,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let image = build(context, leg, dockerfile, step).await?;
    step.progress(0, None, "measuring");
    let archive = context.folder.scratch_file()?;
    context.engine.save_image(&context.owner, &image.id, archive.path()).await?;
    let vulnerabilities = scan::scan(context, step, &archive).await?;
    let folder = context.folder.path().to_owned();
    let read = tokio::task::spawn_blocking(move || read_own(archive.path(), &folder)).await;
    let OwnImage { start: command, examined } =
        read.map_err(|error| Failure::bug("an image could not be read").because(error))??;
    step.progress(0, None, "starting it");
    let (smoke, as_init) = if let Some(command) = &command {
        let start = Start::of_command(&image.id, command);
        let smoke = smoke::smoke(context, leg, &start).await?;
        step.log(&format!("{:?}: {smoke:?}", start.first));
        let as_init = smoke::as_init(context, leg, &start, &smoke).await?;
        step.log(&format!("{:?} as process 1: {as_init:?}", start.usual));
        (smoke, as_init)
    } else {
        step.log("it has neither ENTRYPOINT nor CMD");
        (Smoke::NotTried, None)
    };
    let image = FinalImage {
        flavour: Flavour::Own,
        base: None,
        dockerfile: Some(shown(context, dockerfile)),
        id: image.id,
        programs: command.iter().map(|command| command.program().to_owned()).collect(),
        starts_children: examined.starts_children,
        engine_bytes: image.size_bytes,
        layers: examined.layers,
        contents: examined.contents,
        needs: examined.needs,
        smoke,
        crates: Vec::new(),
        as_init,
        vulnerabilities,
    };
    context.recorder.event(Event::ImageMade { leg: leg.name.clone(), image });
    Ok(())
}

/// The Dockerfile's path in the project, where it is in it.
fn shown(context: &Context, dockerfile: &Path) -> String {
    let path = dockerfile.strip_prefix(&context.project.root).unwrap_or(dockerfile);
    path.display().to_string()
}

async fn build(
    context: &Context,
    leg: &Leg,
    dockerfile: &Path,
    step: &mut RunningStep<'_>,
) -> Result<LocalImage> {
    let shown = shown(context, dockerfile);
    step.progress(0, None, "packing what the Dockerfile may copy");
    let packed = context.folder.scratch_file()?;
    let name_inside = {
        let (folder, dockerfile) = (context.project.root.clone(), dockerfile.to_owned());
        let to = packed.path().to_owned();
        let pack = move || {
            let to = File::create(&to).map_err(|error| {
                Failure::environment("the folder cannot be packed").because(error)
            })?;
            build_context::pack(&folder, &dockerfile, to)
        };
        let packed = tokio::task::spawn_blocking(pack).await;
        packed.map_err(|error| Failure::bug("a folder could not be packed").because(error))??
    };
    let name = format!("{}:{}", image_repository(&context.owner.run_id), leg.role);
    step.progress(0, None, "building the Dockerfile");
    let (sender, mut said) = mpsc::unbounded_channel::<String>();
    let listen = move |text: String| drop(sender.send(text));
    let engine = &context.engine;
    let build = engine.build_image(&context.owner, packed.path(), &name_inside, &name, &listen);
    let mut build = std::pin::pin!(build);
    let limits = &context.settings.limits;
    let too_long = |what: &str| Err(Failure::environment(shown.clone()).because(what));
    let mut end = std::pin::pin!(sleep(Duration::from_secs_f64(limits.step_time_s)));
    let mut last = LastLines::default();
    let mut take = |text: String, step: &mut RunningStep<'_>| {
        for line in text.lines() {
            step.log(line);
            last.push(Stream::Stderr, line);
        }
    };
    let built = loop {
        tokio::select! {
            biased;
            Some(text) = said.recv() => take(text, step),
            built = &mut build => break built,
            () = context.cancel.cancelled() => break Err(interrupted()),
            () = &mut end => break too_long("it was built for longer than the step's time limit"),
            () = sleep(Duration::from_secs_f64(limits.step_silence_s)) => {
                break too_long("it gave no output for longer than the silence limit");
            }
        }
    };
    while let Ok(text) = said.try_recv() {
        take(text, step);
    }
    built.map_err(|failure| {
        if failure.exit == Exit::Interrupted {
            return failure;
        }
        let hint = hint(&failure.cause, &shown);
        let what = format!("{shown} of {} does not build", leg.name);
        let cause = format!("{}\n{}", last.text(), failure.cause);
        Failure::environment(what).because(cause.trim()).hint(hint)
    })
}

fn hint(cause: &str, dockerfile: &str) -> String {
    if cause.contains("BuildKit") {
        return "the engine's interface builds without BuildKit: leave out what needs it, as `RUN --mount`"
            .into();
    }
    format!(
        "see all of it: docker build -f {dockerfile} . in the project's folder; the step's log has it too"
    )
}
