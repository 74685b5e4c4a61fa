//! The machine's devices, and the terminal of whoever started all this.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait::c_path,
    files::Folder,
    kernel::{
        call,
        Arg::{Bytes, Number, Text},
    },
};
use libc::{EACCES, ENOENT, ENOTTY, ENXIO, EPERM};

/// What a sandbox's `/dev` may have: none of it is a part of the machine.
const HARMLESS: [&str; 18] = [
    "console", "core", "fd", "full", "log", "mqueue", "null", "ptmx", "pts", "random", "shm",
    "stderr", "stdin", "stdout", "tty", "urandom", "zero", "initctl",
];

/// Number and name of every block device: the kernel tells everybody. Where it does not, what the
/// first disk often has. Some machines guard the disk that they run from even against root, so any
/// device will do.
fn disks() -> Vec<(u32, u32, String)> {
    let partitions = fs::read_to_string("/proc/partitions").unwrap_or_default();
    let lines = partitions.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found: Vec<_> = lines
        .filter_map(|fields| match fields[..] {
            [major, minor, _, name] => {
                Some((major.parse().ok()?, minor.parse().ok()?, name.to_owned()))
            }
            _ => None,
        })
        .collect();
    for entry in fs::read_dir("/sys/block").into_iter().flatten().flatten() {
        let number = fs::read_to_string(entry.path().join("dev")).unwrap_or_default();
        let parts = number.trim().split_once(':');
        if let Some((Ok(major), Ok(minor))) = parts.map(|(a, b)| (a.parse(), b.parse())) {
            found.push((major, minor, entry.file_name().to_string_lossy().into_owned()));
        }
    }
    found.push((8, 0, "sda".to_owned()));
    found
}

/// Tries every disk; the first that works is enough.
fn any_disk(act: impl Fn(u32, u32, &str) -> Outcome) -> Outcome {
    let mut last = refused("there is no disk");
    for (major, minor, name) in disks() {
        match act(major, minor, &name) {
            Ok(()) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn make_device(kind: libc::mode_t, major: u32, minor: u32) -> Outcome {
    let folder = Folder::new();
    let path = folder.at("device");
    let at = Number(libc::AT_FDCWD.into());
    let mode = Number((kind | 0o600).into());
    let device = Number(libc::makedev(major, minor) as i64);
    call(libc::SYS_mknodat, [at, Text(&c_path(&path)), mode, device])?;
    read_a_block(&path)
}

fn read_a_block(path: &Path) -> Outcome {
    File::open(path)?.read(&mut [0; 512]).map(drop)
}

#[test]
fn makes_a_disk_and_reads_it() {
    Attempt::refused_by(&[EPERM, EACCES])
        .judge(|| any_disk(|major, minor, _| make_device(libc::S_IFBLK, major, minor)));
}

/// The kernel's log as a character device.
#[test]
fn makes_a_character_device_and_reads_it() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| make_device(libc::S_IFCHR, 1, 11));
}

#[test]
fn opens_a_disk() {
    Attempt::refused_by(&[ENOENT, EPERM, EACCES])
        .judge(|| any_disk(|_, _, name| read_a_block(&Path::new("/dev").join(name))));
}

#[test]
fn finds_devices_of_the_machine() {
    Attempt::refused_by(&[]).judge(|| {
        let names = fs::read_dir("/dev").expect("/dev").flatten().map(|e| e.file_name());
        let found: Vec<_> =
            names.filter(|name| HARMLESS.iter().all(|harmless| *name != *harmless)).collect();
        if found.is_empty() {
            Err(refused("/dev has no other devices"))
        } else {
            Ok(())
        }
    });
}

/// Terminals of others: the number of the one that the trial has is not known, so any.
#[test]
fn finds_terminals_of_others() {
    Attempt::refused_by(&[]).judge(|| {
        let names = fs::read_dir("/dev/pts").expect("/dev/pts").flatten().map(|e| e.path());
        let found: Vec<PathBuf> = names.filter(|path| !path.ends_with("ptmx")).collect();
        if found.is_empty() {
            Err(refused("/dev/pts is empty"))
        } else {
            Ok(())
        }
    });
}

/// The shell that reads from it later would run what was typed.
#[test]
fn types_into_the_terminal() {
    Attempt::refused_by(&[ENXIO, ENOTTY, ENOENT, EPERM, EACCES]).judge(|| {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let command = Number(libc::TIOCSTI as i64);
        call(libc::SYS_ioctl, [escape_attempts::files::descriptor(&terminal), command, Bytes(b" ")])
            .map(drop)
    });
}
