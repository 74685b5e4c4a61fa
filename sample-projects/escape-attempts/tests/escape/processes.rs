//! Processes outside, of which the trial has started one as a bait, and what they know.

use std::{env, fs, os::unix::fs::PermissionsExt, process::Command};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait,
    files::{must_be_writable, Folder},
    kernel::{
        call,
        Arg::{Number, Words},
        NOTHING,
    },
};
use libc::{EACCES, ENOENT, EPERM, EROFS, ESRCH};

const REACH: Attempt = Attempt::refused_by(&[EPERM, ESRCH]);

#[test]
fn sees_an_outside_process() {
    Attempt::refused_by(&[]).judge(|| {
        let lines = bait::processes()
            .into_iter()
            .filter_map(|p| fs::read(format!("/proc/{p}/cmdline")).ok());
        match lines.filter(|line| bait::contains(line, bait::ARGUMENT)).count() {
            0 => Err(refused("no process is the bait")),
            _ => Ok(()),
        }
    });
}

#[test]
fn signals_an_outside_process() {
    REACH.judge(|| call(libc::SYS_kill, [Number(bait::process()), NOTHING]).map(drop));
}

#[test]
fn traces_an_outside_process() {
    REACH.judge(|| {
        // Does not stop it, and ends with the attempt.
        let request = Number(libc::PTRACE_SEIZE.into());
        call(libc::SYS_ptrace, [request, Number(bait::process()), NOTHING, NOTHING]).map(drop)
    });
}

#[test]
fn reads_the_memory_of_an_outside_process() {
    REACH.judge(|| {
        let process = bait::process();
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        let start = maps.split('-').next().and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let mut room = [0_u64; 2];
        let here = [room.as_mut_ptr() as u64, size_of_val(&room) as u64];
        // Where nothing is seen of it, no address is right, and none is needed to be refused.
        let there = [start.unwrap_or(0x40_0000), size_of_val(&room) as u64];
        let one = || Number(1);
        call(
            libc::SYS_process_vm_readv,
            [Number(process), Words(&here), one(), Words(&there), one(), NOTHING],
        )
        .map(drop)
    });
}

#[test]
fn takes_a_descriptor_of_an_outside_process() {
    REACH.judge(|| {
        let process = call(libc::SYS_pidfd_open, [Number(bait::process()), NOTHING])?;
        call(libc::SYS_pidfd_getfd, [Number(process), NOTHING, NOTHING]).map(drop)
    });
}

#[test]
fn reads_the_environment_of_outside_processes() {
    Attempt::refused_by(&[]).judge(|| {
        let bait = format!("{}=", bait::VARIABLE);
        for process in bait::processes() {
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            if bait::contains(&environment, &bait) {
                return Ok(());
            }
        }
        Err(refused("the bait is in no environment"))
    });
}

#[test]
fn inherits_the_environment_of_the_command() {
    Attempt::refused_by(&[]).judge(|| match env::var(bait::VARIABLE) {
        Ok(_) => Ok(()),
        Err(_) => Err(refused(format!("{} is not set", bait::VARIABLE))),
    });
}

#[test]
fn reads_files_through_the_root_of_outside_processes() {
    Attempt::refused_by(&[]).judge(|| {
        let bait = bait::file();
        for process in bait::processes() {
            if fs::read(format!("/proc/{process}/root/{}", bait.display())).is_ok() {
                return Ok(());
            }
        }
        Err(refused("no process has a root with the bait"))
    });
}

/// Rust marks whatever it opens to be closed on exec, so what is not marked was there before. The
/// trial leaves one open on purpose.
#[test]
fn inherits_an_open_file() {
    Attempt::refused_by(&[]).judge(|| {
        let is_inherited = |descriptor: i64| {
            let flags = call(libc::SYS_fcntl, [Number(descriptor), Number(libc::F_GETFD.into())]);
            flags.is_ok_and(|flags| flags & i64::from(libc::FD_CLOEXEC) == 0)
        };
        match (3..4096).find(|descriptor| is_inherited(*descriptor)) {
            Some(_) => Ok(()),
            None => Err(refused("nothing above 2 is open")),
        }
    });
}

/// The shape of CVE-2019-5736: a script whose interpreter is whatever executes it, which then writes
/// to the executables of the processes that it came from, up to the one that runs the sandbox.
#[test]
fn writes_to_what_runs_it_from_a_script_of_proc_self_exe() {
    const NAME: &str = "processes::writes_to_what_runs_it_from_a_script_of_proc_self_exe";
    const IN_THE_SCRIPT: &str = "ESCAPE_IN_THE_SCRIPT";
    if env::var_os(IN_THE_SCRIPT).is_some() {
        return Attempt::refused_by(&[EACCES, EPERM, EROFS, ENOENT])
            .judge(write_to_the_executables_of_ancestors);
    }
    let folder = Folder::new();
    let script = folder.file("script", b"#!/proc/self/exe\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    // A fork of this program executes it, so it is this program once more; the script's path comes
    // to it as one more name, which no test has.
    let mut again = Command::new(&script);
    let status = again.args(["--exact", NAME, "--nocapture"]).env(IN_THE_SCRIPT, "1").status();
    let status = status.expect("the script is executed");
    assert!(status.success(), "the script: {status}");
}

/// The executables of this very project are its own to write to.
fn write_to_the_executables_of_ancestors() -> Outcome {
    let own = fs::read_link("/proc/self/exe").expect("one's own executable");
    let mut last = refused("there is no other executable");
    let mut process = "self".to_owned();
    while let Some(parent) = parent_of(&process).filter(|parent| parent != "0") {
        process = parent;
        let path = format!("/proc/{process}/exe");
        if fs::read_link(&path).is_ok_and(|other| other == own) {
            continue;
        }
        match must_be_writable(path.as_ref()) {
            Ok(()) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn parent_of(process: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")).map(|pid| pid.trim().to_owned())
}
