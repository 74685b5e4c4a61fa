//! Tests that pass, but leave processes behind: a child that nobody waits for and that still holds
//! the test's output open, one that holds nothing, and a daemon that has left its parent, its session
//! and its terminal. What is left is found and killed before the next test, and the outcome is
//! "leaked", on both sides alike. The last test cleans up after itself and has merely passed.

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[test]
    #[allow(clippy::zombie_processes)]
    fn leaves_a_child_that_holds_the_output() {
        sleeper().spawn().unwrap();
    }

    #[test]
    #[allow(clippy::zombie_processes)]
    fn leaves_a_silent_child() {
        sleeper()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
    }

    #[test]
    fn leaves_a_daemon() {
        // SAFETY: the two children call nothing but what is safe to call after a fork.
        unsafe {
            let child = libc::fork();
            assert!(child >= 0);
            if child == 0 {
                libc::setsid();
                if libc::fork() == 0 {
                    for descriptor in 0..3 {
                        libc::close(descriptor);
                    }
                    libc::sleep(600);
                }
                libc::_exit(0);
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert_eq!(status, 0);
        }
    }

    #[test]
    fn leaves_nothing() {
        let mut child = sleeper().spawn().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
