//! Packs a path of a tree into a tar archive.
//!
//! Takes the tree's root folder and a path in it; gives an archive whose entries begin with the path's
//! last component, as Docker's do, or with `./` where the path is the root itself. No link is
//! followed: one on the way is an error, one inside is packed as a link. Sockets, named pipes and
//! devices are left out. Files of several names become links to the first one.

use std::{
    collections::HashMap,
    ffi::CStr,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use tar::{EntryType, Header};

use super::{
    place::{Id, components, id, open_root},
    shown::shown,
    walk::{Here, Visitor, walk},
};
use crate::failed::Failed;

const BLOCK: u64 = 512;

/// How much is copied at a time.
const CHUNK: usize = 128 * 1024;

/// Packs a path inside a folder. `false` if there is nothing at that path; nothing is written then.
///
/// A file that shrinks meanwhile is filled up with zeros to the size that was said before; what it
/// grows by is left out.
///
/// # Errors
/// The path leads out of the folder or through a link, the kernel refuses, or the output does.
pub fn pack(root: &Path, path: &str, output: impl Write) -> Result<bool, Failed> {
    let what = || format!("cannot pack {}", shown(path.as_bytes()));
    let parts = components(path.as_bytes()).map_err(|why| Failed::new(what(), why))?;
    let failed = |error: Stopped| match error {
        Stopped::Kernel(errno) => Failed::kernel(what(), errno),
        Stopped::Output(error) => Failed::io(what(), &error),
    };
    let root = open_root(root).map_err(|errno| failed(errno.into()))?;
    let mut packer =
        Packer { output, path: Vec::new(), names: HashMap::new(), buffer: vec![0; CHUNK] };
    let Some((name, above)) = parts.split_last() else {
        packer.path.extend_from_slice(b".");
        packer.folder(root.as_fd(), c".").map_err(failed)?;
        packer.end().map_err(|error| failed(error.into()))?;
        return Ok(true);
    };
    let mut folder = root;
    for part in above {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        folder = match rustix::fs::openat(&folder, *part, flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => return Ok(false),
            // What a folder that is none is to the kernel: a file, or a link.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                if is_link(&folder, part) {
                    let why = format!("{} on the way is a symbolic link", shown(part));
                    return Err(Failed::new(what(), why));
                }
                return Ok(false);
            }
            Err(errno) => return Err(failed(errno.into())),
        };
    }
    let stat = match rustix::fs::statat(&folder, *name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(failed(errno.into())),
    };
    let c_name = std::ffi::CString::new(*name)
        .map_err(|_| Failed::new(what(), "its name holds a zero byte"))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        packer.path.extend_from_slice(name);
        packer.folder(folder.as_fd(), &c_name).map_err(failed)?;
    } else {
        let here = Here { folder: folder.as_fd(), id: (0, 0) };
        packer.file(here, &c_name).map_err(failed)?;
    }
    packer.end().map_err(|error| failed(error.into()))?;
    Ok(true)
}

fn is_link(folder: &OwnedFd, name: &[u8]) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

enum Stopped {
    Kernel(Errno),
    Output(io::Error),
}

impl From<Errno> for Stopped {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

struct Packer<W> {
    output: W,
    /// Where the walk is, as entries name it.
    path: Vec<u8>,
    /// Files of several names: the first one.
    names: HashMap<Id, Vec<u8>>,
    buffer: Vec<u8>,
}

impl<W: Write> Packer<W> {
    /// A folder with everything in it. Its name is the path already.
    fn folder(&mut self, above: BorrowedFd<'_>, name: &CStr) -> Result<(), Stopped> {
        let stat = rustix::fs::statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?;
        self.entry(&folder_name(&self.path), &stat, EntryType::Directory, 0, &[])?;
        walk(above, name, self)
    }

    /// Writes an entry's header, preceded by its names if they are too long for one.
    fn entry(
        &mut self,
        name: &[u8],
        stat: &Stat,
        kind: EntryType,
        size: u64,
        target: &[u8],
    ) -> io::Result<()> {
        let mut header = Header::new_gnu();
        if !fill(&mut header.as_old_mut().linkname, target) {
            self.long(EntryType::GNULongLink, target)?;
        }
        if !fill(&mut header.as_old_mut().name, name) {
            self.long(EntryType::GNULongName, name)?;
        }
        header.set_entry_type(kind);
        header.set_mode(stat.st_mode & 0o7777);
        header.set_uid(stat.st_uid.into());
        header.set_gid(stat.st_gid.into());
        header.set_size(size);
        // A time before 1970 has no place in a plain header.
        header.set_mtime(u64::try_from(stat.st_mtime).unwrap_or(0));
        header.set_cksum();
        self.output.write_all(header.as_bytes())
    }

    fn long(&mut self, kind: EntryType, name: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        fill(&mut header.as_old_mut().name, b"././@LongLink");
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        // With the zero byte at its end.
        let size = name.len() as u64 + 1;
        header.set_size(size);
        header.set_cksum();
        self.output.write_all(header.as_bytes())?;
        self.output.write_all(name)?;
        self.zeros(1 + padding(size))
    }

    fn content(&mut self, file: OwnedFd, size: u64) -> io::Result<()> {
        let mut file = std::fs::File::from(file).take(size);
        let mut left = size;
        loop {
            let read = match file.read(&mut self.buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.output.write_all(&self.buffer[..read])?;
            left -= read as u64;
        }
        self.zeros(left)?;
        self.zeros(padding(size))
    }

    fn zeros(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut io::repeat(0).take(count), &mut self.output).map(drop)
    }

    fn end(&mut self) -> io::Result<()> {
        self.zeros(2 * BLOCK)?;
        self.output.flush()
    }

    fn within(&self, name: &CStr) -> Vec<u8> {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        path
    }
}

impl<W: Write> Visitor for Packer<W> {
    type Error = Stopped;

    fn file(&mut self, here: Here<'_>, name: &CStr) -> Result<(), Stopped> {
        let path = self.within(name);
        let Some(stat) = gone(rustix::fs::statat(here.folder, name, AtFlags::SYMLINK_NOFOLLOW))?
        else {
            return Ok(());
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Symlink) {
            return Ok(());
        }
        if let Some(first) = self.names.get(&id(&stat)) {
            let first = first.clone();
            self.entry(&path, &stat, EntryType::Link, 0, &first)?;
            return Ok(());
        }
        // The same type everywhere in the archive, not so in the kernel's answer.
        #[allow(clippy::useless_conversion)]
        let several = u64::from(stat.st_nlink) > 1;
        if kind == FileType::Symlink {
            let Some(target) = gone(rustix::fs::readlinkat(here.folder, name, Vec::new()))? else {
                return Ok(());
            };
            self.entry(&path, &stat, EntryType::Symlink, 0, target.as_bytes())?;
        } else {
            // If a named pipe takes the file's place meanwhile, opening it must not wait.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let Some(file) = gone(rustix::fs::openat(here.folder, name, flags, Mode::empty()))?
            else {
                return Ok(());
            };
            let stat = rustix::fs::fstat(&file)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Ok(());
            }
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            self.entry(&path, &stat, EntryType::Regular, size, &[])?;
            self.content(file, size)?;
        }
        if several {
            self.names.insert(id(&stat), path);
        }
        Ok(())
    }

    fn enter(&mut self, _: Here<'_>, name: &CStr, stat: &Stat) -> Result<bool, Stopped> {
        self.path = self.within(name);
        self.entry(&folder_name(&self.path), stat, EntryType::Directory, 0, &[])?;
        Ok(true)
    }

    fn leave(&mut self, _: Here<'_>, _: &CStr, _: Here<'_>) -> Result<(), Stopped> {
        let above = self.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.path.truncate(above);
        Ok(())
    }

    fn may_change_modes(&self) -> bool {
        false
    }
}

/// What has been removed meanwhile is not there.
fn gone<T>(found: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn folder_name(path: &[u8]) -> Vec<u8> {
    [path, b"/"].concat()
}

/// Puts a name into its field, or as much of it as fits.
fn fill(field: &mut [u8; 100], name: &[u8]) -> bool {
    let fits = name.len().min(field.len());
    field[..fits].copy_from_slice(&name[..fits]);
    name.len() <= field.len()
}

fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}
