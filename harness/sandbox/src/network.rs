//! The network of a sandbox without one: a namespace in which there is nothing but the loopback
//! device.
//!
//! A helper that waits for its request may make it ahead: the kernel takes a tenth of a sandbox's time
//! for it.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use crate::failed::{Doing, Failed};

/// Moves this process into a new one.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn make() -> Result<(), Failed> {
    // SAFETY: a new network has no part in memory or descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.doing("making namespaces")?;
    loopback_up().doing("switching the loopback device on")
}

/// A network that was made before it was asked for. This process is in it.
pub(crate) struct Ahead {
    /// Where it came from.
    machine: File,
}

impl Ahead {
    /// Moves this process into a new one. Not every user may; then the sandbox makes its own.
    pub(crate) fn make() -> Option<Self> {
        let machine = File::open("/proc/self/ns/net").ok()?;
        let ahead = Self { machine };
        match make() {
            Ok(()) => Some(ahead),
            Err(_) => ahead.leave().ok().and(None),
        }
    }

    /// Goes back to the machine's.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn leave(&self) -> Result<(), Failed> {
        move_into_link_name_space(self.machine.as_fd(), Some(LinkNameSpaceType::Network))
            .doing("going back to the machine's network")
    }
}

/// Switches `lo` on, which the kernel leaves off. Its addresses come by themselves.
///
/// # Errors
/// The kernel refuses.
fn loopback_up() -> io::Result<()> {
    // SAFETY: socket takes no pointer; what it gives is checked before it is used.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nothing else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: an `ifreq` is plain numbers, and all zeros is a value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::try_from(*from).unwrap_or_default();
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: `request` lives until the call returns and is what this request reads.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
