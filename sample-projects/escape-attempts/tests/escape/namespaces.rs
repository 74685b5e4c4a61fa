//! New namespaces, in which one would have all capabilities, and those of others.

use std::fs::File;

use escape_attempts::{
    attempt::{Attempt, Outcome},
    bait,
    files::descriptor,
    kernel::{
        call,
        Arg::{Number, Words},
        NOTHING,
    },
};
use libc::{EPERM, ESRCH};

const NEW: Attempt = Attempt::refused_by(&[EPERM]);

fn unshare(flags: libc::c_int) -> Outcome {
    call(libc::SYS_unshare, [Number(flags.into())]).map(drop)
}

#[test]
fn makes_a_user_namespace() {
    NEW.judge(|| unshare(libc::CLONE_NEWUSER));
}

#[test]
fn makes_a_network_namespace() {
    NEW.judge(|| unshare(libc::CLONE_NEWNET));
}

#[test]
fn makes_a_mount_namespace() {
    NEW.judge(|| unshare(libc::CLONE_NEWNS));
}

#[test]
fn makes_a_process_namespace() {
    NEW.judge(|| unshare(libc::CLONE_NEWPID));
}

#[test]
fn makes_a_control_group_namespace() {
    NEW.judge(|| unshare(libc::CLONE_NEWCGROUP));
}

/// Both calls return twice, the second time in the child, which has nothing to do.
fn end_the_child(made: i64) {
    if made == 0 {
        // SAFETY: ends the child without running what belongs to the process it was made from.
        unsafe { libc::_exit(0) }
    }
    // SAFETY: waits for that child; no status is asked for.
    unsafe { libc::waitpid(made as i32, std::ptr::null_mut(), 0) };
}

#[test]
fn starts_a_process_in_a_user_namespace() {
    NEW.judge(|| {
        let flags = Number((libc::CLONE_NEWUSER | libc::SIGCHLD).into());
        call(libc::SYS_clone, [flags, NOTHING, NOTHING, NOTHING, NOTHING]).map(end_the_child)
    });
}

/// A filter cannot look into the structure that this call takes.
#[test]
fn starts_a_process_in_a_user_namespace_by_clone3() {
    NEW.judge(|| {
        // flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls
        let arguments = [libc::CLONE_NEWUSER as u64, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
        let size = Number(size_of_val(&arguments) as i64);
        call(libc::SYS_clone3, [Words(&arguments), size]).map(end_the_child)
    });
}

#[test]
fn enters_a_namespace_by_its_file() {
    NEW.judge(|| {
        let namespace = File::open("/proc/self/ns/net").expect("one's own namespace");
        call(libc::SYS_setns, [descriptor(&namespace), Number(libc::CLONE_NEWNET.into())]).map(drop)
    });
}

#[test]
fn enters_the_namespaces_of_an_outside_process() {
    Attempt::refused_by(&[EPERM, ESRCH]).judge(|| {
        let process = call(libc::SYS_pidfd_open, [Number(bait::process()), NOTHING])?;
        call(libc::SYS_setns, [Number(process), Number(libc::CLONE_NEWNET.into())]).map(drop)
    });
}
