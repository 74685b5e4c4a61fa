//! What the helper is asked for, and what it answers: lines of JSON on its control socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whose files a tree may hold and whom a program may become, inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Users {
    /// All of the machine's own: the helper has the rights of root.
    Real,
    /// Inside, user 0 is the caller and 1 to `count` are the caller's subordinate users.
    Subordinate {
        /// First subordinate user.
        first_uid: u32,
        /// First subordinate group.
        first_gid: u32,
        /// How many of both.
        count: u32,
    },
    /// Inside there is user 0 alone, which is the caller.
    Single,
}

/// What is asked for. One a helper.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Unpacks a tar archive, which comes on the passed descriptor, into a folder.
    Unpack {
        /// Whom files may belong to.
        users: Users,
        /// The folder; it exists.
        root: PathBuf,
        /// Whether it is a layer of an image: its whiteouts remove what lower layers have put there.
        layer: bool,
        /// How much it may hold.
        limits: UnpackLimits,
    },
    /// Packs a path inside a folder into a tar archive on standard output.
    Pack {
        /// Whom files may belong to.
        users: Users,
        /// The folder.
        root: PathBuf,
        /// The path, without a link on its way out of the folder.
        path: String,
    },
    /// Removes trees, whoever owns what is in them.
    Remove {
        /// Whom files may belong to.
        users: Users,
        /// The trees. One that does not exist is no error.
        paths: Vec<PathBuf>,
    },
}

/// What an archive may hold: against archives that are small and unpack to fill the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackLimits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// Bytes of all files.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// Devices, which are not made.
    pub devices: u64,
}

/// What the helper answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// An archive was unpacked.
    Unpacked(Unpacked),
    /// A path was packed, or there is nothing at it.
    Packed {
        /// Whether there was something.
        found: bool,
    },
    /// Trees were removed.
    Removed,
    /// It could not be done.
    Failed {
        /// What was being done, for people.
        what: String,
        /// Why it failed, for people.
        why: String,
        /// The kernel's error number, where it was the kernel that refused.
        errno: Option<i32>,
    },
}
