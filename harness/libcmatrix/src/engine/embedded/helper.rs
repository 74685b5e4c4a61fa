//! The helper processes: started from a sealed copy of this executable, asked over a socket.
//!
//! Takes a request; gives the running helper, whose answers come one by one. Dropping it hangs up,
//! and hanging up ends whatever it does. A helper can be started before there is anything to ask.

use std::{
    fs::File,
    io::{self, IoSlice, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream as StdStream,
    },
    process::Stdio,
};

use libcmatrix_sandbox::{
    ARGUMENT,
    failed::Failed,
    request::{Answer, Request, Word},
};
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::failure::{Failure, Result};

/// Where `newuidmap` is, with the setuid bit, on all distributions.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/wrappers/bin";

/// A copy of this executable that nobody can write to any more. A program under test may get hold of
/// the file that its helper was started from (`#!/proc/self/exe`); it must not be the user's own.
#[derive(Debug)]
pub(super) struct Executable(OwnedFd);

impl Executable {
    /// Copies and seals this executable.
    ///
    /// # Errors
    /// It cannot be read, or there is no memory for a copy.
    pub(super) fn seal() -> Result<Self> {
        let seal = || -> io::Result<OwnedFd> {
            let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
            // Kernels before 6.3 do not know the flag; later ones may insist on it.
            let copy = memfd_create("libcmatrix", flags | MemfdFlags::EXEC)
                .or_else(|_| memfd_create("libcmatrix", flags))?;
            let copy = File::from(copy);
            io::copy(&mut File::open("/proc/self/exe")?, &mut &copy)?;
            let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
            fcntl_add_seals(&copy, seals)?;
            Ok(copy.into())
        };
        seal().map(Self).map_err(|e| {
            Failure::environment("this executable cannot be copied into memory").because(e)
        })
    }
}

/// A helper that nobody has asked yet. Dropping it hangs up, which ends it.
#[derive(Debug)]
pub(super) struct Unasked {
    child: Child,
    socket: StdStream,
}

impl Unasked {
    /// Starts a helper for a run.
    ///
    /// # Errors
    /// No process can be started.
    pub(super) fn start(executable: &Executable, run_id: &str) -> Result<Self> {
        let (socket, theirs) = StdStream::pair().map_err(cannot_start)?;
        let mut command = Command::new(format!("/proc/self/fd/{}", executable.0.as_raw_fd()));
        // Whoever reads the environment of the first process finds nothing of the user's.
        command.arg0("libcmatrix").args([ARGUMENT, run_id]).env_clear().env("PATH", PATH);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The command keeps the other end of the socket until it is dropped, and would hide that the
        // helper is gone.
        Ok(Self { child: command.spawn().map_err(cannot_start)?, socket })
    }

    /// Gives it back if it is still there to be asked.
    pub(super) fn alive(mut self) -> Option<Self> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    /// Asks it. `passed` goes to it with the request.
    ///
    /// # Errors
    /// It is gone.
    pub(super) async fn ask(self, request: Request, passed: Option<OwnedFd>) -> Result<Helper> {
        let Self { child, socket } = self;
        let socket = tokio::task::spawn_blocking(move || {
            send(&socket, &request, passed)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })
        .await
        .map_err(io::Error::other)
        .and_then(|sent| sent)
        .and_then(UnixStream::from_std)
        .map_err(cannot_start)?;
        Ok(Helper { child, answers: BufReader::new(socket) })
    }
}

fn cannot_start(e: io::Error) -> Failure {
    let hint = match e.kind() {
        io::ErrorKind::PermissionDenied => {
            "programs in memory may not be started here: see AppArmor's or SELinux's log, and sysctl \
             vm.memfd_noexec"
        }
        _ => "see whether this user may start more processes: ulimit -u",
    };
    Failure::environment("a helper process cannot be started").because(e).hint(hint)
}

/// A helper at work.
#[derive(Debug)]
pub(super) struct Helper {
    child: Child,
    answers: BufReader<UnixStream>,
}

impl Helper {
    /// Starts a helper for a run and asks it. `passed` goes to it with the request.
    ///
    /// # Errors
    /// No process can be started.
    pub(super) async fn ask(
        executable: &Executable,
        run_id: &str,
        request: Request,
        passed: Option<OwnedFd>,
    ) -> Result<Self> {
        Unasked::start(executable, run_id)?.ask(request, passed).await
    }

    /// What it writes on its standard output. Can be taken once.
    pub(super) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// What it writes on its standard error. Can be taken once.
    pub(super) fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Says something while its program runs. Nobody hears it when the program has ended.
    pub(super) async fn say(&mut self, word: Word) {
        if let Ok(mut line) = serde_json::to_vec(&word) {
            line.push(b'\n');
            let _ = self.answers.get_mut().write_all(&line).await;
        }
    }

    /// Its next answer. Waiting may be given up and begun again.
    ///
    /// # Errors
    /// It could not do what it was asked for, or was killed.
    pub(super) async fn answer(&mut self) -> std::result::Result<Answer, Failed> {
        let ended = |why: String| Failed::new("a helper process", why);
        // An answer is small and written at once: once some of it is there, all is.
        let buffered = self.answers.fill_buf().await.map_err(|e| ended(e.to_string()))?;
        if buffered.is_empty() {
            return Err(ended("it ended without an answer".into()));
        }
        let mut line = String::new();
        self.answers.read_line(&mut line).await.map_err(|e| ended(e.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(Answer::Failed { what, why, errno }) => Err(Failed { what, why, errno }),
            Ok(answer) => Ok(answer),
            Err(e) => Err(ended(format!("its answer is not understood: {e}"))),
        }
    }

    /// Hangs up, and waits until it has ended: then nothing of its sandbox is left but a folder.
    pub(super) async fn end(self) {
        let Self { mut child, answers } = self;
        drop(answers);
        let _ = child.wait().await;
    }
}

/// Sends the request, and a descriptor with its first byte.
fn send(socket: &StdStream, request: &Request, passed: Option<OwnedFd>) -> io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut sent = 0;
    if let Some(passed) = passed {
        let passed = [passed.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&passed));
        sent = sendmsg(socket, &[IoSlice::new(&line)], &mut ancillary, SendFlags::NOSIGNAL)?;
    }
    (&*socket).write_all(&line[sent..])
}

/// A helper's failure as the command's.
pub(super) fn failure(what: impl Into<String>, failed: &Failed) -> Failure {
    let failure = Failure::environment(what).because(failed);
    match failed.errno.and_then(hint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(errno: i32) -> Option<&'static str> {
    match rustix::io::Errno::from_raw_os_error(errno) {
        rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT => Some(
            "the disk is full: free some space, or set XDG_DATA_HOME to a folder on a larger one",
        ),
        rustix::io::Errno::PERM | rustix::io::Errno::ACCESS => {
            Some("`libcmatrix doctor` says what this machine does not allow")
        }
        rustix::io::Errno::AGAIN | rustix::io::Errno::NOMEM => {
            Some("this user has too many processes, or the machine too little memory")
        }
        _ => None,
    }
}
