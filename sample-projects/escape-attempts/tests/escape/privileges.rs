//! Rights: those that a process has, and ways to get more.

use std::{fs, io, os::unix::fs::PermissionsExt};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait::c_path,
    files::{own_status, Folder},
    kernel::{
        call,
        Arg::{Bytes, Number, Text, Words},
        NOTHING,
    },
};
use libc::{EACCES, EPERM};

/// A user id that is nobody's.
const SOMEBODY: i64 = 54321;

fn status_must_not_be(key: &str, safe: &str) -> Outcome {
    match own_status(key) {
        value if value == safe => Err(refused(format!("{key} is {value}"))),
        _ => Ok(()),
    }
}

/// A program with the set-user-id bit, or with capabilities of its own, would be more than this one.
#[test]
fn may_gain_rights_by_executing() {
    Attempt::refused_by(&[]).judge(|| status_must_not_be("NoNewPrivs", "1"));
}

#[test]
fn calls_the_kernel_unfiltered() {
    Attempt::refused_by(&[]).judge(|| status_must_not_be("Seccomp", "2"));
}

#[test]
fn has_capabilities() {
    Attempt::refused_by(&[]).judge(|| {
        let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
        let some = sets.iter().find(|set| own_status(set).bytes().any(|digit| digit != b'0'));
        some.map(drop).ok_or_else(|| refused("all sets are empty"))
    });
}

#[test]
fn gives_itself_a_capability() {
    const VERSION_3: u64 = 0x2008_0522;
    const SYS_ADMIN: u64 = 1 << 21;
    Attempt::refused_by(&[EPERM]).judge(|| {
        // Effective and permitted, inheritable: 32 bits each, first the lower halves.
        let sets = [SYS_ADMIN | SYS_ADMIN << 32, 0, 0];
        call(libc::SYS_capset, [Words(&[VERSION_3]), Words(&sets)]).map(drop)
    });
}

#[test]
fn becomes_another_user() {
    Attempt::refused_by(&[EPERM]).judge(|| call(libc::SYS_setuid, [Number(SOMEBODY)]).map(drop));
}

#[test]
fn joins_another_group() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let groups = 54321_u32.to_ne_bytes();
        call(libc::SYS_setgroups, [Number(1), Bytes(&groups)]).map(drop)
    });
}

fn with_a_file(act: impl FnOnce(&std::ffi::CStr) -> io::Result<i64>) -> Outcome {
    let folder = Folder::new();
    let path = folder.file("file", b"content");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("one's own file");
    act(&c_path(path)).map(drop)
}

#[test]
fn gives_a_file_away() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        with_a_file(|path| {
            let (at, owner) = (Number(libc::AT_FDCWD.into()), Number(SOMEBODY));
            call(libc::SYS_fchownat, [at, Text(path), owner, Number(SOMEBODY), NOTHING])
        })
    });
}

#[test]
fn reads_a_file_that_nobody_may_read() {
    Attempt::refused_by(&[EACCES]).judge(|| {
        with_a_file(|path| {
            let at = Number(libc::AT_FDCWD.into());
            call(libc::SYS_openat, [at, Text(path), Number(libc::O_RDONLY.into()), NOTHING])
        })
    });
}

/// What executes such a file has them.
#[test]
fn gives_capabilities_to_a_file() {
    const VERSION_2: u32 = 0x0200_0000;
    const NET_RAW: u32 = 1 << 13;
    Attempt::refused_by(&[EPERM]).judge(|| {
        with_a_file(|path| {
            let words = [VERSION_2, NET_RAW, 0, 0, 0].map(u32::to_le_bytes);
            let value = words.as_flattened();
            let length = Number(value.len() as i64);
            let name = Text(c"security.capability");
            call(libc::SYS_setxattr, [Text(path), name, Bytes(value), length, NOTHING])
        })
    });
}
