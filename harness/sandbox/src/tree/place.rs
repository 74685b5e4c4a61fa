//! Where in a tree an entry belongs.
//!
//! Takes paths from an archive; gives a descriptor of the folder that holds the last component.
//! Symbolic links on the way are read here and followed with the tree's root as the root, as the
//! kernel would after `chroot`: `..` in them is taken away from the path that was walked, never
//! looked up, so also a tree that somebody moves about meanwhile has no way out.

use std::{
    collections::HashMap,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    rc::Rc,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    attributes::{Attributes, set_mode},
    shown::shown,
};
use crate::failed::Failed;

/// Links that are followed for one path; the kernel's limit.
const MOST_LINKS: u32 = 40;

/// Folders that are opened for one path. Forty links of 4096 bytes could ask for far more.
const MOST_STEPS: u32 = 20_000;

/// A folder's device and inode.
pub(super) type Id = (u64, u64);

/// The id in what the kernel says about a file.
pub(super) fn id(stat: &Stat) -> Id {
    // The types differ between architectures.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Opens a name in a folder for nothing but what it stands for, without following it.
pub(super) fn open_name(folder: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// Opens the folder that a tree begins with. It may itself be no link.
pub(super) fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, root, flags, Mode::empty())
}

/// Takes a path of an archive apart. A leading `/` counts for nothing, as with Docker.
pub(super) fn components(path: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Vec<&[u8]> = parts.collect();
    if parts.contains(&&b".."[..]) {
        return Err("`..` would lead out of the folder");
    }
    if path.contains(&0) {
        return Err("its name holds a zero byte");
    }
    Ok(parts)
}

/// What to do about a folder that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Make,
    Leave,
}

/// A tree that is being changed.
pub(super) struct Place {
    root: Rc<OwnedFd>,
    /// The folder that was asked for last: archives have their entries in order.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    /// What folders get at the end: until then their owner may work in them.
    pub finish: HashMap<Id, Attributes>,
    /// Folders made here because nothing in the archive had named them before, in which folder and by
    /// which name.
    pub made: Vec<(Id, Vec<u8>)>,
}

impl Place {
    pub fn new(root: OwnedFd) -> Self {
        Self { root: Rc::new(root), last: None, finish: HashMap::new(), made: Vec::new() }
    }

    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Something was removed: what is known of the tree may no longer hold.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// Opens a folder; `None` if there is none and none is to be made.
    pub fn folder(
        &mut self,
        path: &[&[u8]],
        missing: Missing,
    ) -> Result<Option<Rc<OwnedFd>>, Failed> {
        let key = path.join(&b'/');
        if let Some((last, folder)) = &self.last
            && *last == key
        {
            return Ok(Some(folder.clone()));
        }
        let folder = self.walk(path, missing).map_err(|errno| {
            Failed::kernel(format!("cannot go to the folder {}", shown(&key)), errno)
        })?;
        if let Some(folder) = &folder {
            self.last = Some((key, folder.clone()));
        }
        Ok(folder)
    }

    fn walk(&mut self, path: &[&[u8]], missing: Missing) -> Result<Option<Rc<OwnedFd>>, Errno> {
        let mut to_go: Vec<Vec<u8>> = path.iter().rev().map(|part| part.to_vec()).collect();
        let mut walked: Vec<Vec<u8>> = Vec::new();
        let mut here = self.root.clone();
        // Whether `here` is no longer where `walked` leads.
        let mut elsewhere = false;
        let (mut links, mut steps) = (0, 0);
        while let Some(part) = to_go.pop() {
            if part == b".." {
                elsewhere |= walked.pop().is_some();
                continue;
            }
            if elsewhere {
                steps += u32::try_from(walked.len()).unwrap_or(u32::MAX).min(MOST_STEPS);
                here = self.again(&walked)?;
                elsewhere = false;
            }
            steps += 1;
            if steps > MOST_STEPS {
                return Err(Errno::LOOP);
            }
            let next = match self.step(&here, &part, missing) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR) if missing == Missing::Leave => return Ok(None),
                Err(errno) => return Err(errno),
            };
            let stat = rustix::fs::fstat(&next)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    here = Rc::new(next);
                    walked.push(part);
                }
                FileType::Symlink => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Errno::LOOP);
                    }
                    let target = rustix::fs::readlinkat(&next, c"", Vec::new())?;
                    let target = target.as_bytes();
                    if target.starts_with(b"/") {
                        walked.clear();
                        elsewhere = true;
                    }
                    let parts = target.split(|byte| *byte == b'/').rev();
                    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
                    to_go.extend(parts.map(<[u8]>::to_vec));
                }
                _ if missing == Missing::Leave => return Ok(None),
                _ => return Err(Errno::NOTDIR),
            }
        }
        if elsewhere { self.again(&walked).map(Some) } else { Ok(Some(here)) }
    }

    /// Opens one component, which is made where it may be.
    fn step(
        &mut self,
        here: &Rc<OwnedFd>,
        part: &[u8],
        missing: Missing,
    ) -> Result<OwnedFd, Errno> {
        match self.permitted(here.as_fd(), || open_name(here.as_fd(), part)) {
            Err(Errno::NOENT) if missing == Missing::Make => {}
            opened => return opened,
        }
        // Its own mode comes at the end.
        let mode = Mode::RWXU;
        self.permitted(here.as_fd(), || rustix::fs::mkdirat(here, part, mode))?;
        let made = open_name(here.as_fd(), part)?;
        let usual = Attributes { mode: 0o755, owner: None, modified: None };
        self.finish.insert(id(&rustix::fs::fstat(&made)?), usual);
        self.made.push((id(&rustix::fs::fstat(here)?), part.to_vec()));
        Ok(made)
    }

    /// Walks again where there are no links.
    fn again(&mut self, walked: &[Vec<u8>]) -> Result<Rc<OwnedFd>, Errno> {
        let mut here = self.root.clone();
        for part in walked {
            let next = self.permitted(here.as_fd(), || open_name(here.as_fd(), part))?;
            here = Rc::new(next);
        }
        Ok(here)
    }

    /// Does something in a folder. Where the folder's mode forbids that to its owner, the mode is changed
    /// until the end.
    pub fn permitted<T>(
        &mut self,
        folder: BorrowedFd<'_>,
        mut act: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match act() {
            Err(Errno::ACCESS) => {
                let stat = rustix::fs::fstat(folder)?;
                let mode = stat.st_mode & 0o7777;
                if mode & 0o700 == 0o700 {
                    return Err(Errno::ACCESS);
                }
                set_mode(folder, mode | 0o700)?;
                let before = Attributes { mode, owner: None, modified: None };
                self.finish.entry(id(&stat)).or_insert(before);
                act()
            }
            done => done,
        }
    }
}
