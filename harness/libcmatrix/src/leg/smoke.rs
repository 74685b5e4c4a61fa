//! What a program does in the image that it would be shipped in: whether it starts, and how it does as the
//! first process of a container.
//!
//! Takes an image that the engine has and a program in it; gives what was seen. Nothing of it is a test
//! of the project; it is what a user of the image sees first, and last.

use std::time::Duration;

use libcmatrix_sandbox::unreaped::Unreaped;
use libcmatrix_schema::{AsInit, Smoke};
use tokio::{
    io::{copy, sink},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Context, Leg, session::interrupted};
use crate::{
    engine::{Sandbox, SandboxExit, SandboxSpec},
    exit::Exit,
    failure::{Failure, Result},
    final_image::StartCommand,
};

/// What a program is started with: most know it, do little for it, and end.
pub(super) const ARGUMENT: &str = "--version";
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

/// A program that runs so long without arguments is one that runs until it is stopped.
const SETTLED: Duration = Duration::from_secs(2);
/// A child that is still there after this long is not going to be waited for soon.
const REAPED_BY_THEN: Duration = Duration::from_millis(500);
/// An engine needs it to tell of an end that has been.
const A_MOMENT: Duration = Duration::from_millis(200);
/// How long a program has between SIGTERM and SIGKILL, as by `docker stop`.
const STOPPED_BY_THEN: Duration = Duration::from_secs(10);
/// Names of children told of.
const CHILDREN: usize = 8;

/// What is started.
#[derive(Debug)]
pub(super) struct Start {
    /// The image, as the engine names it.
    pub(super) image: String,
    /// The program that is looked at.
    pub(super) program: String,
    /// The command that shows whether it starts.
    pub(super) first: Vec<String>,
    /// The command that users of the image start.
    pub(super) usual: Vec<String>,
    /// The folder it is started in.
    pub(super) working_dir: String,
    /// Whether the engine starts the program itself, no init or shell between them.
    is_alone: bool,
}

impl Start {
    /// A program that is an image's whole command.
    pub(super) fn of_program(image: &str, program: &str) -> Self {
        Self {
            image: image.into(),
            program: program.into(),
            first: vec![program.into(), ARGUMENT.into()],
            usual: vec![program.into()],
            working_dir: "/".into(),
            is_alone: true,
        }
    }

    /// The command of an image that somebody else has made.
    pub(super) fn of_command(image: &str, command: &StartCommand) -> Self {
        let mut first = command.argv.clone();
        if command.takes_arguments {
            first.truncate(command.program + 1);
            first.push(ARGUMENT.into());
        }
        Self {
            image: image.into(),
            program: command.program().into(),
            first,
            usual: command.argv.clone(),
            working_dir: command.working_dir.clone(),
            is_alone: command.takes_arguments && command.program == 0,
        }
    }
}

/// Starts a program of an image, with [`ARGUMENT`] if it takes any, and looks whether it starts.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub(super) async fn smoke(context: &Context, leg: &Leg, start: &Start) -> Result<Smoke> {
    let program = start.program.as_str();
    let mut started = match Started::start(context, leg, start, start.first.clone()).await {
        Ok(started) => started,
        Err(failure) => return did_not_start(failure, program),
    };
    let smoke = match started.end_within(context, PATIENCE).await {
        Ok(None) => Ok(Smoke::Ran),
        Ok(Some(exit)) => Ok(judge(start, exit.exit_code, &started.sandbox.stderr_so_far())),
        Err(failure) => Err(failure),
    };
    started.remove().await?;
    smoke
}

/// Starts a program of an image as its users do; if it goes on running, looks whether it waits for its
/// children and ends on SIGTERM. `None` where it does not go on.
///
/// # Errors
/// The engine fails, or the user wants to stop.
pub(super) async fn as_init(
    context: &Context,
    leg: &Leg,
    start: &Start,
    smoke: &Smoke,
) -> Result<Option<AsInit>> {
    if matches!(smoke, Smoke::DidNotStart { .. }) {
        return Ok(None);
    }
    let mut started = Started::start(context, leg, start, start.usual.clone()).await?;
    let seen = started.init_duties(context).await;
    started.remove().await?;
    seen
}

/// A program at work in an image.
struct Started {
    sandbox: Box<dyn Sandbox>,
    reading: JoinHandle<()>,
}

impl Started {
    /// Starts it as whoever uses the image would, but without network.
    async fn start(context: &Context, leg: &Leg, start: &Start, argv: Vec<String>) -> Result<Self> {
        let limits = &context.settings.limits;
        let spec = SandboxSpec {
            owner: context.owner.clone(),
            purpose: format!("{} image", leg.name),
            image: start.image.clone(),
            argv,
            env: Vec::new(),
            working_dir: start.working_dir.clone(),
            user: None,
            mounts: Vec::new(),
            network: false,
            read_only_root: false,
            memory_bytes: limits.test_memory_bytes,
            pids: limits.pids,
            cpus: limits.cpus,
            file_bytes: limits.file_bytes,
        };
        let mut sandbox = context.engine.start(&spec).await?;
        drop(sandbox.take_stdin());
        // It says what it likes; only that it is read counts.
        let output = sandbox.take_stdout();
        let reading = tokio::spawn(async move {
            if let Some(mut output) = output {
                let _ = copy(&mut output, &mut sink()).await;
            }
        });
        Ok(Self { sandbox, reading })
    }

    /// Its end, if it ends in time.
    async fn end_within(
        &mut self,
        context: &Context,
        time: Duration,
    ) -> Result<Option<SandboxExit>> {
        tokio::select! {
            ended = timeout(time, self.sandbox.wait()) => ended.ok().transpose(),
            () = context.cancel.cancelled() => Err(interrupted()),
        }
    }

    async fn init_duties(&mut self, context: &Context) -> Result<Option<AsInit>> {
        if self.end_within(context, SETTLED).await?.is_some() {
            return Ok(None);
        }
        // One that has just ended may be waited for yet.
        let mut unreaped = self.sandbox.unreaped().await?;
        if let Some(before) = unreaped.as_ref().filter(|children| !children.is_empty()) {
            sleep(REAPED_BY_THEN).await;
            let now = self.sandbox.unreaped().await?;
            let is_still_there = |child: &Unreaped| before.contains(child);
            unreaped = now.map(|now| now.into_iter().filter(is_still_there).collect());
        }
        if self.end_within(context, A_MOMENT).await?.is_some() {
            return Ok(None);
        }
        self.sandbox.terminate().await?;
        let stops = self.end_within(context, STOPPED_BY_THEN).await?.is_some();
        let names = |children: Vec<Unreaped>| {
            children.into_iter().map(|child| child.name).take(CHILDREN).collect()
        };
        Ok(Some(AsInit { stops, unreaped: unreaped.map(names) }))
    }

    async fn remove(mut self) -> Result<()> {
        self.sandbox.remove().await?;
        self.reading.abort();
        Ok(())
    }
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

/// Inits and shells that stand before a program say what the kernel refused, and end with 126 or 127
/// (POSIX, "Exit Status for Commands"): `[FATAL tini (7)] exec /app failed: No such file or directory`,
/// `/bin/sh: app: not found`.
fn is_said_by_what_starts_it(line: &str, exit_code: i64) -> bool {
    let line = line.to_ascii_lowercase();
    matches!(exit_code, 126 | 127)
        && REFUSALS.iter().any(|text| line.contains(text))
        && (line.contains("exec") || line.contains(": "))
}

fn judge(start: &Start, exit_code: i64, stderr: &str) -> Smoke {
    let program = start.program.as_str();
    // A program that is started by itself says in its own words why it ends so.
    let is_behind = !start.is_alone;
    let tells = |line: &&str| {
        LOADERS.iter().any(|text| line.contains(text))
            || is_said_by_a_runtime(line, program)
            || (is_behind && is_said_by_what_starts_it(line, exit_code))
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
        let alone = Start::of_program("image", PROGRAM);
        let is = |code, stderr: &str| judge(&alone, code, stderr);
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
    fn what_stands_before_a_program_says_that_it_does_not_start() {
        let behind = Start { is_alone: false, ..Start::of_program("image", PROGRAM) };
        for said in [
            "[FATAL tini (7)] exec /usr/local/bin/x failed: No such file or directory",
            "/bin/sh: x: not found",
            "sh: 1: x: not found",
            "/start.sh: line 3: /usr/local/bin/x: Permission denied",
        ] {
            assert_eq!(judge(&behind, 127, said), Smoke::DidNotStart { said: said.into() });
            let own = judge(&behind, 1, said);
            assert_eq!(own, Smoke::Ended { exit_code: 1 }, "{said}: by another code");
        }
        assert_eq!(judge(&behind, 127, "goodbye"), Smoke::Ended { exit_code: 127 });
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
