//! The engine's folder on disk, and the folders of runs in it.
//!
//! ```text
//! DATA/libcmatrix/          mode 0700: files of images keep their setuid bits
//!   images/                 the image store
//!   runs.lock               held while a run's folder is made, or looked at by a sweep
//!   runs/RUN/lock           held by the command that the run belongs to, until it dies
//!           /groups         folders that control groups of the run were made in
//!           /volumes/NAME   a volume each
//!           /sandboxes/N    a sandbox each: what it wrote
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    failure::{Failure, Result},
    folders,
};

/// The engine's folder.
#[derive(Clone, Debug)]
pub(super) struct Home(PathBuf);

impl Home {
    /// The user's, made if need be.
    ///
    /// # Errors
    /// It is not known, or cannot be made.
    pub(super) fn open() -> Result<Self> {
        let path = folders::data()?;
        let made = make_private(&path).and_then(|()| make_private(&path.join("runs")));
        made.map_err(|e| {
            Failure::environment(format!("the folder {} cannot be made", path.display()))
                .because(e)
                .hint("set XDG_DATA_HOME to a folder that can be written to, with some GiB free")
        })?;
        Ok(Self(path))
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The image store's.
    pub(super) fn images(&self) -> PathBuf {
        self.0.join("images")
    }

    /// All runs'.
    pub(super) fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// Keeps every other process from making a run's folder and from sweeping.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn lock_runs(&self) -> io::Result<File> {
        let lock = File::create(self.0.join("runs.lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    }
}

/// Makes a folder that is the user's alone.
fn make_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The folder of a run, which lives as long as this process does.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    /// The kernel lets go of it with this process, however that ends.
    _lock: File,
    sandboxes: AtomicU64,
}

/// Folders and files in a run's folder.
pub(super) mod inside {
    pub const LOCK: &str = "lock";
    pub const GROUPS: &str = "groups";
    pub const VOLUMES: &str = "volumes";
    pub const SANDBOXES: &str = "sandboxes";
}

impl RunFolder {
    /// Makes it. `groups` are the folders in which its control groups will be.
    ///
    /// # Errors
    /// The disk is full, or another process has a run of that id.
    pub(super) fn make(home: &Home, run_id: &str, groups: &[PathBuf]) -> io::Result<Self> {
        let path = home.runs().join(run_id);
        let _alone = home.lock_runs()?;
        for folder in [path.clone(), path.join(inside::VOLUMES), path.join(inside::SANDBOXES)] {
            make_private(&folder)?;
        }
        let lock = File::create(path.join(inside::LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let groups: Vec<&str> = groups.iter().filter_map(|group| group.to_str()).collect();
        fs::write(path.join(inside::GROUPS), groups.join("\n"))?;
        Ok(Self { path, _lock: lock, sandboxes: AtomicU64::new(0) })
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a volume is.
    pub(super) fn volume(&self, name: &str) -> PathBuf {
        self.path.join(inside::VOLUMES).join(name)
    }

    /// A folder for a further sandbox, and its number.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn new_sandbox(&self) -> io::Result<(u64, PathBuf)> {
        let number = self.sandboxes.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(inside::SANDBOXES).join(number.to_string());
        make_private(&path)?;
        Ok((number, path))
    }
}
