//! Changing what is mounted where. Outside, in a mount namespace of the attempt's own.

use escape_attempts::{
    attempt::Attempt,
    bait::c_path,
    files::Folder,
    kernel::{
        call,
        Arg::{Number, Text},
        NOTHING,
    },
};
use libc::{EACCES, EPERM};

const REMOUNT: Attempt = Attempt::refused_by(&[EPERM, EACCES]);

#[test]
fn mounts_a_file_system() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let folder = Folder::new();
        let at = c_path(folder.at(""));
        call(libc::SYS_mount, [Text(c"none"), Text(&at), Text(c"tmpfs"), NOTHING, NOTHING])?;
        call(libc::SYS_umount2, [Text(&at), NOTHING])?;
        Ok(())
    });
}

#[test]
fn mounts_the_root_at_another_place() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let folder = Folder::new();
        let at = c_path(folder.at(""));
        let flags = Number(libc::MS_BIND as i64);
        call(libc::SYS_mount, [Text(c"/"), Text(&at), NOTHING, flags, NOTHING])?;
        call(libc::SYS_umount2, [Text(&at), NOTHING])?;
        Ok(())
    });
}

fn remount(at: &std::ffi::CStr) -> std::io::Result<()> {
    let flags = Number((libc::MS_REMOUNT | libc::MS_BIND) as i64);
    call(libc::SYS_mount, [NOTHING, Text(at), NOTHING, flags, NOTHING]).map(drop)
}

#[test]
fn makes_the_root_writable() {
    REMOUNT.judge(|| remount(c"/"));
}

#[test]
fn makes_proc_writable() {
    REMOUNT.judge(|| remount(c"/proc"));
}

#[test]
fn mounts_a_proc_without_masks() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let folder = Folder::new();
        let at = c_path(folder.at(""));
        call(libc::SYS_mount, [Text(c"none"), Text(&at), Text(c"proc"), NOTHING, NOTHING])?;
        call(libc::SYS_umount2, [Text(&at), NOTHING])?;
        Ok(())
    });
}

/// What masks are made of.
#[test]
fn unmounts_proc() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        call(libc::SYS_umount2, [Text(c"/proc"), Number(libc::MNT_DETACH.into())]).map(drop)
    });
}

#[test]
fn takes_another_root() {
    // The old root is stacked on the new one, which needs no folder for it.
    Attempt::refused_by(&[EPERM, EACCES])
        .judge(|| call(libc::SYS_pivot_root, [Text(c"/dev/shm"), Text(c"/dev/shm")]).map(drop));
}

/// The first step of the oldest way out.
#[test]
fn changes_the_root_folder() {
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| call(libc::SYS_chroot, [Text(c"/")]).map(drop));
}

/// The calls of the newer interface, which an older list of forbidden calls does not know.
#[test]
fn prepares_a_file_system_to_mount() {
    Attempt::refused_by(&[EPERM, EACCES])
        .judge(|| call(libc::SYS_fsopen, [Text(c"tmpfs"), NOTHING]).map(drop));
}

#[test]
fn copies_a_tree_of_mounts() {
    const OPEN_TREE_CLONE: i64 = 1;
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        let at = Number(libc::AT_FDCWD.into());
        call(libc::SYS_open_tree, [at, Text(c"/"), Number(OPEN_TREE_CLONE)]).map(drop)
    });
}
