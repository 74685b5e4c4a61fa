//! The last steps before a program: its limits, its identity, no privileges, the filter, `exec`.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit, setsid},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    },
};

use crate::{
    failed::{Doing, Failed},
    filter,
    identity::Identity,
    request::{Limits, Program, Users},
    users,
};

/// The stack that a shell gives a program, and that the default thread of glibc has: whatever the
/// caller's own limit is, tests see this one.
const STACK: u64 = 8 << 20;

/// Docker's limit on open files.
const OPEN_FILES: u64 = 1 << 20;

/// Which limits no control group sets.
#[derive(Clone, Copy)]
pub(crate) struct WithoutGroup {
    pub memory: bool,
    pub pids: bool,
}

/// Becomes the program. Returns only if that failed.
pub(crate) fn exec(
    program: &Program,
    users: Users,
    limits: &Limits,
    without: WithoutGroup,
    stdin: OwnedFd,
) -> Failed {
    match prepared(program, users, limits, without, stdin) {
        Ok(mut command) => {
            let error = command.exec();
            let what = format!("starting {}", program.argv.first().map_or("", String::as_str));
            Failed { what, why: error.to_string(), errno: error.raw_os_error() }
        }
        Err(failed) => failed,
    }
}

fn prepared(
    program: &Program,
    whom: Users,
    limits: &Limits,
    without: WithoutGroup,
    stdin: OwnedFd,
) -> Result<Command, Failed> {
    let Some((name, arguments)) = program.argv.split_first() else {
        return Err(Failed::new("starting a program", "none is named"));
    };
    let folder = Path::new(&program.working_dir);
    let identity = Identity::find(program.user.as_deref())?;
    // A session of its own: no terminal of the caller's is its terminal.
    setsid().doing("beginning a session")?;
    set_limits(whom, limits, without)?;
    reset_signals();
    // While this is still root of its namespace: no one else may.
    bound_capabilities()?;
    identity.take_on(whom)?;
    std::env::set_current_dir(folder).doing(format!("entering {}", folder.display()))?;
    let mut command = Command::new(name);
    command.args(arguments).env_clear().stdin(Stdio::from(stdin));
    command.env("HOME", &identity.home);
    command.envs(program.env.iter().filter_map(|variable| variable.split_once('=')));
    drop_privileges()?;
    // After the last change of identity.
    users::tie_to_helper()?;
    filter::apply().doing("filtering system calls")?;
    close_everything().doing("closing descriptors")?;
    Ok(command)
}

fn set_limits(users: Users, limits: &Limits, without: WithoutGroup) -> Result<(), Failed> {
    let set = |resource, soft: u64, hard: Option<u64>| {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: hard })
            .doing(format!("setting the limit {resource:?}"))
    };
    let at_most = |resource, wanted: u64| match getrlimit(resource).maximum {
        Some(most) => (wanted.min(most), Some(most)),
        None => (wanted, None),
    };
    // A crash must not fill the disk; its evidence is taken otherwise.
    set(Resource::Core, 0, Some(0))?;
    let (soft, hard) = at_most(Resource::Stack, STACK);
    set(Resource::Stack, soft, hard)?;
    let (soft, _) = at_most(Resource::Nofile, OPEN_FILES);
    set(Resource::Nofile, soft, Some(soft))?;
    if let Some(bytes) = limits.file_bytes {
        set(Resource::Fsize, bytes, Some(bytes))?;
    }
    if without.memory {
        // Of each process, not of all together; but address space as such stays free, of which
        // some programs reserve a thousand times more than they use.
        set(Resource::Data, limits.memory_bytes, Some(limits.memory_bytes))?;
    }
    if without.pids && users.are_mapped() {
        // Counted by user namespace. The machine's root is not limited by it.
        set(Resource::Nproc, limits.pids, Some(limits.pids))?;
    }
    Ok(())
}

/// What the caller ignores (a hang-up, under `nohup`) must not be ignored by a program under test.
fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: the default action is no function; for numbers that cannot be changed the kernel
        // refuses, which changes nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Gives up the capabilities that a program could get by being executed.
fn bound_capabilities() -> Result<(), Failed> {
    for number in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The first that the kernel does not know ends the list.
            Err(rustix::io::Errno::INVAL) => break,
            Err(e) => return Err(e).doing("giving up capabilities"),
        }
    }
    Ok(())
}

/// Gives up all capabilities that are left, and for ever.
fn drop_privileges() -> Result<(), Failed> {
    let what = "giving up capabilities";
    clear_ambient_capability_set().doing(what)?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).doing(what)?;
    set_no_new_privs(true).doing("allowing no new privileges")
}

/// Marks everything but the standard streams to be closed by `exec`.
///
/// # Errors
/// The kernel is older than 5.11, or a filter does not know the call.
pub(crate) fn close_everything() -> io::Result<()> {
    // SAFETY: it takes no pointer, and only sets a flag on descriptors.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
