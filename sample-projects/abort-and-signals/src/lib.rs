//! The ways in which a test ends other than by returning, each the same on both sides: an abort, a
//! panic during a panic, the overflow of a Rust thread's stack, signals, exit codes of its own. A
//! test that is killed by SIGKILL was not killed for want of memory. Ignored tests and those that
//! are expected to panic are among them, because they are easily taken for something else.

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    fn kill_myself(signal: i32) {
        // SAFETY: sends a signal to this process and nothing else.
        unsafe {
            libc::kill(libc::getpid(), signal);
            libc::pause();
        }
    }

    #[test]
    fn aborts() {
        std::process::abort();
    }

    #[test]
    fn panics_while_it_panics() {
        struct PanicsAgain;
        impl Drop for PanicsAgain {
            fn drop(&mut self) {
                panic!("the second panic");
            }
        }
        let _again = PanicsAgain;
        panic!("the first panic");
    }

    #[test]
    fn overflows_the_stack_of_a_rust_thread() {
        fn descend(depth: u64) -> u64 {
            let frame = black_box([depth; 512]);
            if depth == u64::MAX {
                return 0;
            }
            descend(depth + 1) + frame[0]
        }
        std::thread::spawn(|| black_box(descend(0))).join().unwrap();
    }

    #[test]
    fn exits_with_code_3() {
        std::process::exit(3);
    }

    #[test]
    fn is_killed_by_sigkill() {
        kill_myself(libc::SIGKILL);
    }

    #[test]
    fn is_killed_by_sigterm() {
        kill_myself(libc::SIGTERM);
    }

    #[test]
    fn reads_where_nothing_is() {
        let nowhere = black_box(16 as *const u32);
        // SAFETY: not safe at all: the fault is the point.
        unsafe { black_box(nowhere.read_volatile()) };
    }

    #[test]
    #[should_panic(expected = "as announced")]
    fn panics_as_announced() {
        panic!("as announced");
    }

    #[test]
    #[should_panic]
    fn does_not_panic_as_announced() {}

    #[test]
    #[ignore = "takes too long"]
    fn is_ignored() {
        panic!("an ignored test was run");
    }

    #[test]
    fn returns_an_error() -> Result<(), String> {
        Err("an error instead of a panic".into())
    }

    #[test]
    fn passes() {}
}
