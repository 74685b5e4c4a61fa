//! Unpacks tar archives into a folder.
//!
//! Takes a plain archive, the folder, whose files it may hold, and limits; gives how much it was. An
//! entry replaces what is at its place, as with containerd: also a folder takes the place of a
//! symbolic link, and only a folder over a folder keeps what is in it. Owners, modes and times of
//! folders are set at the end, so that a folder that its owner may not write to can be filled.

use std::{
    ffi::CStr,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    rc::Rc,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    attributes::Attributes,
    entries::{Entries, Entry, Kind},
    place::{Missing, Place, components, id, open_root},
    remove::remove_in,
    shown::shown,
    walk::{Here, Visitor, walk},
    whiteout::{self, Meaning},
};
use crate::failed::Failed;
use crate::request::{UnpackLimits, Unpacked, Users};

/// How much is copied at a time.
const CHUNK: usize = 128 * 1024;

/// Unpacks a plain tar archive into a folder that exists. With `layer` its whiteouts count, and a
/// folder and a file may take each other's place; without, that is an error, as when Docker
/// copies into a container. Devices are counted and not made, because no sandbox could use them.
///
/// The input is read to its end. Sizes count as a program sees them, holes included: sooner or later
/// somebody reads or copies the file whole.
///
/// # Errors
/// The archive is malformed, leads out of the folder, or is over a limit; or the kernel refuses.
/// What was unpacked so far stays.
pub fn unpack(
    input: impl Read,
    root: &Path,
    users: Users,
    layer: bool,
    limits: UnpackLimits,
) -> Result<Unpacked, Failed> {
    let folder = open_root(root)
        .map_err(|errno| Failed::kernel(format!("cannot unpack into {}", root.display()), errno))?;
    let mut unpacker = Unpacker {
        place: Place::new(folder),
        users,
        layer,
        limits,
        done: Unpacked::default(),
        root: None,
        own: whiteout::Unpacked::new(),
        buffer: vec![0; CHUNK],
    };
    let mut entries = Entries::new(input);
    while let Some(entry) = entries.next().map_err(|error| unreadable(&error))? {
        unpacker.entry(&entry, &mut entries)?;
    }
    drain(entries.rest(), limits.bytes)?;
    unpacker.finish()
}

fn unreadable(error: &io::Error) -> Failed {
    Failed::io("cannot read the archive", error)
}

/// Reads what follows the archive: whoever writes it must not fail, and whoever takes a digest of it
/// needs all of it.
fn drain(input: impl Read, most: u64) -> Result<(), Failed> {
    let read = io::copy(&mut input.take(most.saturating_add(1)), &mut io::sink());
    if read.map_err(|error| unreadable(&error))? > most {
        return Err(Failed::new(
            "cannot unpack the archive",
            format!("more than {most} bytes follow its end, and that many is the limit"),
        ));
    }
    Ok(())
}

struct Unpacker {
    place: Place,
    users: Users,
    layer: bool,
    limits: UnpackLimits,
    done: Unpacked,
    /// What the root folder gets.
    root: Option<Attributes>,
    /// What this archive has unpacked, if it is a layer.
    own: whiteout::Unpacked,
    buffer: Vec<u8>,
}

impl Unpacker {
    fn entry<R: Read>(&mut self, entry: &Entry, content: &mut Entries<R>) -> Result<(), Failed> {
        let refuse =
            |why: &str| Err(Failed::new(format!("cannot unpack {}", shown(&entry.path)), why));
        self.count_entry()?;
        if entry.kind == Kind::Note {
            return Ok(());
        }
        let path = match components(&entry.path) {
            Ok(path) => path,
            Err(why) => return refuse(why),
        };
        let Some((name, above)) = path.split_last() else {
            if entry.kind != Kind::Folder {
                return refuse("it would take the place of the folder that is unpacked into");
            }
            self.root = Some(Attributes::of(entry, self.users)?);
            return Ok(());
        };
        if self.layer {
            match whiteout::meaning(&path) {
                Meaning::Content => {}
                Meaning::Ignored => return Ok(()),
                Meaning::Invalid => return refuse("it is no valid whiteout"),
                Meaning::Gone(hidden) => return self.hide(entry, above, Some(hidden)),
                Meaning::Opaque => return self.hide(entry, above, None),
            }
        }
        if entry.kind == Kind::Device {
            self.done.devices += 1;
            return Ok(());
        }
        let attributes = Attributes::of(entry, self.users)?;
        let target = match (entry.kind, components(&entry.target)) {
            (Kind::HardLink, Err(why)) => {
                return refuse(&format!("it is a hard link to {}: {why}", shown(&entry.target)));
            }
            (_, target) => target.unwrap_or_default(),
        };
        // The target first: what makes the folder may not be what the link needs to find missing.
        let target = match entry.kind {
            Kind::HardLink => Some(self.link_target(entry, &target)?),
            _ => None,
        };
        let folder = self.make_folder(above)?;
        let kernel = |errno| Failed::kernel(format!("cannot unpack {}", shown(&entry.path)), errno);
        match (entry.kind, target) {
            (Kind::Folder, _) => self.folder(entry, &folder, name, attributes)?,
            (Kind::File, _) => self.file(entry, &folder, name, attributes, content)?,
            (Kind::HardLink, Some((from, old))) => {
                self.hard_link(entry, (&from, &old), &folder, name)?;
            }
            (Kind::Symlink, _) => {
                let make = || rustix::fs::symlinkat(entry.target.as_slice(), &folder, *name);
                self.put(entry, &folder, name, make)?;
                attributes.give_unopened(folder.as_fd(), name, false).map_err(kernel)?;
            }
            (Kind::Fifo, _) => {
                let (kind, mode) = (FileType::Fifo, Mode::from_raw_mode(0o600));
                let make = || rustix::fs::mknodat(&folder, *name, kind, mode, 0);
                self.put(entry, &folder, name, make)?;
                attributes.give_unopened(folder.as_fd(), name, true).map_err(kernel)?;
            }
            (Kind::HardLink | Kind::Device | Kind::Note, _) => return Ok(()),
        }
        if self.layer {
            let above = id(&rustix::fs::fstat(&folder).map_err(kernel)?);
            self.own.insert((above, name.to_vec()));
        }
        Ok(())
    }

    fn count_entry(&mut self) -> Result<(), Failed> {
        self.done.entries += 1;
        if self.done.entries > self.limits.entries {
            return Err(Failed::new(
                "cannot unpack the archive",
                format!("it has more entries than the limit of {}", self.limits.entries),
            ));
        }
        Ok(())
    }

    fn count_bytes(&mut self, entry: &Entry) -> Result<(), Failed> {
        match self.done.bytes.checked_add(entry.size) {
            Some(bytes) if bytes <= self.limits.bytes => {
                self.done.bytes = bytes;
                Ok(())
            }
            _ => Err(Failed::new(
                format!("cannot unpack {}", shown(&entry.path)),
                format!(
                    "with it the archive has more bytes than the limit of {}",
                    self.limits.bytes
                ),
            )),
        }
    }

    /// The folder that an entry goes to. Those that the archive leaves out count as its entries.
    fn make_folder(&mut self, path: &[&[u8]]) -> Result<Rc<OwnedFd>, Failed> {
        let folder = self.place.folder(path, Missing::Make)?;
        for made in std::mem::take(&mut self.place.made) {
            self.count_entry()?;
            if self.layer {
                self.own.insert(made);
            }
        }
        folder.ok_or_else(|| {
            Failed::kernel(
                format!("cannot make the folder {}", shown(&path.join(&b'/'))),
                Errno::NOENT,
            )
        })
    }

    fn hide(&mut self, entry: &Entry, above: &[&[u8]], name: Option<&[u8]>) -> Result<(), Failed> {
        let Some(folder) = self.place.folder(above, Missing::Leave)? else { return Ok(()) };
        let own = &self.own;
        let hidden = self.place.permitted(folder.as_fd(), || match name {
            Some(name) => whiteout::hide(folder.as_fd(), name, own),
            None => whiteout::hide_all(folder.as_fd(), b".", own),
        });
        self.place.forget();
        hidden.map_err(|errno| {
            Failed::kernel(format!("cannot apply the whiteout {}", shown(&entry.path)), errno)
        })
    }

    /// Makes something at a name. What is there gives way.
    fn put<T>(
        &mut self,
        entry: &Entry,
        folder: &Rc<OwnedFd>,
        name: &[u8],
        mut make: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Failed> {
        let what = || format!("cannot unpack {}", shown(&entry.path));
        let kernel = |errno| Failed::kernel(what(), errno);
        match self.place.permitted(folder.as_fd(), &mut make) {
            Err(Errno::EXIST) => {}
            made => return made.map_err(kernel),
        }
        let there =
            rustix::fs::statat(&**folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(kernel)?;
        let was_folder = FileType::from_raw_mode(there.st_mode) == FileType::Directory;
        if !self.layer && was_folder != (entry.kind == Kind::Folder) {
            let why = if was_folder {
                "a folder is at its place"
            } else {
                "something that is no folder is at its place"
            };
            return Err(Failed::new(what(), why));
        }
        self.place.permitted(folder.as_fd(), || remove_in(folder.as_fd(), name)).map_err(kernel)?;
        self.place.forget();
        self.place.permitted(folder.as_fd(), make).map_err(kernel)
    }

    fn folder(
        &mut self,
        entry: &Entry,
        folder: &Rc<OwnedFd>,
        name: &[u8],
        attributes: Attributes,
    ) -> Result<(), Failed> {
        let kernel = |errno| Failed::kernel(format!("cannot unpack {}", shown(&entry.path)), errno);
        let make = || match rustix::fs::mkdirat(&**folder, name, Mode::RWXU) {
            Err(Errno::EXIST) => {
                let there = rustix::fs::statat(&**folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                match FileType::from_raw_mode(there.st_mode) {
                    FileType::Directory => Ok(()),
                    _ => Err(Errno::EXIST),
                }
            }
            made => made,
        };
        self.put(entry, folder, name, make)?;
        let made =
            rustix::fs::statat(&**folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(kernel)?;
        self.place.finish.insert(id(&made), attributes);
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        entry: &Entry,
        folder: &Rc<OwnedFd>,
        name: &[u8],
        attributes: Attributes,
        content: &mut Entries<R>,
    ) -> Result<(), Failed> {
        self.count_bytes(entry)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let file =
            self.put(entry, folder, name, || rustix::fs::openat(&**folder, name, flags, mode))?;
        self.copy(entry, file.as_fd(), content)?;
        attributes
            .give(file.as_fd())
            .map_err(|errno| Failed::kernel(format!("cannot unpack {}", shown(&entry.path)), errno))
    }

    fn copy<R: Read>(
        &mut self,
        entry: &Entry,
        file: BorrowedFd<'_>,
        content: &mut Entries<R>,
    ) -> Result<(), Failed> {
        let kernel = |errno| Failed::kernel(format!("cannot unpack {}", shown(&entry.path)), errno);
        let mut end = 0;
        for piece in &entry.pieces {
            let mut at = piece.at;
            end = piece.at + piece.length;
            while at < end {
                let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(self.buffer.len());
                let read = content.read(&mut self.buffer[..most]).map_err(|e| unreadable(&e))?;
                let mut chunk = &self.buffer[..read];
                while !chunk.is_empty() {
                    let written = match rustix::io::pwrite(file, chunk, at) {
                        Err(Errno::INTR) => continue,
                        written => written.map_err(kernel)?,
                    };
                    chunk = &chunk[written..];
                    at += written as u64;
                }
            }
        }
        if end < entry.size {
            rustix::fs::ftruncate(file, entry.size).map_err(kernel)?;
        }
        Ok(())
    }

    /// Finds what a hard link leads to: the folder and the name. The name itself is not followed.
    fn link_target(
        &mut self,
        entry: &Entry,
        target: &[&[u8]],
    ) -> Result<(Rc<OwnedFd>, Vec<u8>), Failed> {
        let missing = || {
            Failed::new(
                format!("cannot unpack {}", shown(&entry.path)),
                format!("it is a hard link to {}, which is not there", shown(&entry.target)),
            )
        };
        let (name, above) = target.split_last().ok_or_else(missing)?;
        let folder = self.place.folder(above, Missing::Leave)?.ok_or_else(missing)?;
        let there = self.place.permitted(folder.as_fd(), || {
            rustix::fs::statat(&folder, *name, AtFlags::SYMLINK_NOFOLLOW)
        });
        match there {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                Err(Failed::new(
                    format!("cannot unpack {}", shown(&entry.path)),
                    format!("it is a hard link to the folder {}", shown(&entry.target)),
                ))
            }
            Ok(_) => Ok((folder, name.to_vec())),
            Err(Errno::NOENT) => Err(missing()),
            Err(errno) => {
                Err(Failed::kernel(format!("cannot unpack {}", shown(&entry.path)), errno))
            }
        }
    }

    fn hard_link(
        &mut self,
        entry: &Entry,
        from: (&Rc<OwnedFd>, &[u8]),
        folder: &Rc<OwnedFd>,
        name: &[u8],
    ) -> Result<(), Failed> {
        let look = |folder: &OwnedFd, name: &[u8]| {
            rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| id(&stat))
        };
        // A link to itself: removing what is there would remove the target.
        if look(folder, name).is_ok_and(|there| look(from.0, from.1) == Ok(there)) {
            return Ok(());
        }
        let link = || rustix::fs::linkat(&**from.0, from.1, &**folder, name, AtFlags::empty());
        self.put(entry, folder, name, link)
    }

    /// Gives the folders what they get.
    fn finish(mut self) -> Result<Unpacked, Failed> {
        let kernel = |errno| Failed::kernel("cannot finish the folders of the archive", errno);
        let root = id(&rustix::fs::fstat(self.place.root()).map_err(kernel)?);
        let before = self.place.finish.remove(&root);
        if !self.place.finish.is_empty() {
            let mut finish = Finish { place: &mut self.place };
            match walk_root(&mut finish) {
                Ok(()) | Err(Ended::Done) => {}
                Err(Ended::Kernel(errno)) => return Err(kernel(errno)),
            }
        }
        if let Some(attributes) = self.root.or(before) {
            attributes.give(self.place.root()).map_err(kernel)?;
        }
        Ok(self.done)
    }
}

/// Why the walk that finishes folders ends.
enum Ended {
    /// None is left.
    Done,
    Kernel(Errno),
}

impl From<Errno> for Ended {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

struct Finish<'a> {
    place: &'a mut Place,
}

fn walk_root(finish: &mut Finish<'_>) -> Result<(), Ended> {
    let root = rustix::io::fcntl_dupfd_cloexec(finish.place.root(), 0)?;
    walk(root.as_fd(), c".", finish)
}

impl Visitor for Finish<'_> {
    type Error = Ended;

    fn file(&mut self, _: Here<'_>, _: &CStr) -> Result<(), Ended> {
        Ok(())
    }

    fn leave(&mut self, _: Here<'_>, _: &CStr, folder: Here<'_>) -> Result<(), Ended> {
        if let Some(attributes) = self.place.finish.remove(&folder.id) {
            attributes.give(folder.folder)?;
        }
        if self.place.finish.is_empty() { Err(Ended::Done) } else { Ok(()) }
    }

    /// Nothing of this archive can be in it: it would have been opened for that.
    fn unopened(&mut self, _: Here<'_>, _: &CStr, errno: Errno) -> Result<(), Ended> {
        if errno == Errno::ACCESS { Ok(()) } else { Err(errno.into()) }
    }

    fn may_change_modes(&self) -> bool {
        false
    }
}
