//! What all who share a machine have in common: clock, names, priority, power. Set to what it is.

use std::fs;

use escape_attempts::{
    attempt::Attempt,
    kernel::{
        call,
        Arg::{Bytes, Number, Words, WordsBack},
        NOTHING,
    },
};
use libc::{EACCES, EPERM};

const SET: Attempt = Attempt::refused_by(&[EPERM]);
const REALTIME: i64 = libc::CLOCK_REALTIME as i64;

/// Seconds and nanoseconds.
fn now() -> [u64; 2] {
    let mut now = [0; 2];
    call(libc::SYS_clock_gettime, [Number(REALTIME), WordsBack(&mut now)]).expect("the time");
    now
}

#[test]
fn sets_the_clock() {
    SET.judge(|| call(libc::SYS_clock_settime, [Number(REALTIME), Words(&now())]).map(drop));
}

#[test]
fn sets_the_time_of_day() {
    SET.judge(|| {
        let [seconds, nanoseconds] = now();
        call(libc::SYS_settimeofday, [Words(&[seconds, nanoseconds / 1000]), NOTHING]).map(drop)
    });
}

#[test]
fn moves_the_clock() {
    const ADJ_SETOFFSET: u64 = 0x100;
    SET.judge(|| {
        // `struct timex`, with the offset 0.
        let mut change = [0; 26];
        change[0] = ADJ_SETOFFSET;
        call(libc::SYS_clock_adjtime, [Number(REALTIME), WordsBack(&mut change)]).map(drop)
    });
}

/// The names are in `/proc/sys`, each with a line's end.
fn name(file: &str) -> Vec<u8> {
    let text = fs::read_to_string(format!("/proc/sys/kernel/{file}")).expect("the name");
    text.trim_end().as_bytes().to_vec()
}

#[test]
fn sets_the_host_name() {
    SET.judge(|| {
        let name = name("hostname");
        let length = Number(name.len() as i64);
        call(libc::SYS_sethostname, [Bytes(&name), length]).map(drop)
    });
}

#[test]
fn sets_the_domain_name() {
    SET.judge(|| {
        let name = name("domainname");
        let length = Number(name.len() as i64);
        call(libc::SYS_setdomainname, [Bytes(&name), length]).map(drop)
    });
}

/// Of all that the call can do, what the three keys do is the least, and it is left as it is.
#[test]
fn decides_how_the_machine_is_restarted() {
    SET.judge(|| {
        let keys = fs::read_to_string("/proc/sys/kernel/ctrl-alt-del").unwrap_or_default();
        let command = match keys.trim() {
            "1" => libc::LINUX_REBOOT_CMD_CAD_ON,
            _ => libc::LINUX_REBOOT_CMD_CAD_OFF,
        };
        let [first, second] = [libc::LINUX_REBOOT_MAGIC1, libc::LINUX_REBOOT_MAGIC2]
            .map(|n| Number((n as u32).into()));
        call(libc::SYS_reboot, [first, second, Number((command as u32).into()), NOTHING]).map(drop)
    });
}

#[test]
fn takes_precedence_over_other_processes() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let (whom, niceness) = (Number(libc::PRIO_PROCESS as i64), Number(-5));
        call(libc::SYS_setpriority, [whom, NOTHING, niceness]).map(drop)
    });
}
