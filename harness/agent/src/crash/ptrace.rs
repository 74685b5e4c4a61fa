//! The requests of ptrace(2) that the tracer makes, with types.

use std::{io, mem::MaybeUninit, ptr};

use rustix::process::Pid;

/// The register set that holds the thread pointer (`linux/elf.h`).
#[cfg(target_arch = "aarch64")]
pub(super) const NT_ARM_TLS: libc::c_int = 0x401;

/// The C libraries do not agree on the type of a request.
#[cfg(target_env = "gnu")]
type Request = libc::c_uint;
#[cfg(not(target_env = "gnu"))]
type Request = libc::c_int;

/// Attaches without stopping, with these options. Needs the right to trace the process.
pub(super) fn seize(process: Pid, options: libc::c_int) -> io::Result<()> {
    // SAFETY: the request takes numbers only.
    check(unsafe {
        libc::ptrace(
            libc::PTRACE_SEIZE,
            raw(process),
            ptr::null_mut::<libc::c_void>(),
            number(options),
        )
    })
}

/// Changes the options of a stopped thread.
pub(super) fn set_options(thread: Pid, options: libc::c_int) {
    go_on(libc::PTRACE_SETOPTIONS, thread, options);
}

/// Lets a stopped thread go on, with a signal or with none (0).
pub(super) fn resume(thread: Pid, signal: libc::c_int) {
    go_on(libc::PTRACE_CONT, thread, signal);
}

/// Lets a thread that was stopped as a whole process is, stay stopped.
pub(super) fn listen(thread: Pid) {
    go_on(libc::PTRACE_LISTEN, thread, 0);
}

/// Lets a stopped thread go for good.
pub(super) fn detach(thread: Pid, signal: libc::c_int) {
    go_on(libc::PTRACE_DETACH, thread, signal);
}

/// A thread that was killed meanwhile is no longer there: that shows when it is waited for.
fn go_on(request: Request, thread: Pid, signal: libc::c_int) {
    // SAFETY: these requests take numbers only.
    unsafe { libc::ptrace(request, raw(thread), ptr::null_mut::<libc::c_void>(), number(signal)) };
}

/// The signal that a thread is stopped for.
pub(super) fn signal_info(thread: Pid) -> io::Result<libc::siginfo_t> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the kernel writes one siginfo_t, for which all zeros are valid, too.
    unsafe {
        check(libc::ptrace(
            libc::PTRACE_GETSIGINFO,
            raw(thread),
            ptr::null_mut::<libc::c_void>(),
            info.as_mut_ptr(),
        ))?;
        Ok(info.assume_init())
    }
}

/// A stopped thread's register set of this kind.
///
/// `T` must be plain numbers, and as large as the set.
pub(super) fn register_set<T: Copy>(thread: Pid, kind: libc::c_int) -> io::Result<T> {
    let mut set = MaybeUninit::<T>::zeroed();
    let mut part = libc::iovec { iov_base: set.as_mut_ptr().cast(), iov_len: size_of::<T>() };
    // SAFETY: the kernel writes no more than `iov_len` bytes; all zeros are a valid `T`.
    unsafe {
        check(libc::ptrace(libc::PTRACE_GETREGSET, raw(thread), number(kind), &raw mut part))?;
        Ok(set.assume_init())
    }
}

fn raw(process: Pid) -> libc::pid_t {
    process.as_raw_nonzero().get()
}

/// A number where the interface has a pointer.
fn number(value: libc::c_int) -> *mut libc::c_void {
    ptr::without_provenance_mut(usize::try_from(value).unwrap_or(0))
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
