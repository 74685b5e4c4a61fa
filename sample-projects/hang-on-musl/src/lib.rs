//! After a fork, the child has one thread, and a copy of every lock that other threads held and will
//! never release. POSIX allows such a child almost nothing, but glibc is kind: its `fork` makes the
//! locks of stdio free again, so a child that prints with `puts` works. musl leaves them as they
//! were. If another thread holds the lock of stdout at the moment of the fork, the child waits for
//! it for ever, and its parent waits for the child. Nothing here depends on luck: the lock is known
//! to be held.

extern "C" {
    fn print_in_a_child(busy: i32) -> i32;
}

/// Prints a line of C's stdio in a forked child and returns the child's wait status. When `busy`,
/// another thread is in the middle of printing.
pub fn print_in_child(busy: bool) -> i32 {
    // SAFETY: the function takes a number, and joins the thread that it starts.
    unsafe { print_in_a_child(busy.into()) }
}

#[cfg(test)]
mod tests {
    use super::print_in_child;

    #[test]
    fn a_child_prints() {
        assert_eq!(print_in_child(false), 0);
    }

    #[test]
    fn a_child_prints_while_a_thread_does() {
        assert_eq!(print_in_child(true), 0);
    }
}
