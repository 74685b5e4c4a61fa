//! The tracer of a program under test: sees the signals that end it before they do.
//!
//! Takes the stops of the program's threads, as `wait4` tells them; lets each go on as if nobody
//! had stopped it. Threads are traced, other processes that the program starts are not.

use std::{fs, io};

use libcmatrix_schema::Crash;
use rustix::process::Pid;

use super::{
    disposition::{self, Disposition},
    evidence::{self, Seen},
    ptrace, turn,
};

/// The signals of a crash: those that the kernel sends for a fault, and `abort`'s.
const CRASHES: [i32; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Forked children are not followed: they may trace, or be traced by, whom they like. If the
/// supervisor is killed, its program goes with it.
const THREAD_OPTIONS: libc::c_int = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;

/// Faults that a program catches are looked at so often. Some programs live by them, and looking takes time.
const MOST_CAUGHT: usize = 16;

/// A traced program.
#[derive(Debug)]
pub(crate) struct Tracer {
    program: Pid,
    caught: Vec<Seen>,
    fatal: Option<Seen>,
    peak_rss_bytes: Option<u64>,
    failure: Option<io::Error>,
}

impl Tracer {
    /// Begins with a child of this process that waits before its `exec`.
    ///
    /// # Errors
    /// The kernel does not allow it. The child is as it was.
    pub(crate) fn seize(program: Pid) -> io::Result<Self> {
        ptrace::seize(program, THREAD_OPTIONS | libc::PTRACE_O_TRACEEXIT)?;
        turn::come_soon();
        let (caught, fatal, peak_rss_bytes, failure) = (Vec::new(), None, None, None);
        Ok(Self { program, caught, fatal, peak_rss_bytes, failure })
    }

    /// Takes a stop that `wait4` told of.
    pub(crate) fn stopped(&mut self, thread: Pid, status: libc::c_int) {
        let signal = libc::WSTOPSIG(status);
        let event = status >> 16;
        let is_group_stop =
            matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        match event {
            0 => {
                if CRASHES.contains(&signal) && self.is_thread(thread) {
                    self.look(thread, signal);
                }
                ptrace::resume(thread, signal);
            }
            // `clone` also makes processes, of which only this first stop is ours to see.
            libc::PTRACE_EVENT_STOP if !self.is_thread(thread) => ptrace::detach(thread, 0),
            libc::PTRACE_EVENT_STOP if is_group_stop => ptrace::listen(thread),
            libc::PTRACE_EVENT_STOP => {
                // A thread's end is of no interest, and threads have the options of who made them.
                if thread != self.program {
                    ptrace::set_options(thread, THREAD_OPTIONS);
                }
                ptrace::resume(thread, 0);
            }
            libc::PTRACE_EVENT_EXIT => {
                if thread == self.program {
                    self.peak_rss_bytes = peak_rss(thread);
                }
                ptrace::resume(thread, 0);
            }
            _ => ptrace::resume(thread, 0),
        }
    }

    fn is_thread(&self, thread: Pid) -> bool {
        let [program, thread] = [self.program, thread].map(|p| p.as_raw_nonzero().get());
        // SAFETY: signal 0 is sent to nobody; the kernel only looks whether it could be.
        unsafe { libc::syscall(libc::SYS_tgkill, program, thread, 0) == 0 }
    }

    fn look(&mut self, thread: Pid, signal: i32) {
        let disposition = disposition::of(thread, signal);
        let is_of_interest = match disposition {
            Disposition::Default => self.fatal.is_none(),
            Disposition::Caught => self.caught.len() < MOST_CAUGHT,
            Disposition::Ignored => false,
        };
        if !is_of_interest {
            return;
        }
        match evidence::look(self.program, thread) {
            Ok(seen) if disposition == Disposition::Default => self.fatal = Some(seen),
            Ok(seen) => self.caught.push(seen),
            Err(e) => self.failure = Some(e),
        }
    }

    /// Largest resident set of the program since its `exec`, where it was seen to end.
    pub(crate) fn peak_rss_bytes(&self) -> Option<u64> {
        self.peak_rss_bytes
    }

    /// What was seen of the signal that ended the program, which has ended; or why nothing was.
    pub(crate) fn crash(self, signal: i32) -> Result<Box<Crash>, String> {
        let Some(fatal) = self.fatal.filter(|seen| seen.signal() == signal) else {
            let unknown = || "the tracer did not see the signal".to_owned();
            return Err(self.failure.map_or_else(unknown, |e| e.to_string()));
        };
        let caught = self.caught.into_iter().rfind(|seen| seen.thread == fatal.thread);
        Ok(evidence::crash(fatal, caught))
    }
}

/// `VmHWM` of a process that is about to end (proc_pid_status(5)), in bytes.
fn peak_rss(process: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// Whether a signal is one of those that are looked at.
pub(crate) fn is_crash(signal: i32) -> bool {
    CRASHES.contains(&signal)
}
