//! The control groups by which a sandbox is limited.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait::c_path,
    files::{overwrite, write_back, Folder},
    kernel::{
        call,
        Arg::{Number, Text},
        NOTHING,
    },
};
use libc::{EACCES, ENOENT, EPERM, EROFS};

/// Where a hierarchy of groups is mounted.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc/self/mounts");
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.filter(|f| f[2].starts_with("cgroup")).map(|f| PathBuf::from(f[1])).collect()
}

/// The group of this process in each: named in `/proc` from outside, or the mount's own root.
fn own_groups() -> Vec<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").expect("/proc/self/cgroup");
    let names: Vec<&str> = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).collect();
    let mut found = Vec::new();
    for hierarchy in hierarchies() {
        let places = names.iter().map(|name| hierarchy.join(name.trim_start_matches('/')));
        found.extend(places.filter(|place| place.is_dir()));
        found.push(hierarchy);
    }
    found
}

/// Tries every place; the first that works is enough.
fn any(places: Vec<PathBuf>, act: impl Fn(&Path) -> Outcome) -> Outcome {
    let mut last = refused("no control group is to be seen");
    for place in places {
        match act(&place) {
            Ok(()) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

#[test]
fn moves_itself_to_a_control_group() {
    Attempt::refused_by(&[EROFS, EACCES, EPERM, ENOENT])
        .judge(|| any(own_groups(), |group| overwrite(&group.join("cgroup.procs"), b"0")));
}

#[test]
fn makes_a_control_group() {
    Attempt::refused_by(&[EROFS, EACCES, EPERM, ENOENT]).judge(|| {
        any(own_groups(), |group| {
            let new = group.join(format!("libcmatrix-escape-{}", std::process::id()));
            fs::create_dir(&new)?;
            fs::remove_dir(&new)
        })
    });
}

/// What that file names is started on the host when the last process of a group ends. It is in the
/// root of hierarchies of the first version only.
#[test]
fn names_a_program_for_the_host_to_start() {
    const FILE: &str = "release_agent";
    Attempt::refused_by(&[EROFS, EACCES, EPERM, ENOENT]).absent_by(&[ENOENT]).judge(|| {
        let places: Vec<_> = hierarchies().into_iter().filter(|h| h.join(FILE).is_file()).collect();
        if places.is_empty() {
            return Err(io::Error::from_raw_os_error(ENOENT));
        }
        any(places, |hierarchy| write_back(hierarchy.join(FILE)))
    });
}

#[test]
fn mounts_the_control_groups() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let folder = Folder::new();
        let at = c_path(folder.at(""));
        call(libc::SYS_mount, [Text(c"none"), Text(&at), Text(c"cgroup2"), NOTHING, NOTHING])?;
        call(libc::SYS_umount2, [Text(&at), Number(libc::MNT_DETACH.into())]).map(drop)
    });
}
