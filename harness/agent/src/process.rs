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

/// What a process and its children that it waited for took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) user_s: f64,
    pub(crate) system_s: f64,
    /// Of the largest of them.
    pub(crate) peak_rss_bytes: u64,
}

impl Usage {
    pub(crate) fn of(usage: &libc::rusage) -> Self {
        Self {
            user_s: seconds(usage.ru_utime),
            system_s: seconds(usage.ru_stime),
            peak_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds of CPU time are far below 2^52")]
fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Waits for a child; gives its wait status and what it took.
pub(crate) fn wait4(pid: Pid) -> io::Result<(libc::c_int, Usage)> {
    let mut status = 0;
    // SAFETY: rusage is plain data, for which zero is a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let pid = pid.as_raw_nonzero().get();
    loop {
        // SAFETY: both out-pointers are valid for the call.
        match unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return Err(io::Error::last_os_error()),
            _ => return Ok((status, Usage::of(&usage))),
        }
    }
}

pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without running exit handlers, which belong to the process it was forked from.
    unsafe { libc::_exit(code) }
}
