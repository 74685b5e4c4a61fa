//! Mounts that are made first and attached later.
//!
//! A mount that is not attached anywhere yet has no path that anyone could turn into a link to
//! somewhere else; and what needs the machine's own tree (its /proc, its devices) can be made before
//! that tree is left, and attached after.

use std::{
    ffi::CString,
    fs, io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::CWD,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
        fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
    },
};

use crate::failed::{Doing, Failed};

/// What holds for everything that is not the image itself.
pub(crate) const NO_PRIVILEGE: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Where nothing is to be executed either.
pub(crate) const DATA_ONLY: MountAttrFlags = NO_PRIVILEGE.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Makes a file system. An option without a value is a flag.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failed> {
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            if value.is_empty() {
                fsconfig_set_flag(context.as_fd(), *key)?;
            } else {
                fsconfig_set_string(context.as_fd(), *key, *value)?;
            }
        }
        fsconfig_create(context.as_fd())?;
        fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    make().doing(format!("mounting a file system of type {kind}"))
}

/// A second view of a file or folder, for another place.
///
/// # Errors
/// It does not exist, or the kernel refuses.
pub(crate) fn view(of: &Path, attributes: MountAttrFlags) -> Result<OwnedFd, Failed> {
    cloned(of, OpenTreeFlags::empty(), attributes)
}

/// A second view with everything that is mounted below.
///
/// # Errors
/// It does not exist, or the kernel refuses.
pub(crate) fn view_with_all_below(
    of: &Path,
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failed> {
    cloned(of, OpenTreeFlags::AT_RECURSIVE, attributes)
}

fn cloned(
    of: &Path,
    recursive: OpenTreeFlags,
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failed> {
    let what = || format!("mounting {}", of.display());
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | recursive;
    let mount = open_tree(CWD, of, flags).doing(what())?;
    let recursive = !recursive.is_empty();
    set_attributes(&mount, recursive, attributes).doing(what())?;
    Ok(mount)
}

/// Makes a mounted place read-only, what is mounted below it excepted.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn make_read_only(at: &Path) -> Result<(), Failed> {
    let what = || format!("making {} read-only", at.display());
    let place = fs::File::open(at).doing(what())?;
    set_attributes(&place, false, MountAttrFlags::MOUNT_ATTR_RDONLY).doing(what())
}

/// `mount_setattr(2)` with nothing but attributes to set. A remount would cover the top mount only
/// and would have to repeat what is set already.
fn set_attributes(
    mount: &impl AsRawFd,
    recursive: bool,
    attributes: MountAttrFlags,
) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: u64::from(attributes.bits()),
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a constant C string, and the kernel reads as many bytes of `attributes`
    // as the last argument says, which is its size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Attaches a mount at a place that exists.
///
/// # Errors
/// The place does not exist, or the kernel refuses.
pub(crate) fn attach(mount: &OwnedFd, at: &Path) -> Result<(), Failed> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    move_mount(mount.as_fd(), c"", CWD, at, flags).doing(format!("mounting at {}", at.display()))
}

/// Attaches a mount at a folder, which is made if it does not exist.
///
/// # Errors
/// The folder cannot be made, or the kernel refuses.
pub(crate) fn attach_at_folder(mount: &OwnedFd, at: &Path) -> Result<(), Failed> {
    make_folder(at)?;
    attach(mount, at)
}

/// Makes a folder and all above it. One that exists stays as it is.
///
/// # Errors
/// Something else is in its place, or nothing may be written there.
pub(crate) fn make_folder(at: &Path) -> Result<(), Failed> {
    fs::create_dir_all(at).doing(format!("making the folder {}", at.display()))
}

/// Attaches a mount at a file, which is made if it does not exist.
///
/// # Errors
/// The file cannot be made, or the kernel refuses.
pub(crate) fn attach_at_file(mount: &OwnedFd, at: &Path) -> Result<(), Failed> {
    // What exists is only covered, never opened: it may be a pipe without an end.
    if !at.exists() {
        if let Some(folder) = at.parent() {
            make_folder(folder)?;
        }
        // A link to nowhere.
        let _ = fs::remove_file(at);
        fs::File::create(at).doing(format!("making the file {}", at.display()))?;
    }
    attach(mount, at)
}

/// The path as the kernel takes it.
///
/// # Errors
/// It has a zero byte in it.
pub(crate) fn text(path: &Path) -> Result<String, Failed> {
    let what = || format!("mounting {}", path.display());
    CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(io::Error::other)
        .doing(what())?
        .into_string()
        .map_err(|_| Failed::new(what(), "its path is not in UTF-8"))
}
