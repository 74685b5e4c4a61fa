//! A process of a build, measured: the compiler as cargo starts it, and the build scripts it made.
//!
//! Takes the place of the compiler (`RUSTC_WRAPPER`); starts it, waits, and adds a line of JSON
//! ([`BuildProcess`]) to a log. cargo starts build scripts itself, so one that was just linked is moved
//! aside and a line of shell put in its place, which comes here as well.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Instant,
};

use libcmatrix_schema::{BuildProcess, BuildProcessKind};
use rustix::process::{Pid, WaitId, WaitIdOptions};

use crate::process::wait4;

/// The argument by which the `libcmatrix` executable knows that it stands before a process of a build.
/// After it: [`COMPILER`] or [`BUILD_SCRIPT`], the log; for the compiler, what starts a build script
/// measured; then the program and its arguments.
pub const BUILD_PROCESS_ARGUMENT: &str = "__build_process";
/// See [`BUILD_PROCESS_ARGUMENT`].
pub const COMPILER: &str = "compiler";
/// See [`BUILD_PROCESS_ARGUMENT`].
pub const BUILD_SCRIPT: &str = "build-script";

/// Ending of a build script that was moved aside.
const ASIDE: &str = ".measured";

/// Runs the process; gives its exit code. What keeps it from being measured never keeps it from running.
#[must_use]
pub fn run_build_process() -> i32 {
    let args: Vec<OsString> = env::args_os().skip(2).collect();
    // Only looked at; the program gets its arguments as they are.
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let (program, ran) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [COMPILER, log, script_wrapper, program, ..] => {
            let compilation = Compilation::of(&words[4..]);
            let ended = run(Command::new(&args[3]).args(&args[4..]), |process| {
                if let Some(compilation) = &compilation {
                    note(log, process(BuildProcessKind::Compiler, compilation.crate_name.clone()));
                }
            });
            if let (Ok(status), Some(script)) = (&ended, compilation.and_then(|c| c.build_script))
                && status.success()
            {
                // Left as it is, it runs all the same.
                let _ = put_before(&script, script_wrapper);
            }
            (program, ended)
        }
        [BUILD_SCRIPT, log, program, ..] => {
            // Compilers that it starts itself are part of what it takes.
            let mut command = Command::new(&args[2]);
            command.args(&args[3..]).env_remove("RUSTC_WRAPPER");
            let ended = run(&mut command, |process| {
                note(log, process(BuildProcessKind::BuildScript, String::new()));
            });
            (program, ended)
        }
        _ => return 2,
    };
    match ran {
        Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(error) => {
            eprintln!("{program}: {error}");
            127
        }
    }
}

/// A call of the compiler by cargo; others, such as a build script's own to try it out, are its business.
struct Compilation {
    crate_name: String,
    build_script: Option<PathBuf>,
}

impl Compilation {
    fn of(args: &[String]) -> Option<Self> {
        // cargo reads what the compiler says as JSON.
        args.iter().any(|arg| arg.starts_with("--json")).then_some(())?;
        let after = |name: &str| {
            args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned()
        };
        let crate_name = after("--crate-name")?;
        let suffix = args.iter().find_map(|arg| arg.strip_prefix("extra-filename="));
        let is_script = crate_name.starts_with("build_script_")
            && after("--crate-type").is_some_and(|kind| kind == "bin");
        let build_script = match (after("--out-dir"), is_script) {
            (Some(folder), true) => {
                Some(Path::new(&folder).join(format!("{crate_name}{}", suffix.unwrap_or_default())))
            }
            _ => None,
        };
        Some(Self { crate_name, build_script })
    }
}

/// Makes the process at `path` one that is measured.
fn put_before(path: &Path, wrapper: &str) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(ASIDE);
    fs::rename(path, &aside)?;
    let quoted = Path::new(&aside).display().to_string().replace('\'', "'\\''");
    let text = format!("#!/bin/sh\nexec {wrapper} '{quoted}' \"$@\"\n");
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .or_else(|_| fs::rename(&aside, path))
}

/// Starts a program and waits for it; `done` gets what makes a [`BuildProcess`] of a kind and a target.
fn run(
    command: &mut Command,
    done: impl FnOnce(&dyn Fn(BuildProcessKind, String) -> BuildProcess),
) -> io::Result<ExitStatus> {
    let started = Instant::now();
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    // Not reaped yet, so that its place in /proc still says what its own children took.
    rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let wall_s = started.elapsed().as_secs_f64();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let children_s = stat.ok().and_then(|stat| children_s(&stat)).unwrap_or(0.0);
    let (status, usage) = wait4(pid)?;
    done(&|kind, target| BuildProcess {
        kind,
        package: package(),
        target,
        wall_s,
        user_s: usage.user_s,
        system_s: usage.system_s,
        children_s,
        peak_rss_bytes: usage.peak_rss_bytes,
    });
    Ok(ExitStatus::from_raw(status))
}

/// The package that cargo builds, e.g. `serde 1.0.1`.
fn package() -> String {
    let variable = |name| env::var(name).unwrap_or_default();
    format!("{} {}", variable("CARGO_PKG_NAME"), variable("CARGO_PKG_VERSION"))
}

/// Processor time of a process's children that it waited for (proc_pid_stat(5), `cutime` and `cstime`).
fn children_s(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    #[allow(clippy::cast_precision_loss, reason = "it is 100")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Some((f64::from(ticks(13)?) + f64::from(ticks(14)?)) / per_second)
}

/// Adds a line. Lines of many processes do not mix: each is one write to the file's end.
fn note(log: &str, process: BuildProcess) {
    let Ok(mut line) = serde_json::to_vec(&process) else { return };
    line.push(b'\n');
    let file = fs::File::options().create(true).append(true).open(log);
    let _ = file.and_then(|mut file| file.write_all(&line));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn calls_of_cargo_are_told_from_others() {
        let of = |text: &str| Compilation::of(&args(text)).map(|c| (c.crate_name, c.build_script));
        let library = "--crate-name serde --error-format=json --json=artifacts --crate-type lib";
        assert_eq!(of(library), Some(("serde".into(), None)));
        assert_eq!(of("--crate-name probe0 --crate-type lib --out-dir /t"), None);
        assert_eq!(of("-vV"), None);
        let script = "--crate-name build_script_build --json=x --crate-type bin -C \
                      extra-filename=-1a --out-dir /t/build/serde-1a";
        let path = "/t/build/serde-1a/build_script_build-1a";
        assert_eq!(of(script), Some(("build_script_build".into(), Some(path.into()))));
    }

    #[test]
    fn children_of_a_process() {
        let stat = "7 (a) b) Z 1 7 7 0 -1 4 1 2 0 0 11 12 150 50 20 0 1 0 100";
        assert_eq!(children_s(stat), Some(2.0));
        assert_eq!(children_s("7 (a) Z 1"), None);
    }
}
