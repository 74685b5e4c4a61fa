//! Whiteouts: how a layer of an image says that something in the layers below is gone.
//!
//! Takes the last component of an entry; gives what it means, and removes what lower layers have
//! put there. What the same layer has already unpacked stays, in whatever order they come.

use std::{
    collections::HashSet,
    ffi::{CStr, CString},
    os::fd::BorrowedFd,
};

use rustix::{
    fs::{AtFlags, FileType},
    io::Errno,
};

use super::{
    place::{Id, id},
    remove::remove_in,
    walk::{Here, Visitor, walk},
};

const PREFIX: &[u8] = b".wh.";
const META_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a path of a layer is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// Something to unpack.
    Content,
    /// A name in its folder is gone.
    Gone(&'a [u8]),
    /// Everything in its folder is gone.
    Opaque,
    /// A union file system's own business, not part of the image.
    Ignored,
    /// No valid whiteout.
    Invalid,
}

/// What a path of a layer is.
pub(super) fn meaning<'a>(path: &[&'a [u8]]) -> Meaning<'a> {
    let Some((last, above)) = path.split_last() else { return Meaning::Content };
    if above.iter().any(|part| part.starts_with(META_PREFIX)) {
        return Meaning::Ignored;
    }
    match last.strip_prefix(PREFIX) {
        _ if *last == OPAQUE => Meaning::Opaque,
        _ if last.starts_with(META_PREFIX) => Meaning::Ignored,
        None => Meaning::Content,
        Some(b"" | b"." | b"..") => Meaning::Invalid,
        Some(name) => Meaning::Gone(name),
    }
}

/// What this layer has unpacked: names in folders.
pub(super) type Unpacked = HashSet<(Id, Vec<u8>)>;

/// Removes a name as far as it comes from below.
pub(super) fn hide(folder: BorrowedFd<'_>, name: &[u8], unpacked: &Unpacked) -> Result<(), Errno> {
    let above = id(&rustix::fs::fstat(folder)?);
    if !unpacked.contains(&(above, name.to_vec())) {
        // Below it there may be something of this layer all the same.
        match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                hide_all(folder, name, unpacked)?;
                return match rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR) {
                    Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
                    removed => removed,
                };
            }
            Ok(_) => return remove_in(folder, name),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
    match hide_all(folder, name, unpacked) {
        // A file of this layer.
        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => Ok(()),
        hidden => hidden,
    }
}

/// Removes everything in a folder as far as it comes from below.
pub(super) fn hide_all(
    above: BorrowedFd<'_>,
    name: &[u8],
    unpacked: &Unpacked,
) -> Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    walk(above, &name, &mut Hide { unpacked })
}

struct Hide<'a> {
    unpacked: &'a Unpacked,
}

impl Hide<'_> {
    fn is_own(&self, here: Here<'_>, name: &CStr) -> bool {
        self.unpacked.contains(&(here.id, name.to_bytes().to_vec()))
    }
}

impl Visitor for Hide<'_> {
    type Error = Errno;

    fn file(&mut self, here: Here<'_>, name: &CStr) -> Result<(), Errno> {
        if self.is_own(here, name) {
            return Ok(());
        }
        rustix::fs::unlinkat(here.folder, name, AtFlags::empty())
    }

    fn leave(&mut self, here: Here<'_>, name: &CStr, _: Here<'_>) -> Result<(), Errno> {
        if self.is_own(here, name) {
            return Ok(());
        }
        match rustix::fs::unlinkat(here.folder, name, AtFlags::REMOVEDIR) {
            // Something of this layer is in it.
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            removed => removed,
        }
    }

    fn may_change_modes(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_mean() {
        let is = |path: &str, expected: &Meaning<'_>| {
            let parts: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
            assert_eq!(&meaning(&parts), expected, "{path}");
        };
        is("a/b", &Meaning::Content);
        is("a/.wh", &Meaning::Content);
        is("a/.wh.b", &Meaning::Gone(b"b"));
        is("a/.wh..b", &Meaning::Gone(b".b"));
        is("a/.wh....", &Meaning::Gone(b"..."));
        is("a/.wh..wh..opq", &Meaning::Opaque);
        is("a/.wh..wh.plnk", &Meaning::Ignored);
        is(".wh..wh.plnk/1.2", &Meaning::Ignored);
        is("a/.wh.", &Meaning::Invalid);
        is("a/.wh..", &Meaning::Invalid);
        is("a/.wh...", &Meaning::Invalid);
    }
}
