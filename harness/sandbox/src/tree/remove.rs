//! Removes trees.
//!
//! Takes a path; what is there is gone afterwards, whatever modes are in it and however deep it is.

use std::{
    ffi::{CStr, CString},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags},
    io::Errno,
};

use super::walk::{Here, Visitor, walk};

/// Removes a tree, or a file. What does not exist is no error. Modes that forbid it to the
/// owner are changed; links are removed, not followed.
///
/// # Errors
/// The kernel refuses, e.g. because the caller is not the owner or something is mounted there.
pub fn remove(path: &Path) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, above, flags, Mode::empty()) {
        Ok(above) => Ok(remove_in(above.as_fd(), name.as_bytes())?),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes a name in a folder with everything in it.
pub(super) fn remove_in(above: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::unlinkat(above, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // What the kernel says of a folder.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    let text = CString::new(name).map_err(|_| Errno::INVAL)?;
    match walk(above, &text, &mut Remove) {
        Ok(()) | Err(Errno::NOENT) => {}
        // It is no folder: the first refusal was meant so.
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(Errno::PERM),
        Err(errno) => return Err(errno),
    }
    gone(rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR))
}

/// Somebody else may remove the same.
fn gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

struct Remove;

impl Visitor for Remove {
    type Error = Errno;

    fn file(&mut self, here: Here<'_>, name: &CStr) -> Result<(), Errno> {
        gone(rustix::fs::unlinkat(here.folder, name, AtFlags::empty()))
    }

    fn leave(&mut self, here: Here<'_>, name: &CStr, _: Here<'_>) -> Result<(), Errno> {
        gone(rustix::fs::unlinkat(here.folder, name, AtFlags::REMOVEDIR))
    }

    fn may_change_modes(&self) -> bool {
        true
    }
}
