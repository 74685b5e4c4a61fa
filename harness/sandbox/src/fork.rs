//! Forking into new namespaces. The standard library starts programs, but cannot fork.

use std::io;

use rustix::process::Pid;

/// Forks into new namespaces (`CLONE_NEW*`; 0 is a plain fork). Gives the child to the parent, and
/// nothing to the child.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn fork(namespaces: libc::c_int) -> io::Result<Option<Pid>> {
    let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and a stack this is fork(2): the child has its own copy of all
    // memory. The helper has one thread, so no lock is held by a thread that the child lacks.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match i32::try_from(result) {
        Ok(pid) if pid >= 0 => Ok(Pid::from_raw(pid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends a forked child at once: nothing of the parent's is flushed or dropped a second time.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: _exit takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}
