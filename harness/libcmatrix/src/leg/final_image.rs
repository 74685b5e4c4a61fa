//! The step `image`: the images that the project would be shipped in are made, measured and started.
//!
//! Takes a leg that was built, and its builder; builds the project's programs with optimisations, puts
//! them on the leg's runtime image, and on nothing where they need nothing. What comes out goes to the
//! recorder; the images are removed with the run.

use std::{io, path::Path, time::Duration};

use cargo_metadata::TargetKind;
use libcmatrix_schema::{Event, FinalImage, Flavour, Role, Smoke, StepName, StepStatus};
use tokio::io::{copy, sink};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{
    Context, Leg, build,
    cargo_messages::{BuildMessages, package_name},
    layout,
    session::{AgentSession, interrupted},
    step::RunningStep,
};
use crate::{
    engine::{SandboxSpec, image_repository, load_made_image},
    exit::Exit,
    failure::{Failure, Result},
    final_image::{Assembled, Program, assemble},
};

/// What a program is started with: most know it, do little for it, and end.
const ARGUMENT: &str = "--version";
/// After this long a program that still runs has started.
const PATIENCE: Duration = Duration::from_secs(5);
/// What loaders say of a program that they cannot start (glibc, musl).
const LOADERS: [&str; 4] = [
    "error while loading shared libraries",
    "Error loading shared library",
    "Error relocating",
    "version `GLIBC_",
];
/// What engines say, in small letters, of a program that the kernel refuses.
const REFUSALS: [&str; 4] =
    ["no such file or directory", "exec format error", "not found", "permission denied"];
/// Exit codes of a program that a signal ended which it brought upon itself: SIGILL, SIGTRAP, SIGABRT,
/// SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
const CRASHES: [i64; 7] = [132, 133, 134, 135, 136, 139, 159];

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
    let base = context.folder.scratch_file()?;
    step.progress(0, None, "saving the base");
    context.engine.save_image(&context.owner, &leg.images.runtime.id, base.path()).await?;
    let all_static = make(context, leg, step, &programs, Some(base.path())).await?;
    if all_static {
        make(context, leg, step, &programs, None).await?;
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
        let is_program = artifact.target.kind.contains(&TargetKind::Bin) && !artifact.profile.test;
        if let (true, Some(path)) = (is_program, &artifact.executable) {
            // Named like its package: the one that is meant where nothing else is said.
            let is_main = package_name(&artifact.package_id.repr) == artifact.target.name;
            found.push((!is_main, artifact.target.name.clone(), path.to_string()));
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, name, path)| (name, path)).collect()
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
    programs: &[Program],
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
    let Assembled { id, programs, layers, contents, needs, starts_children, all_static } =
        assembled;
    let image = load_made_image(context.engine.as_ref(), archive.path(), &name).await?;
    step.progress(0, None, "starting it");
    let first = programs.first().cloned().unwrap_or_default();
    let smoke = start(context, leg, &image.id, &first).await?;
    step.log(&format!("{name}: {first} {ARGUMENT}: {smoke:?}"));
    let base = base.map(|_| leg.spec.runtime.clone());
    let engine_bytes = image.size_bytes;
    let image = FinalImage {
        flavour,
        base,
        id,
        programs,
        starts_children,
        engine_bytes,
        layers,
        contents,
        needs,
        smoke,
    };
    context.recorder.event(Event::ImageMade { leg: leg.name.clone(), image });
    Ok(all_static)
}

/// Starts a program of an image, as whoever uses the image would.
async fn start(context: &Context, leg: &Leg, image: &str, program: &str) -> Result<Smoke> {
    let limits = &context.settings.limits;
    let spec = SandboxSpec {
        owner: context.owner.clone(),
        purpose: format!("{} image", leg.name),
        image: image.into(),
        argv: vec![program.into(), ARGUMENT.into()],
        env: Vec::new(),
        working_dir: "/".into(),
        user: None,
        mounts: Vec::new(),
        network: false,
        read_only_root: false,
        memory_bytes: limits.test_memory_bytes,
        pids: limits.pids,
        cpus: limits.cpus,
        file_bytes: limits.file_bytes,
    };
    let mut sandbox = match context.engine.start(&spec).await {
        Ok(sandbox) => sandbox,
        Err(failure) => return did_not_start(failure, program),
    };
    drop(sandbox.take_stdin());
    // It says what it likes; only that it is read counts.
    let output = sandbox.take_stdout();
    let reading = tokio::spawn(async move {
        if let Some(mut output) = output {
            let _ = copy(&mut output, &mut sink()).await;
        }
    });
    let ended = tokio::select! {
        ended = tokio::time::timeout(PATIENCE, sandbox.wait()) => ended,
        () = context.cancel.cancelled() => {
            sandbox.remove().await?;
            return Err(interrupted());
        }
    };
    let smoke = match ended {
        Err(_) => Ok(Smoke::Ran),
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(exit)) => Ok(judge(program, exit.exit_code, &sandbox.stderr_so_far())),
    };
    sandbox.remove().await?;
    reading.abort();
    smoke
}

/// The engine could not start it. That is the program's own fault where the engine says that the kernel
/// refuses this very program, as it does where there is no loader.
fn did_not_start(failure: Failure, program: &str) -> Result<Smoke> {
    let cause = failure.cause.to_ascii_lowercase();
    let is_refused = REFUSALS.iter().any(|text| cause.contains(text));
    let named = format!("{}: {}", failure.what, failure.cause).contains(program);
    if failure.exit == Exit::Environment && is_refused && named {
        return Ok(Smoke::DidNotStart { said: failure.cause });
    }
    Err(failure)
}

/// Container runtimes become the program; where the kernel refuses that, they say so in its place
/// (runc: ``exec /bin/x: no such file or directory``; crun: ``exec container process``).
fn is_said_by_a_runtime(line: &str, program: &str) -> bool {
    line.starts_with(&format!("exec {program}: "))
        || line.contains("exec container process")
        || line.contains("exec user process caused")
}

fn judge(program: &str, exit_code: i64, stderr: &str) -> Smoke {
    let tells = |line: &&str| {
        LOADERS.iter().any(|text| line.contains(text)) || is_said_by_a_runtime(line, program)
    };
    if let (Some(line), true) = (stderr.lines().find(tells), exit_code != 0) {
        return Smoke::DidNotStart { said: line.to_owned() };
    }
    if CRASHES.contains(&exit_code) {
        let mut said = format!("signal {}", exit_code - 128);
        if let Some(last) = stderr.lines().rfind(|line| !line.trim().is_empty()) {
            said = format!("{said}: {last}");
        }
        return Smoke::DidNotStart { said };
    }
    Smoke::Ended { exit_code }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "/usr/local/bin/x";

    #[test]
    fn what_a_start_means() {
        let is = |code, stderr: &str| judge(PROGRAM, code, stderr);
        let not = |said: &str| Smoke::DidNotStart { said: said.into() };
        assert_eq!(is(0, ""), Smoke::Ended { exit_code: 0 });
        // Many programs do not know the argument.
        assert_eq!(is(2, "unexpected argument"), Smoke::Ended { exit_code: 2 });
        assert_eq!(is(127, "its own code"), Smoke::Ended { exit_code: 127 });
        let musl = "Error loading shared library libz.so.1: No such file or directory";
        assert_eq!(is(127, musl), not(musl));
        assert_eq!(is(0, musl), Smoke::Ended { exit_code: 0 }, "it only says so");
        assert_eq!(is(139, ""), not("signal 11"));
        let runc = "exec /usr/local/bin/x: no such file or directory";
        assert_eq!(is(255, runc), not(runc));
        let other = "exec /usr/local/bin/other: no such file or directory";
        assert_eq!(is(1, other), Smoke::Ended { exit_code: 1 }, "its own child");
        let crun =
            "{\"msg\":\"exec container process (missing dynamic library?) `/usr/local/bin/x`\"}";
        assert_eq!(is(127, crun), not(crun));
    }

    #[test]
    fn only_a_fault_of_the_program_is_its_own() {
        let fault = |cause: &str| did_not_start(Failure::environment("x").because(cause), PROGRAM);
        let own =
            fault("exec: \"/usr/local/bin/x\": stat /usr/local/bin/x: no such file or directory");
        assert!(matches!(own, Ok(Smoke::DidNotStart { .. })));
        assert!(fault("/var/run/docker.sock: no such file or directory").is_err());
        assert!(fault("content digest sha256:1: not found").is_err());
    }
}
