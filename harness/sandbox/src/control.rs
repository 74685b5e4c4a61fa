//! The helper's end of the control socket, which is its standard input.
//!
//! Takes the request and the descriptor that is passed with it; gives answers. When the other end
//! hangs up, whoever asked is gone or does not want it any more.

use std::{
    io::{self, BufRead, BufReader, IoSliceMut, Write},
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};

use crate::{
    failed::{Doing, Failed},
    request::{Answer, Request, Word},
};

/// The longest request. Most of it are environment variables.
const LONGEST: usize = 4 << 20;

/// The socket.
pub(crate) struct Control(UnixStream);

impl Control {
    /// Takes standard input for the socket.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self(UnixStream::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?)))
    }

    /// Whether nothing is there to be read yet.
    pub(crate) fn is_silent(&self) -> Result<bool, Failed> {
        let mut socket = [PollFd::new(&self.0, PollFlags::IN)];
        let there = poll(&mut socket, Some(&Timespec::default())).doing("looking for a request")?;
        Ok(there == 0)
    }

    /// Reads the request, which is one line, and the descriptor that came with it.
    pub(crate) fn receive(&self) -> Result<(Request, Option<OwnedFd>), Failed> {
        let (mut line, mut passed) = (Vec::new(), None);
        while !line.ends_with(b"\n") {
            let mut chunk = vec![0; 64 << 10];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut chunk)];
            let received = recvmsg(&self.0, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
                .doing("reading the request")?;
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    passed = descriptors.last().or(passed);
                }
            }
            if received.bytes == 0 || line.len() > LONGEST {
                return Err(Failed::new("reading the request", "it is not whole"));
            }
            line.extend_from_slice(&chunk[..received.bytes]);
        }
        let request = serde_json::from_slice(&line)
            .map_err(|e| Failed::new("reading the request", e.to_string()))?;
        Ok((request, passed))
    }

    /// Reads what is said while a program runs; `None` when the other end hung up.
    pub(crate) fn word(&self) -> Option<Word> {
        let mut line = String::new();
        // Words come one at a time, so that nothing behind the line is lost.
        BufReader::new(&self.0).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Answers. Whoever is gone needs no answer, so failing is no error.
    pub(crate) fn answer(&self, answer: &Answer) {
        if let Ok(mut line) = serde_json::to_vec(answer) {
            line.push(b'\n');
            let _ = (&self.0).write_all(&line);
        }
    }
}

impl std::os::fd::AsFd for Control {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}
