//! Files outside, and those inside that are not the project's.

use std::{fs, path::Path};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait,
    files::must_be_writable,
};
use libc::{EACCES, ENOENT, EPERM, EROFS};

const READ: Attempt = Attempt::refused_by(&[ENOENT, EACCES, EPERM]);
const WRITE: Attempt = Attempt::refused_by(&[EROFS, EACCES, EPERM]);

#[test]
fn reads_a_file_in_the_hosts_tmp() {
    READ.judge(|| fs::read(bait::file()).map(drop));
}

#[test]
fn reads_a_file_in_the_users_home() {
    READ.judge(|| fs::read(bait::file_at_home()).map(drop));
}

/// Tries every regular file below a folder, a few levels deep; the first that works is enough.
fn overwrite_any(folder: &Path, depth: usize) -> Outcome {
    let mut last = refused(format!("{} is empty", folder.display()));
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let result = match entry.file_type()? {
            kind if kind.is_dir() && depth > 0 => overwrite_any(&path, depth - 1),
            kind if kind.is_file() => must_be_writable(&path),
            _ => continue,
        };
        match result {
            Ok(()) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// It runs the tests and says what came of them. Nothing of it is changed.
#[test]
fn overwrites_the_agent() {
    WRITE.judge(|| {
        let folder = bait::agent_folder();
        assert!(folder.is_dir(), "{} is not there", folder.display());
        overwrite_any(&folder, 3)
    });
}

/// They are the same for all that is built on this machine.
#[test]
fn adds_to_the_dependencies() {
    WRITE.judge(|| {
        let folder = bait::dependencies();
        assert!(folder.is_dir(), "{} is not there", folder.display());
        let file = folder.join("escape");
        fs::write(&file, b"")?;
        fs::remove_file(&file)
    });
}
