//! Forks of this process that go on without `exec`, and how they end.

use std::io;

use rustix::process::Pid;

/// `None` in the child.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the agent is single-threaded from its first line on, so the child finds no lock held
    // by a thread that does not exist in it.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(Pid::from_raw(child)),
    }
}

pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without running exit handlers, which belong to the process it was forked from.
    unsafe { libc::_exit(code) }
}
