//! The programs that run at the moment: one poll over their pipes and the agent's own input.
//!
//! Takes commands with a tag; gives, by callback, the output and the end of each.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use libcmatrix_schema::AttemptStatus;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::ioctl_fionbio,
    process::{Pid, Signal, WaitOptions},
    time::Timespec,
};

use crate::{
    command::Command,
    input::Input,
    memory_events::OomCounter,
    protocol::{Ended, Stream},
    supervisor::{self, Limits, is_drained, read_some},
};

/// What happened to a program.
pub(crate) enum Happened<'a> {
    Output(Stream, &'a [u8]),
    Ended(Ended),
}

struct Running {
    tag: usize,
    supervisor: Pid,
    streams: Vec<(Stream, OwnedFd)>,
    status: Option<OwnedFd>,
    status_text: Vec<u8>,
    last_output: Instant,
    silence: Option<Duration>,
    told_to_stop: bool,
    ran_alone: bool,
}

/// Programs at work.
pub(crate) struct Pool {
    running: Vec<Running>,
    oom: OomCounter,
}

/// How long a program has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long processes may outlive the program that started them. Generous: a false `leaked` is a false alarm.
const LEAK_GRACE: Duration = Duration::from_secs(1);

impl Pool {
    pub(crate) fn new(oom: OomCounter) -> Self {
        Self { running: Vec::new(), oom }
    }

    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    /// Starts a program. `merge`: its standard error goes with its standard output. `traced`: a
    /// crash of it is looked at.
    pub(crate) fn start(
        &mut self,
        tag: usize,
        command: &Command,
        merge: bool,
        traced: bool,
        time: Duration,
        silence: Option<Duration>,
    ) -> io::Result<()> {
        let limits = Limits { time, grace: GRACE, leak_grace: LEAK_GRACE };
        let started = supervisor::start(command, merge, traced, limits, &self.oom)?;
        let mut streams = vec![(Stream::Stdout, started.stdout)];
        streams.extend(started.stderr.map(|fd| (Stream::Stderr, fd)));
        for fd in streams.iter().map(|(_, fd)| fd).chain([&started.status]) {
            ioctl_fionbio(fd, true)?;
        }
        for other in &mut self.running {
            other.ran_alone = false;
        }
        self.running.push(Running {
            tag,
            supervisor: started.supervisor,
            streams,
            status: Some(started.status),
            status_text: Vec::new(),
            last_output: Instant::now(),
            silence,
            told_to_stop: false,
            ran_alone: self.running.is_empty(),
        });
        Ok(())
    }

    /// Waits until something happens, and tells it. Ends the agent when its input ends.
    pub(crate) fn wait(
        &mut self,
        input: &mut Input,
        mut tell: impl FnMut(usize, Happened<'_>),
    ) -> io::Result<()> {
        self.sleep_until_something_happens(input)?;
        let mut buffer = vec![0; 1 << 16];
        for program in &mut self.running {
            program.read(&mut buffer, &mut tell);
            program.mind_silence();
        }
        let (done, running) = self.running.drain(..).partition(Running::is_done);
        self.running = running;
        for program in done {
            let tag = program.tag;
            tell(tag, Happened::Ended(program.finish()));
        }
        reap();
        Ok(())
    }

    fn sleep_until_something_happens(&self, input: &mut Input) -> io::Result<()> {
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(&stdin, PollFlags::IN)];
        for program in &self.running {
            let pipes = program.streams.iter().map(|(_, fd)| fd).chain(&program.status);
            fds.extend(pipes.map(|fd| PollFd::new(fd, PollFlags::IN)));
        }
        let tick = self.running.iter().any(|p| p.silence.is_some());
        let timeout = tick.then_some(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        if !fds[0].revents().is_empty() {
            input.read_or_exit(stdin.as_fd());
        }
        Ok(())
    }
}

impl Running {
    fn read(&mut self, buffer: &mut [u8], tell: &mut impl FnMut(usize, Happened<'_>)) {
        let (tag, last_output) = (self.tag, &mut self.last_output);
        self.streams.retain(|(stream, fd)| {
            // One buffer a turn, so that a flood from one program does not starve the others.
            match read_some(fd, buffer) {
                Ok(0) => false,
                Ok(n) => {
                    *last_output = Instant::now();
                    tell(tag, Happened::Output(*stream, &buffer[..n]));
                    true
                }
                Err(e) => is_drained(e),
            }
        });
        if let Some(fd) = &self.status {
            match read_some(fd, buffer) {
                Ok(0) => self.status = None,
                Ok(n) => self.status_text.extend_from_slice(&buffer[..n]),
                Err(e) if is_drained(e) => {}
                Err(_) => self.status = None,
            }
        }
    }

    fn mind_silence(&mut self) {
        let Some(limit) = self.silence else { return };
        if !self.told_to_stop && self.last_output.elapsed() > limit {
            self.told_to_stop = true;
            let _ = rustix::process::kill_process(self.supervisor, Signal::TERM);
        }
    }

    /// The supervisor ends after all that could hold the output pipes, so their end follows its own.
    fn is_done(&self) -> bool {
        self.status.is_none() && self.streams.is_empty()
    }

    fn finish(self) -> Ended {
        let mut ended: Ended = serde_json::from_slice(&self.status_text).unwrap_or_else(|_| {
            Ended::unmeasured(AttemptStatus::NotRun { reason: "its supervisor was killed".into() })
        });
        // A descendant was killed for memory, not the program itself: only where nothing else ran
        // at the time is it certain that the kill was this program's.
        if self.ran_alone
            && ended.oom_kills > 0
            && matches!(ended.status, AttemptStatus::Failed { .. })
        {
            ended.status = AttemptStatus::OomKilled;
        }
        ended
    }
}

/// Takes supervisors that have ended, and as PID 1 whatever else came down to it.
fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}
