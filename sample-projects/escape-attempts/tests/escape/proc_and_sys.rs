//! What `/proc` and `/sys` tell of the machine, and let change on it. Everything that is written is
//! what was there.

use std::{
    fs::{self, File},
    io::Read,
};

use escape_attempts::{
    attempt::{refused, Attempt},
    files::{must_say_something, overwrite, write_back},
};
use libc::{EACCES, ENOENT, EPERM, EROFS};

const WRITE: Attempt = Attempt::refused_by(&[EROFS, EACCES, EPERM, ENOENT]);
const READ: Attempt = Attempt::refused_by(&[EACCES, EPERM, ENOENT]);

/// The kernel would start that program on the host for every crash.
#[test]
fn writes_to_core_pattern() {
    WRITE.judge(|| write_back("/proc/sys/kernel/core_pattern"));
}

/// `h` is for help.
#[test]
fn writes_to_sysrq_trigger() {
    WRITE.absent_by(&[ENOENT]).judge(|| overwrite("/proc/sysrq-trigger".as_ref(), b"h"));
}

#[test]
fn writes_to_the_interrupts() {
    WRITE.judge(|| write_back("/proc/irq/default_smp_affinity"));
}

#[test]
fn writes_to_sys() {
    WRITE.judge(|| write_back("/sys/kernel/rcu_normal"));
}

#[test]
fn reads_the_memory_of_the_kernel() {
    READ.absent_by(&[ENOENT]).judge(|| match File::open("/proc/kcore")?.read(&mut [0; 64])? {
        0 => Err(refused("/proc/kcore is empty")),
        _ => Ok(()),
    });
}

#[test]
fn reads_the_timers_of_the_machine() {
    READ.judge(|| must_say_something("/proc/timer_list"));
}

#[test]
fn reads_the_firmware_of_the_machine() {
    READ.absent_by(&[ENOENT]).judge(|| match fs::read_dir("/sys/firmware")?.count() {
        0 => Err(refused("/sys/firmware is empty")),
        _ => Ok(()),
    });
}

/// What every page of the machine's memory is used for. Docker masks it nowhere.
#[test]
fn reads_the_use_of_all_memory() {
    READ.not_asked_of(&["docker"])
        .judge(|| File::open("/proc/kpageflags")?.read_exact(&mut [0; 64]));
}
