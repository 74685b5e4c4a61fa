//! Owner, mode and times of what is unpacked.
//!
//! Takes an entry's and whose files the tree may hold; gives them to a file. Modes keep their setuid,
//! setgid and sticky bits, because a program in a sandbox may need what the image says; they do
//! no harm outside, because the store's folder is closed to others (0700) and sandboxes mount
//! trees `nosuid`. Extended attributes are left out: sandboxes have no capabilities to be given.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid},
    io::Errno,
};

use super::{
    entries::{Entry, Time},
    shown::shown,
};
use crate::failed::Failed;
use crate::request::Users;

/// What a file gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Permissions with the setuid, setgid and sticky bits.
    pub mode: u32,
    /// User and group; `None` leaves them.
    pub owner: Option<(Uid, Gid)>,
    /// When it was last changed; `None` leaves it.
    pub modified: Option<Time>,
}

impl Attributes {
    /// An entry's, as far as the tree may hold its owner.
    pub fn of(entry: &Entry, users: Users) -> Result<Self, Failed> {
        let id = |what: &str, id: u64| {
            let most = match users {
                // The highest number means "leave it" to the kernel.
                Users::Real | Users::Single => u64::from(u32::MAX) - 1,
                Users::Subordinate { count, .. } => u64::from(count),
            };
            if id <= most {
                return Ok(u32::try_from(id).unwrap_or(u32::MAX - 1));
            }
            Err(Failed::new(
                format!("cannot unpack {}", shown(&entry.path)),
                match users {
                    Users::Subordinate { .. } => format!(
                        "it belongs to {what} {id}, but there are only {most} subordinate ids"
                    ),
                    _ => format!("it belongs to {what} {id}, which does not exist"),
                },
            ))
        };
        let owner = match users {
            Users::Single => None,
            _ => Some((
                Uid::from_raw(id("user", entry.uid)?),
                Gid::from_raw(id("group", entry.gid)?),
            )),
        };
        Ok(Self { mode: entry.mode, owner, modified: Some(entry.modified) })
    }

    /// Gives them to a file or folder that is open for reading or writing. The owner comes first:
    /// changing it takes the setuid bit away.
    pub fn give(&self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        if let Some((user, group)) = self.owner {
            rustix::fs::fchown(file, Some(user), Some(group))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode))?;
        match self.modified {
            Some(time) => rustix::fs::futimens(file, &timestamps(time)),
            None => Ok(()),
        }
    }

    /// Gives them to a name in a folder, where it is a symbolic link or something that must not be
    /// opened. A symbolic link has no mode.
    pub fn give_unopened(
        &self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        has_mode: bool,
    ) -> Result<(), Errno> {
        if let Some((user, group)) = self.owner {
            rustix::fs::chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if has_mode {
            let file = super::place::open_name(folder, name)?;
            set_mode(rustix::fd::AsFd::as_fd(&file), self.mode)?;
        }
        match self.modified {
            Some(time) => {
                rustix::fs::utimensat(folder, name, &timestamps(time), AtFlags::SYMLINK_NOFOLLOW)
            }
            None => Ok(()),
        }
    }
}

fn timestamps(time: Time) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() },
    }
}

/// Sets the mode of what a descriptor stands for, also of one that was opened for nothing but its
/// name. Older kernels know no other way that cannot be led elsewhere by a link.
pub(super) fn set_mode(file: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
}
