//! One sandbox from the outside: made, watched, ended, cleaned up.
//!
//! Takes a [`Run`]; answers when its program has started and when it has ended. Whatever happens to
//! whom: the first process dies with this one, everything in its namespace dies with it, and mounts
//! die with their namespace. What is left then are empty control groups and the sandbox's folder.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount},
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, chdir, pidfd_open, pidfd_send_signal,
        pivot_root, waitpid,
    },
    system::sethostname,
    thread::{UnshareFlags, unshare_unsafe},
};

use crate::{
    cgroup::group::{self, Groups},
    control::Control,
    failed::{Doing, Failed},
    fork, mount,
    network::{self, Ahead},
    program::{self, WithoutGroup},
    request::{Answer, Hierarchy, RootFs, Run, Word},
    rootfs,
    surroundings::Prepared,
    unreaped::unreaped,
    users,
};

/// Runs it to its end. `ahead` is the network that this process is already in, if it is.
///
/// # Errors
/// It could not be started.
pub(crate) fn run(
    control: &Control,
    run: Run,
    stdin: Option<OwnedFd>,
    ahead: Option<Ahead>,
) -> Result<(), Failed> {
    // To users of its own a network must belong as well.
    let mut ahead = ahead;
    if (run.network || run.users.are_mapped())
        && let Some(unwanted) = ahead.take()
    {
        unwanted.leave()?;
    }
    let (wait_to_go, go) = io::pipe().doing("making a pipe")?;
    let (status, say_status) = io::pipe().doing("making a pipe")?;
    let mut namespaces =
        libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    if run.users.are_mapped() {
        namespaces |= libc::CLONE_NEWUSER;
    }
    let Some(first) = fork::fork(namespaces).doing("making namespaces")? else {
        drop((go, status));
        let mut say_status = say_status;
        let failed = first_process(&run, ahead, wait_to_go, &mut say_status, stdin);
        let _ = say(&mut say_status, &Answer::from(failed));
        fork::exit(1);
    };
    drop((wait_to_go, say_status, stdin));
    let first =
        First { pid: first, pidfd: pidfd_open(first, PidfdFlags::empty()).doing("watching")? };
    // Meanwhile the child makes its network.
    let groups = match Groups::make(run.groups, &run.limits) {
        Ok(groups) => groups,
        Err(failed) => {
            first.kill();
            return Err(failed);
        }
    };
    let ready = users::write_maps(run.users, first.pid)
        .and_then(|()| groups.put(first.pid))
        .and_then(|()| (&go).write_all(b"g").doing("starting"));
    drop(go);
    match ready.and_then(|()| first.started(control, status)) {
        Ok(started) => control.answer(&started),
        Err(failed) => {
            first.kill();
            return Err(failed);
        }
    }
    // The program's ends of the streams are its own: whoever reads them sees their end with it.
    let _ = close_standard_outputs();
    let code = first.ended(control)?;
    let oom_kills = groups.oom_kills();
    // Gone before the answer: who has it may look.
    drop(groups);
    control.answer(&Answer::Ended { code, oom_kills });
    Ok(())
}

/// The first process of the sandbox, seen from outside.
struct First {
    pid: Pid,
    pidfd: OwnedFd,
}

impl First {
    /// Waits until it has become the program, or was made ready in a trial: then its end of the
    /// status pipe closes. The last answer on it counts: something may have failed after the root
    /// was made.
    fn started(&self, control: &Control, status: impl Read + AsFd) -> Result<Answer, Failed> {
        let mut said = Vec::new();
        let mut status = status;
        loop {
            let happened = wait_for(&[status.as_fd(), control.as_fd()])?;
            if happened[1] {
                return Err(Failed::new("starting", "nobody waits for it any more"));
            }
            let mut chunk = [0; 4096];
            match status.read(&mut chunk).doing("starting")? {
                0 => break,
                n => said.extend_from_slice(&chunk[..n]),
            }
        }
        match serde_json::Deserializer::from_slice(&said).into_iter().last() {
            Some(Ok(Answer::Failed { what, why, errno })) => Err(Failed { what, why, errno }),
            Some(Ok(answer)) => Ok(answer),
            _ => Err(Failed::new("starting", "its first process was killed")),
        }
    }

    /// Waits for its end; does what is said meanwhile, and ends it when the caller hangs up.
    fn ended(&self, control: &Control) -> Result<i32, Failed> {
        loop {
            let happened = wait_for(&[self.pidfd.as_fd(), control.as_fd()])?;
            if happened[0] {
                return Ok(self.wait());
            }
            match control.word() {
                Some(Word::Terminate) => {
                    let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
                }
                Some(Word::Unreaped) => {
                    control.answer(&Answer::Unreaped {
                        children: unreaped(self.pid.as_raw_nonzero().get()),
                    });
                }
                None => return Ok(self.kill()),
            }
        }
    }

    /// Kills it, and everything in its namespace with it.
    fn kill(&self) -> i32 {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.wait()
    }

    /// The kernel gives it back only after everything in its namespace is dead.
    fn wait(&self) -> i32 {
        match waitpid(Some(self.pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => code(status),
            _ => 128 + libc::SIGKILL,
        }
    }
}

fn code(status: WaitStatus) -> i32 {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        .unwrap_or(128 + libc::SIGKILL)
}

/// Waits until something can be read from one of both, or its other end is gone.
fn wait_for(descriptors: &[std::os::fd::BorrowedFd<'_>; 2]) -> Result<[bool; 2], Failed> {
    let mut polled =
        descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN | PollFlags::RDHUP));
    loop {
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                other.doing("waiting")?;
                return Ok([!polled[0].revents().is_empty(), !polled[1].revents().is_empty()]);
            }
        }
    }
}

/// Says something on the status pipe.
fn say(status: &mut impl Write, answer: &Answer) -> io::Result<()> {
    status.write_all(&serde_json::to_vec(answer)?)
}

fn close_standard_outputs() -> io::Result<()> {
    let null = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// The inside: everything up to the program. Returns only if it fails.
fn first_process(
    run: &Run,
    ahead: Option<Ahead>,
    wait_to_go: impl Read,
    status: &mut impl Write,
    stdin: Option<OwnedFd>,
) -> Failed {
    let body = || -> Result<std::convert::Infallible, Failed> {
        users::tie_to_helper()?;
        if !run.network && ahead.is_none() {
            network::make()?;
        }
        users::begin_child(run.users, wait_to_go)?;
        group::join(&run.groups)?;
        // Asked here: in the sandbox's own tree the groups have no such paths.
        let without = WithoutGroup {
            memory: !group::limits(&run.groups, Hierarchy::Memory),
            pids: !group::limits(&run.groups, Hierarchy::Pids),
        };
        // SAFETY: a new view of control groups has no part in memory or descriptors.
        unsafe { unshare_unsafe(UnshareFlags::NEWCGROUP) }.doing("making namespaces")?;
        let root = enter(run)?;
        say(status, &Answer::Started { root }).doing("starting")?;
        let Some(program) = &run.program else { fork::exit(0) };
        let stdin = match stdin {
            Some(stdin) => stdin,
            None => File::open("/dev/null").doing("starting")?.into(),
        };
        Err(program::exec(program, run.users, &run.limits, without, stdin))
    };
    match body() {
        Err(failed) => failed,
        Ok(never) => match never {},
    }
}

/// Leaves the machine's tree for the sandbox's own.
fn enter(run: &Run) -> Result<RootFs, Failed> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).doing("making mounts private")?;
    let (root, kind) = rootfs::make(run.users, &run.image, &run.folder)?;
    let surroundings = Prepared::make(run.users, run.network, &run.groups, &run.binds)?;
    chdir(&root).doing("entering the root file system")?;
    // The old root ends up above the new one, and is taken off.
    pivot_root(".", ".").doing("changing the root file system")?;
    unmount(".", UnmountFlags::DETACH).doing("leaving the machine's tree")?;
    chdir("/").doing("entering the root file system")?;
    surroundings.attach()?;
    if let Some(program) = &run.program {
        // Before the root may become read-only.
        mount::make_folder(program.working_dir.as_ref())?;
    }
    if run.read_only_root {
        mount::make_read_only("/".as_ref())?;
    }
    sethostname(run.host_name.as_bytes()).doing("naming the machine")?;
    Ok(kind)
}
