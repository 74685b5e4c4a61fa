//! Locks between processes: files that are locked with `flock`, which the kernel lets go whatever end
//! a process takes.
//!
//! Takes the path of a lock file; gives a lock that is held until it is dropped. A lock file may be
//! removed by whoever holds it alone, so a lock counts only if its file still has its name.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{fs::FlockOperation, io::Errno};

/// How often a lock that another process holds is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

/// Who else may hold it at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Others of the same kind.
    Shared,
    /// Nobody.
    Exclusive,
}

impl Lock {
    /// Takes a lock if that is possible now.
    pub fn now(path: &Path, kind: Kind) -> io::Result<Option<Self>> {
        let operation = match kind {
            Kind::Shared => FlockOperation::NonBlockingLockShared,
            Kind::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        loop {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path)?;
            match rustix::fs::flock(&file, operation) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let held = file.metadata()?;
            let there = fs::metadata(path);
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
                return Ok(Some(Self { file, path: path.to_path_buf() }));
            }
        }
    }

    /// Waits for a lock. Not by waiting in the kernel: a thread that does cannot be stopped.
    pub async fn wait(path: &Path, kind: Kind) -> io::Result<Self> {
        loop {
            if let Some(lock) = Self::now(path, kind)? {
                return Ok(lock);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Lets it go, but keeps the file open.
    pub fn release(self) -> io::Result<File> {
        rustix::fs::flock(&self.file, FlockOperation::Unlock)?;
        Ok(self.file)
    }

    /// Removes the lock file of a lock that nobody else holds, and lets it go.
    pub fn retire(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_hold_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let take = |kind| Lock::now(&path, kind).expect("no error");
        let one = take(Kind::Shared).expect("free");
        let two = take(Kind::Shared).expect("shared");
        assert!(take(Kind::Exclusive).is_none());
        drop(one);
        assert!(take(Kind::Exclusive).is_none());
        drop(two);
        let alone = take(Kind::Exclusive).expect("free");
        assert!(take(Kind::Shared).is_none());
        alone.retire().expect("removed");
        assert!(!path.exists());
        assert!(take(Kind::Shared).is_some(), "it is made anew");
    }

    #[tokio::test]
    async fn waiting_ends_when_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let first = Lock::now(&path, Kind::Exclusive).expect("no error").expect("free");
        let waits = {
            let path = path.clone();
            tokio::spawn(async move { Lock::wait(&path, Kind::Exclusive).await.map(drop) })
        };
        tokio::time::sleep(AGAIN * 2).await;
        assert!(!waits.is_finished());
        first.retire().expect("removed");
        waits.await.expect("no panic").expect("taken");
    }
}
