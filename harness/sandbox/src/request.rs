//! What the helper is asked for, and what it answers: lines of JSON on its control socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::unreaped::Unreaped;

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
    /// Starts a program. The passed descriptor is its standard input; its outputs are the helper's.
    Run(Box<Run>),
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

/// A program and everything around it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Whom it may become.
    pub users: Users,
    /// The image's tree. It is only read.
    pub image: PathBuf,
    /// A folder of the sandbox's own: what the program writes goes into [`WRITTEN`] in it.
    pub folder: PathBuf,
    /// Whether the root file system is read-only.
    pub read_only_root: bool,
    /// Files and folders put in.
    pub binds: Vec<Bind>,
    /// Whether it has the machine's network. Without, only its own loopback exists.
    pub network: bool,
    /// The machine's name inside.
    pub host_name: String,
    /// Control groups to make for it.
    pub groups: Vec<Group>,
    /// Limits.
    pub limits: Limits,
    /// What to start. Without, everything is made ready and nothing is started: a trial.
    pub program: Option<Program>,
}

/// The folder in a sandbox's own in which is what its program wrote. There is none before its start.
pub const WRITTEN: &str = "upper";

/// A file or folder put into a sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bind {
    /// What.
    pub source: PathBuf,
    /// Where, inside. It is made if it does not exist.
    pub at: String,
    /// Whether it may only be read.
    pub read_only: bool,
}

/// A control group to be made, used and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its folder.
    pub path: PathBuf,
    /// The hierarchy it is in.
    pub hierarchy: Hierarchy,
}

/// A hierarchy of control groups, by the limits that are set in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hierarchy {
    /// Version 1, controller `memory`.
    Memory,
    /// Version 1, controller `pids`.
    Pids,
    /// Version 1, controller `cpu`.
    Cpu,
    /// Version 2, all controllers.
    Unified,
}

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Memory with swap, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads at a time.
    pub pids: u64,
    /// Processors; `None` is all.
    pub cpus: Option<f64>,
    /// Size of one file, in bytes.
    pub file_bytes: Option<u64>,
}

/// What is started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// The program, by its path inside, and its arguments. It is PID 1.
    pub argv: Vec<String>,
    /// All its variables (`NAME=value`). `HOME` is added where it is not among them.
    pub env: Vec<String>,
    /// Its working directory; it is made if it does not exist.
    pub working_dir: String,
    /// `user[:group]`, by name or number; `None` is user 0.
    pub user: Option<String>,
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

/// How the root file system of a sandbox is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootFs {
    /// A writable layer above the image's tree.
    Overlay,
    /// A copy of the image's tree.
    Copy,
}

/// What is said while the program of a [`Run`] runs: a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// The first process is to get SIGTERM.
    Terminate,
    /// Which children has the first process that ended and were not waited for?
    Unreaped,
}

/// What the helper answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The program was started; with a trial, everything was made ready.
    Started {
        /// How the root file system was made.
        root: RootFs,
    },
    /// The program has ended, and with it everything in its sandbox.
    Ended {
        /// Exit code; 128 + signal where a signal ended it.
        code: i32,
        /// How often the kernel killed for memory in it.
        oom_kills: u64,
    },
    /// The children of the first process that ended and were not waited for.
    Unreaped {
        /// The first few of them.
        children: Vec<Unreaped>,
    },
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
