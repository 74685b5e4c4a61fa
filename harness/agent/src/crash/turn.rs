//! How soon the tracer gets a processor when one of its threads stops. Until it does, that thread
//! waits, though nobody asked it to.

/// The shortest that the kernel allows.
const SLICE_NS: u64 = 100_000;

/// Asks for short turns that come soon (Linux 6.12 and newer), which needs no privilege. Where the
/// kernel does not know of it, nothing changes.
pub(super) fn come_soon() {
    let size = u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(0);
    // SAFETY: plain numbers, for which zero is valid.
    let mut own: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes no more than `size` bytes.
    let known = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut own, size, 0) } == 0;
    if known && i32::try_from(own.sched_policy) == Ok(libc::SCHED_OTHER) {
        own.size = size;
        own.sched_runtime = SLICE_NS;
        // SAFETY: the kernel reads `size` bytes, which are initialised.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const own, 0) };
    }
}
