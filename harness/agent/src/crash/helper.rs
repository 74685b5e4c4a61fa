//! Work on hostile data, in a process of its own: whatever the data does to it, loops, eats memory,
//! crashes it, the supervisor goes on.

use std::{
    fs,
    io::{self, Read, Write},
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Resource, Rlimit, Signal},
    time::Timespec,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::process::{exit_now, fork};

/// Memory that the work may take: it counts against the limit of the program under test.
const MEMORY_BYTES: u64 = 256 << 20;
/// No result is longer.
const LONGEST_RESULT: u64 = 8 << 20;

/// Does `work` in a fork of this process, which must have one thread only. Gives the result, or why there is none.
pub(super) fn run<T: Serialize + DeserializeOwned>(
    time: Duration,
    work: impl FnOnce() -> T,
) -> Result<T, String> {
    let (result, result_in) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| e.to_string())?;
    let Some(helper) = fork().map_err(|e| e.to_string())? else {
        drop(result);
        let done = prepare().is_ok() && answer(work, fs::File::from(result_in)).is_ok();
        exit_now(i32::from(!done))
    };
    drop(result_in);
    let answer = receive(fs::File::from(result), Instant::now() + time);
    let _ = rustix::process::kill_process(helper, Signal::KILL);
    reap(helper);
    let answer = answer.map_err(|e| e.to_string())?;
    serde_json::from_slice(&answer).map_err(|_| "what was to look at it crashed".to_owned())
}

/// Runs in the helper.
fn prepare() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let limit = Some(MEMORY_BYTES);
    rustix::process::setrlimit(Resource::Data, Rlimit { current: limit, maximum: limit })?;
    // When memory runs out, the kernel is to take this, never the agent.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Runs in the helper.
fn answer<T: Serialize>(work: impl FnOnce() -> T, mut to: fs::File) -> io::Result<()> {
    // What a panic says is of no use to the program whose standard error this is.
    panic::set_hook(Box::new(|_| {}));
    let done =
        panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| io::Error::other("it panicked"))?;
    to.write_all(&serde_json::to_vec(&done)?)
}

fn receive(from: fs::File, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut from = from.take(LONGEST_RESULT);
    let mut buffer = vec![0; 1 << 14];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout =
            Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(from.get_ref(), PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Err(io::Error::other("it took too long")),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        match from.read(&mut buffer)? {
            0 => return Ok(answer),
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
}

fn reap(helper: Pid) {
    let options = rustix::process::WaitOptions::empty();
    while matches!(rustix::process::waitpid(Some(helper), options), Err(rustix::io::Errno::INTR)) {}
}
