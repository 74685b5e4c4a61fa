//! Goes through a whole tree, however deep, without following a link.
//!
//! Takes an open folder and a visitor; gives the visitor every name in it, folders after what is in
//! them. Two descriptors are enough for any depth, and nothing recurses: a sandbox can leave a
//! tree of ten thousand levels behind.

use std::{
    ffi::{CStr, CString},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    attributes::set_mode,
    place::{Id, id, open_name},
};

/// A folder on the way.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub folder: BorrowedFd<'a>,
    pub id: Id,
}

/// What is done with the names in a tree.
pub(super) trait Visitor {
    /// Why it ends early.
    type Error: From<Errno>;

    /// Anything but a folder.
    fn file(&mut self, here: Here<'_>, name: &CStr) -> Result<(), Self::Error>;

    /// A folder, before what is in it. What is in it is left out on `false`.
    fn enter(
        &mut self,
        _folder: Here<'_>,
        _name: &CStr,
        _stat: &Stat,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }

    /// A folder, after what is in it.
    fn leave(&mut self, here: Here<'_>, name: &CStr, folder: Here<'_>) -> Result<(), Self::Error>;

    /// A folder could not be opened.
    fn unopened(&mut self, _here: Here<'_>, _name: &CStr, errno: Errno) -> Result<(), Self::Error> {
        Err(errno.into())
    }

    /// Whether modes are changed where they forbid the owner to go on.
    fn may_change_modes(&self) -> bool;
}

struct Level {
    id: Id,
    /// Its name in the folder above.
    name: CString,
    /// Folders in it that were not visited yet.
    folders: Vec<CString>,
}

/// Goes through everything in the folder of that name, but not the folder itself.
pub(super) fn walk<V: Visitor>(
    above: BorrowedFd<'_>,
    name: &CStr,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let mut folder = open_folder(above, name, visitor.may_change_modes())?;
    let stat = rustix::fs::fstat(&folder)?;
    let folders = files(visitor, &folder, id(&stat))?;
    let mut levels = vec![Level { id: id(&stat), name: CString::default(), folders }];
    while let Some(level) = levels.last_mut() {
        let above = level.id;
        if let Some(name) = level.folders.pop() {
            let here = Here { folder: folder.as_fd(), id: above };
            let opened = open_folder(folder.as_fd(), &name, visitor.may_change_modes());
            let inner = match opened {
                Ok(inner) => inner,
                // Somebody else has removed it, or put something else there.
                Err(Errno::NOENT) => continue,
                Err(errno) => {
                    visitor.unopened(here, &name, errno)?;
                    continue;
                }
            };
            let stat = rustix::fs::fstat(&inner)?;
            let inside = Here { folder: inner.as_fd(), id: id(&stat) };
            if visitor.enter(inside, &name, &stat)? {
                let folders = files(visitor, &inner, id(&stat))?;
                levels.push(Level { id: id(&stat), name, folders });
                folder = inner;
            } else {
                visitor.leave(here, &name, inside)?;
            }
        } else if let Some(done) = levels.pop()
            && let Some(above) = levels.last()
        {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let upper = rustix::fs::openat(&folder, c"..", flags, Mode::empty())?;
            // Whoever moves a folder away while it is walked through must not lead the walk out.
            if id(&rustix::fs::fstat(&upper)?) != above.id {
                return Err(Errno::STALE.into());
            }
            let here = Here { folder: upper.as_fd(), id: above.id };
            let left = Here { folder: folder.as_fd(), id: done.id };
            visitor.leave(here, &done.name, left)?;
            folder = upper;
        }
    }
    Ok(())
}

/// Gives the visitor what is in a folder; gives the folders among it. Both in order of their names.
fn files<V: Visitor>(visitor: &mut V, folder: &OwnedFd, id: Id) -> Result<Vec<CString>, V::Error> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut folders = Vec::new();
    for (name, mut kind) in names {
        if kind == FileType::Unknown {
            let stat = rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        if kind == FileType::Directory {
            folders.push(name);
        } else {
            visitor.file(Here { folder: folder.as_fd(), id }, &name)?;
        }
    }
    folders.reverse();
    Ok(folders)
}

/// Opens a folder, whatever its mode if that may be changed.
fn open_folder(above: BorrowedFd<'_>, name: &CStr, change_mode: bool) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(above, name, flags, Mode::empty());
    let folder = match open() {
        Err(Errno::ACCESS) if change_mode => {
            let closed = open_name(above, name.to_bytes())?;
            let stat = rustix::fs::fstat(&closed)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Err(Errno::NOTDIR);
            }
            set_mode(closed.as_fd(), stat.st_mode & 0o7777 | 0o700)?;
            open()?
        }
        opened => opened?,
    };
    if change_mode {
        let mode = rustix::fs::fstat(&folder)?.st_mode & 0o7777;
        if mode & 0o700 != 0o700 {
            // If this is forbidden, what needs it says so.
            let _ = rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode | 0o700));
        }
    }
    Ok(folder)
}
