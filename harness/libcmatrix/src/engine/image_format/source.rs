//! Files of an image archive, by their names.
//!
//! Takes a tar archive, compressed or not, or a folder; gives the content of files in it. No link is
//! followed out of it, and nothing is unpacked: an archive is read where it lies, or, if it is
//! compressed, from a copy that has no name and goes with this process.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::fd::OwnedFd,
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::{decompress::decompress, manifest::LARGEST};

/// The most entries of an archive of images. A root file system may have more; it is not
/// looked through to its end.
const MOST_ENTRIES: usize = 100_000;

/// The most that a compressed archive of images may unpack to, in bytes.
const LARGEST_ARCHIVE: u64 = 256 << 30;

/// An archive of images.
pub(in crate::engine) enum Source {
    /// A plain tar archive.
    Archive(Archive),
    /// A folder.
    Folder(OwnedFd),
}

/// A plain tar archive and where its files are.
pub(in crate::engine) struct Archive {
    file: Arc<File>,
    files: HashMap<String, Place>,
}

enum Place {
    Content {
        start: u64,
        length: u64,
    },
    /// Another name for a file of the archive: so did Docker before 25 save a layer that occurs twice.
    Link(String),
}

impl Source {
    /// Opens an archive or a folder. `scratch` is where a compressed one is unpacked to.
    pub fn open(path: &Path, scratch: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Ok(Self::Folder(file.into()));
        }
        if !kind.is_file() {
            return Err(io::Error::other("it is neither a file nor a folder"));
        }
        let plain = plain(file, scratch)?;
        Ok(Self::Archive(Archive::read(plain)?))
    }

    /// Opens a file of it; `None` if there is none of that name. Gives its length as well.
    pub fn file(&self, name: &str) -> io::Result<Option<(Box<dyn Read + Send>, u64)>> {
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(invalid(format!("{name:?} is no name in an archive")));
        }
        match self {
            Self::Archive(archive) => archive.file(name),
            Self::Folder(folder) => folder_file(folder, name),
        }
    }

    /// Reads a small file of it.
    pub fn text(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((file, length)) = self.file(name)? else { return Ok(None) };
        if length > LARGEST {
            return Err(invalid(format!("{name} has {length} bytes; the most is {LARGEST}")));
        }
        let mut text = Vec::new();
        file.take(LARGEST).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    /// Whether an archive has something of that name, be it a file or a link.
    pub fn has(&self, name: &str) -> bool {
        matches!(self, Self::Archive(archive) if archive.files.contains_key(name))
    }

    /// The whole archive, if it is one.
    pub fn whole(&self) -> Option<Box<dyn Read + Send>> {
        match self {
            Self::Archive(archive) => {
                Some(Box::new(Part { file: archive.file.clone(), at: 0, end: u64::MAX }))
            }
            Self::Folder(_) => None,
        }
    }
}

/// The archive as it was before it was compressed.
fn plain(mut file: File, scratch: &Path) -> io::Result<File> {
    let mut start = [0; 512];
    let mut filled = 0;
    while filled < start.len() {
        match file.read(&mut start[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    // A plain archive has this word in its first header; a very old one has not.
    if start[257..262] == *b"ustar" {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile_in(scratch)?;
    let mut content = decompress(file)?.take(LARGEST_ARCHIVE + 1);
    if io::copy(&mut content, &mut copy)? > LARGEST_ARCHIVE {
        return Err(invalid(format!("it unpacks to more than {LARGEST_ARCHIVE} bytes")));
    }
    copy.seek(SeekFrom::Start(0))?;
    Ok(copy)
}

impl Archive {
    fn read(file: File) -> io::Result<Self> {
        let file = Arc::new(file);
        let mut files = HashMap::new();
        let mut archive = tar::Archive::new(Part { file: file.clone(), at: 0, end: u64::MAX });
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let Some(name) = inside(&entry.path_bytes()) else {
                continue;
            };
            let place = match entry.header().entry_type() {
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    Place::Content { start: entry.raw_file_position(), length: entry.size() }
                }
                tar::EntryType::Symlink | tar::EntryType::Link => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    Place::Link(String::from_utf8_lossy(&target).into_owned())
                }
                _ => continue,
            };
            files.insert(name, place);
            if files.len() > MOST_ENTRIES {
                break;
            }
        }
        Ok(Self { file, files })
    }

    fn file(&self, name: &str) -> io::Result<Option<(Box<dyn Read + Send>, u64)>> {
        let place = match self.files.get(name) {
            Some(Place::Link(target)) => {
                let target = beside(name, target);
                match target.and_then(|target| self.files.get(&target)) {
                    Some(Place::Content { start, length }) => Some((*start, *length)),
                    _ => return Err(invalid(format!("{name} is a link that leads to no file"))),
                }
            }
            Some(Place::Content { start, length }) => Some((*start, *length)),
            None => None,
        };
        Ok(place.map(|(start, length)| {
            let part =
                Part { file: self.file.clone(), at: start, end: start.saturating_add(length) };
            (Box::new(part) as Box<dyn Read + Send>, length)
        }))
    }
}

/// A name of an entry without what goes without saying; `None` if it leads out.
fn inside(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..") && !parts.is_empty()).then(|| parts.join("/"))
}

/// What a link leads to, as far as that is in the archive.
fn beside(name: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A part of a file. Several can be read at once: none moves the file's own position.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, &mut buffer[..most], self.at)?;
        if read == 0 && most > 0 && self.end != u64::MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Opens a file in a folder; no component of its name may be a link.
fn folder_file(folder: &OwnedFd, name: &str) -> io::Result<Option<(Box<dyn Read + Send>, u64)>> {
    let mut here = rustix::fs::openat(folder, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let flags = match parts.peek() {
            Some(_) => OFlags::PATH | OFlags::DIRECTORY,
            // If it is a named pipe, opening it must not wait.
            None => OFlags::RDONLY | OFlags::NONBLOCK,
        };
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        here = match rustix::fs::openat(&here, part, flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(invalid(format!("{part} of {name} is a link, or no folder")));
            }
            Err(errno) => return Err(errno.into()),
        };
    }
    let stat = rustix::fs::fstat(&here)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(invalid(format!("{name} is no file")));
    }
    let length = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(Some((Box::new(File::from(here)), length)))
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        assert_eq!(inside(b"./a//b").as_deref(), Some("a/b"));
        assert_eq!(inside(b"/a").as_deref(), Some("a"));
        assert_eq!((inside(b"a/../b"), inside(b"./"), inside(b"\xff")), (None, None, None));
        assert_eq!(beside("x/layer.tar", "../y/layer.tar").as_deref(), Some("y/layer.tar"));
        assert_eq!(beside("x", "../y"), None);
        assert_eq!(beside("x", "/etc/passwd"), None);
    }

    #[test]
    fn a_folder_gives_no_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).expect("made");
        std::fs::write(at("d/f"), "content").expect("written");
        std::os::unix::fs::symlink("d/f", at("link")).expect("linked");
        std::os::unix::fs::symlink("d", at("way")).expect("linked");
        let source = Source::open(folder.path(), folder.path()).expect("opened");
        assert_eq!(source.text("d/f").expect("read").as_deref(), Some(&b"content"[..]));
        assert!(source.text("d/g").expect("no error").is_none());
        assert!(source.text("x/y").expect("no error").is_none());
        for name in ["link", "way/f", "d", "../x", "d/../d/f", "", "/etc/passwd", "d/f/x"] {
            assert!(source.text(name).is_err(), "{name}");
        }
    }
}
