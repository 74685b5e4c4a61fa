use std::ffi::CStr;
use std::process::Command;
use std::ptr::null;

const ENOEXEC: i32 = 8;

/// Executes the file in a forked child. 0 if the child ended well, else the error of `execvp`.
fn execute(file: &CStr) -> i32 {
    let arguments = [file.as_ptr(), null()];
    // SAFETY: the child calls nothing but execvp and _exit, and its arguments are terminated.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::execvp(file.as_ptr(), arguments.as_ptr());
            libc::_exit(*libc::__errno_location());
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert!(libc::WIFEXITED(status));
        libc::WEXITSTATUS(status)
    }
}

#[test]
fn executes_a_script_without_a_first_line() {
    let error = execute(c"./tests/script");
    assert_ne!(error, ENOEXEC, "execvp: Exec format error");
    assert_eq!(error, 0);
}

#[test]
fn hands_the_script_to_a_shell() {
    assert!(Command::new("sh")
        .arg("./tests/script")
        .status()
        .unwrap()
        .success());
}
