//! One supervisor process per program: starts it, holds it to its time, takes its resource usage,
//! and ends whatever it leaves behind.
//!
//! Takes a [`Command`] and [`Limits`]; gives one line of JSON ([`Ended`]) on the status pipe. The
//! supervisor is the program's subreaper, so an orphan can only be the program's own, and its
//! tracer (see [`crash`]), so a crash is looked at when it happens.

use std::{
    ffi::CString,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use libcmatrix_schema::{AttemptStatus, Crash};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    pipe::{PipeFlags, pipe_with},
    process::{DumpableBehavior, Pid, Signal},
};

use crate::{
    command::Command,
    crash::{self, Tracer},
    memory_events::OomCounter,
    process::{Usage, exit_now, fork},
    protocol::Ended,
};

/// Times a supervisor keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long the program may run.
    pub(crate) time: Duration,
    /// How long it has between SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
    /// How long processes that it started may outlive it before they count as left behind.
    pub(crate) leak_grace: Duration,
}

/// A supervisor at work. The pipes end when it is done.
#[derive(Debug)]
pub(crate) struct Supervised {
    pub(crate) supervisor: Pid,
    pub(crate) status: OwnedFd,
    pub(crate) stdout: OwnedFd,
    /// `None` where standard error goes the way of standard output.
    pub(crate) stderr: Option<OwnedFd>,
}

/// Starts `command` under a supervisor of its own. `traced`: a crash of it is looked at.
///
/// The caller must be single-threaded: the supervisor is a fork that goes on without `exec`.
pub(crate) fn start(
    command: &Command,
    merge_output: bool,
    traced: bool,
    limits: Limits,
    oom: &OomCounter,
) -> io::Result<Supervised> {
    let (status, status_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stdout, stdout_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_in) = if merge_output {
        (None, stdout_in.try_clone()?)
    } else {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        (Some(read), write)
    };
    match fork()? {
        Some(supervisor) => Ok(Supervised { supervisor, status, stdout, stderr }),
        None => {
            drop((status, stdout, stderr));
            let ended = supervise(command, stdout_in, stderr_in, traced, limits, oom)
                .unwrap_or_else(|e| {
                    Ended::unmeasured(AttemptStatus::NotRun {
                        reason: format!("cannot be started: {e}"),
                    })
                });
            let mut line = serde_json::to_vec(&ended).unwrap_or_default();
            line.push(b'\n');
            let sent = io::Write::write_all(&mut fs::File::from(status_in), &line).is_ok();
            exit_now(i32::from(!sent))
        }
    }
}

/// Runs in the supervisor.
fn supervise(
    command: &Command,
    stdout: OwnedFd,
    stderr: OwnedFd,
    traced: bool,
    limits: Limits,
    oom: &OomCounter,
) -> io::Result<Ended> {
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    block_signals();
    let kills_before = oom.kills();
    let (failure, failure_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let (go, go_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let started = Instant::now();
    let inherited = own_peak_rss();
    let Some(pid) = fork()? else {
        drop((failure, go_in));
        let mut failure = fs::File::from(failure_in);
        let error = become_program(command, &stdout, &stderr, || {
            failure.write_all(READY)?;
            io::copy(&mut fs::File::from(go), &mut io::sink()).map(drop)
        });
        let message = error.to_string().replace('\n', " ");
        let _ = failure.write_all(message.as_bytes()).and_then(|()| failure.write_all(b"\n"));
        exit_now(127)
    };
    drop((stdout, stderr, failure_in, go));
    let mut program = Program { pid, end: None, tracer: None };
    let mut failure = BufReader::new(fs::File::from(failure));
    let mut reason = Vec::new();
    let mut not_traced = None;
    (&mut failure).take(1).read_to_end(&mut reason)?;
    if reason == READY {
        reason.clear();
        if traced {
            match Tracer::seize(pid) {
                Ok(tracer) => program.tracer = Some(tracer),
                Err(e) => not_traced = Some(format!("{NOT_ALLOWED}: {e}")),
            }
        }
        drop(go_in);
    }
    // A traced process that could not become the program, or is killed before it does, stops before it
    // lets go of the pipe, and waits for us; so nothing is waited for longer than that takes, and the
    // message has an end of its own.
    while failure.buffer().is_empty() && !can_be_read(failure.get_ref())? {
        program.wait();
    }
    failure.read_until(b'\n', &mut reason)?;
    if !reason.is_empty() {
        while program.end.is_none() && program.wait() {
            next_signal(Instant::now() + limits.grace);
        }
        let reason = reason.trim_ascii_end();
        return Ok(Ended::unmeasured(AttemptStatus::NotRun {
            reason: format!("cannot be started: {}", String::from_utf8_lossy(reason)),
        }));
    }

    let mut told_to_stop = false;
    let mut limit_reached = false;
    let mut deadline = started + limits.time;
    while program.end.is_none() {
        match next_signal(deadline) {
            Some(libc::SIGTERM) => {
                told_to_stop = true;
                deadline = Instant::now() + limits.grace;
                let _ = rustix::process::kill_process_group(pid, Signal::TERM);
            }
            Some(_) => {}
            None if limit_reached || told_to_stop => kill_children(&mut program),
            None => {
                limit_reached = true;
                deadline = Instant::now() + limits.grace;
                let _ = rustix::process::kill_process_group(pid, Signal::TERM);
            }
        }
        program.wait();
    }
    let wall = started.elapsed();
    let ended_by_us = limit_reached || told_to_stop;
    let grace = if ended_by_us { Duration::ZERO } else { limits.leak_grace };
    let leaked = end_leftovers(&mut program, grace);
    let (wait_status, usage) = program.end.expect("the loop ends with the program");
    let taken = Usage::of(&usage);
    let oom_kills = oom.kills().saturating_sub(kills_before);
    let status = if ended_by_us {
        AttemptStatus::TimedOut
    } else if libc::WIFSIGNALED(wait_status) {
        match libc::WTERMSIG(wait_status) {
            libc::SIGKILL if oom_kills > 0 => AttemptStatus::OomKilled,
            signal => AttemptStatus::Crashed { signal },
        }
    } else {
        match libc::WEXITSTATUS(wait_status) {
            0 if leaked.is_empty() => AttemptStatus::Passed,
            0 => AttemptStatus::Leaked,
            exit_code => AttemptStatus::Failed { exit_code },
        }
    };
    let peak_rss_bytes = match program.tracer.as_ref().and_then(Tracer::peak_rss_bytes) {
        // The kernel's number has that of the fork of this process in it, which was no program yet
        // (getrusage(2)): the least that it ever says.
        Some(own) if taken.peak_rss_bytes <= inherited + SLACK_BYTES => own,
        _ => taken.peak_rss_bytes,
    };
    let (crash, crash_unseen) = match &status {
        AttemptStatus::Crashed { signal } if traced => {
            crash_of(program.tracer, not_traced, *signal)
        }
        _ => (None, None),
    };
    Ok(Ended {
        status,
        silent: told_to_stop,
        wall_s: wall.as_secs_f64(),
        user_s: taken.user_s,
        system_s: taken.system_s,
        peak_rss_bytes,
        waits: u64::try_from(usage.ru_nvcsw).unwrap_or(0),
        page_faults: u64::try_from(usage.ru_minflt).unwrap_or(0),
        oom_kills,
        leaked: if ended_by_us { Vec::new() } else { leaked },
        crash,
        crash_unseen,
    })
}

/// Waits a moment for a pipe to have something, or its end.
fn can_be_read(pipe: &fs::File) -> io::Result<bool> {
    let moment = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&moment)) {
        Err(rustix::io::Errno::INTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}

/// What the fork may add by itself before it becomes the program.
const SLACK_BYTES: u64 = 256 << 10;

fn own_peak_rss() -> u64 {
    // SAFETY: rusage is plain data, for which zero is a valid value; the kernel writes one.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    Usage::of(&usage).peak_rss_bytes
}

/// What was seen of a crash, or why nothing was.
fn crash_of(
    tracer: Option<Tracer>,
    not_traced: Option<String>,
    signal: i32,
) -> (Option<Box<Crash>>, Option<String>) {
    if !crash::is_crash(signal) {
        return (None, None);
    }
    match tracer.map(|tracer| tracer.crash(signal)) {
        Some(Ok(crash)) => (Some(crash), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, not_traced),
    }
}

const NOT_ALLOWED: &str = "tracing is not allowed";

/// Says that nothing is left to do before `exec`, and the tracer may come. No message begins with it.
const READY: &[u8] = b"\0";

/// Runs in the program's process; returns only if it cannot become the program. `ready` is called
/// right before it does.
fn become_program(
    command: &Command,
    stdout: &OwnedFd,
    stderr: &OwnedFd,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Error {
    let prepare = || -> io::Result<()> {
        // The agent hides its memory and descriptors from the programs; they need not hide from themselves.
        rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
        // When memory runs out, the kernel is to take a program, never the agent. Raising needs no privilege.
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        rustix::process::setsid()?;
        rustix::process::setrlimit(
            rustix::process::Resource::Core,
            rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
        )?;
        let nothing = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
        rustix::stdio::dup2_stdin(&nothing)?;
        rustix::stdio::dup2_stdout(stdout)?;
        rustix::stdio::dup2_stderr(stderr)?;
        rustix::process::chdir(&command.cwd).map_err(|e| {
            io::Error::new(io::Error::from(e).kind(), format!("{}: {e}", command.cwd.display()))
        })?;
        default_signals();
        close_on_exec();
        ready()
    };
    if let Err(e) = prepare() {
        return e;
    }
    let argv = pointers(&command.argv);
    let env = pointers(&command.env);
    // SAFETY: path, argv and env are NUL-terminated strings in NULL-terminated arrays that outlive the call.
    unsafe { libc::execve(command.path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    let e = io::Error::last_os_error();
    io::Error::new(e.kind(), format!("{}: {e}", command.path.to_string_lossy()))
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// SIGCHLD and SIGTERM wait for [`next_signal`].
fn block_signals() {
    let set = signal_set(&[libc::SIGCHLD, libc::SIGTERM]);
    // SAFETY: `set` is an initialised signal set; the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigemptyset initialises the set; the signal numbers are valid constants.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// What a program expects to find: nothing blocked, SIGPIPE not ignored (Rust's runtime ignores it).
fn default_signals() {
    let none = signal_set(&[]);
    // SAFETY: valid set and signal number; SIG_DFL runs no code of ours.
    unsafe {
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Nothing but the three standard descriptors reaches a program, whoever started the agent. A kernel
/// before 5.11 refuses; our own descriptors are all marked already.
fn close_on_exec() {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: only marks descriptors of this process, which is about to become the program.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, flags) };
}

/// Waits for SIGCHLD or SIGTERM; `None` at the deadline.
fn next_signal(deadline: Instant) -> Option<i32> {
    let set = signal_set(&[libc::SIGCHLD, libc::SIGTERM]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        // SAFETY: the set and the timeout are initialised; no siginfo is asked for.
        match unsafe {
            libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const timeout)
        } {
            -1 => match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                _ => return None,
            },
            signal => return Some(signal),
        }
    }
}

/// The program, as far as it is known.
struct Program {
    pid: Pid,
    /// Wait status and usage, once it has ended.
    end: Option<(libc::c_int, libc::rusage)>,
    tracer: Option<Tracer>,
}

impl Program {
    /// Reaps everything that has ended, lets go on what the tracer stopped; true while children are left.
    fn wait(&mut self) -> bool {
        loop {
            let mut status = 0;
            // SAFETY: rusage is plain data, for which zero is a valid value.
            let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
            // Without it, threads would not be waited for.
            let options = libc::WNOHANG | libc::__WALL;
            // SAFETY: both out-pointers are valid for the call.
            let pid = match unsafe { libc::wait4(-1, &raw mut status, options, &raw mut usage) } {
                0 => return true,
                -1 => return io::Error::last_os_error().raw_os_error() == Some(libc::EINTR),
                pid => Pid::from_raw(pid),
            };
            if libc::WIFSTOPPED(status) {
                if let (Some(tracer), Some(thread)) = (&mut self.tracer, pid) {
                    tracer.stopped(thread, status);
                }
            } else if pid == Some(self.pid) {
                self.end = Some((status, usage));
            }
        }
    }
}

/// Gives the program's descendants `grace` to end by themselves, then kills them and names them.
fn end_leftovers(program: &mut Program, grace: Duration) -> Vec<String> {
    let deadline = Instant::now() + grace;
    while program.wait() {
        if next_signal(deadline).is_none() {
            break;
        }
    }
    let mut names = Vec::new();
    while program.wait() {
        for (child, name) in children() {
            if rustix::process::kill_process(child, Signal::KILL).is_ok() {
                names.push(name);
            }
        }
        // A killed child hands its own children to us: look again until none is left.
        next_signal(Instant::now() + Duration::from_millis(10));
    }
    names.dedup();
    names
}

fn kill_children(program: &mut Program) {
    let _ = rustix::process::kill_process_group(program.pid, Signal::KILL);
    for (child, _) in children() {
        let _ = rustix::process::kill_process(child, Signal::KILL);
    }
    next_signal(Instant::now() + Duration::from_millis(50));
    program.wait();
}

/// The living children of this process, with their names.
fn children() -> Vec<(Pid, String)> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, state, parent) = parse_stat(&stat)?;
            (parent == me && state != 'Z').then_some((Pid::from_raw(pid)?, name))
        })
        .collect()
}

/// Name, state and parent from `/proc/PID/stat`. The name may hold spaces and parentheses: it ends at the last `)`.
fn parse_stat(stat: &str) -> Option<(String, char, i32)> {
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1;
    let mut fields = after.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((name.to_owned(), state, fields.next()?.parse().ok()?))
}

/// Whether a pipe has nothing more to give right now.
pub(crate) fn is_drained(error: rustix::io::Errno) -> bool {
    error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::INTR
}

/// Reads what is there without waiting; `Ok(0)` is the end.
pub(crate) fn read_some(from: &OwnedFd, buffer: &mut [u8]) -> Result<usize, rustix::io::Errno> {
    debug_assert!(from.as_raw_fd() > 2);
    rustix::io::read(from.as_fd(), buffer)
}

#[cfg(test)]
mod tests {
    use super::parse_stat;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        assert_eq!(
            parse_stat("41 (a) b (c)) S 7 41 41 0 -1"),
            Some(("a) b (c)".to_owned(), 'S', 7))
        );
        assert_eq!(parse_stat("garbage"), None);
    }
}
