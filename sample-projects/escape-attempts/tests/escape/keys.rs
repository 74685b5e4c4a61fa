//! The kernel's keyrings, which no namespace holds: whoever has the same user id sees the same.

use escape_attempts::{
    attempt::{granted, Attempt},
    files::must_say_something,
    kernel::{
        call, call_32,
        Arg::{Bytes, Number, Text},
        NOTHING,
    },
};
use libc::{EACCES, ENOENT, ENOKEY, EPERM};

const PROCESS_KEYRING: i64 = -2;
const SESSION_KEYRING: i64 = -3;

fn add_a_key() -> std::io::Result<i64> {
    let (value, length) = (Bytes(b"secret"), Number(6));
    call(
        libc::SYS_add_key,
        [Text(c"user"), Text(c"libcmatrix-escape"), value, length, Number(PROCESS_KEYRING)],
    )
}

#[test]
fn adds_a_key() {
    Attempt::refused_by(&[EPERM]).judge(|| add_a_key().map(drop));
}

#[test]
fn joins_another_session_of_keys() {
    const JOIN_SESSION_KEYRING: i64 = 1;
    Attempt::refused_by(&[EPERM])
        .judge(|| call(libc::SYS_keyctl, [Number(JOIN_SESSION_KEYRING), NOTHING]).map(drop));
}

/// There is no such key, which is noticed after the search has been granted.
#[test]
fn asks_for_a_key() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let key = call(
            libc::SYS_request_key,
            [Text(c"user"), Text(c"libcmatrix-no-such-key"), NOTHING, NOTHING],
        );
        granted(key, &[ENOKEY])
    });
}

#[test]
fn finds_its_session_of_keys_by_the_32_bit_entry() {
    const KEYCTL: i32 = 288;
    Attempt::refused_by(&[EPERM])
        .judge(|| call_32(KEYCTL, [0, SESSION_KEYRING as i32, 1]).map(drop));
}

#[test]
fn lists_the_keys() {
    Attempt::refused_by(&[ENOENT, EPERM, EACCES]).judge(|| {
        // So that there is one; where that is refused there may still be those of others.
        let _ = add_a_key();
        must_say_something("/proc/keys")
    });
}
