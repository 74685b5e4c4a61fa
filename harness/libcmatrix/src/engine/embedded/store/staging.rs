//! Trees in the making.
//!
//! Takes layers, from the lowest; gives a finished tree with its place in the store. Whatever kills
//! the process, only garbage in `staging/` is left, which nobody holds the lock of; [`sweep`] finds it.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use libcmatrix_sandbox::request::UnpackLimits;

use super::{
    decompress::decompress,
    digest::{Digest, Passed},
    image::StoredImage,
    layout::{Layout, replace, sync_folder},
    lock::{Kind, Lock},
    mount_points,
    unpacker::Unpacker,
};
use crate::failure::{Failure, Result};

/// The most that all layers of an image may unpack to.
const LIMITS: UnpackLimits = UnpackLimits { bytes: 64 << 30, entries: 4_000_000 };

/// The ending of lock files.
const LOCK: &str = "lock";

/// A folder in `staging/` that is worked on.
pub(super) struct Staging {
    pub folder: PathBuf,
    lock: Arc<Lock>,
    stop: Arc<AtomicBool>,
    /// What may still be unpacked.
    left: UnpackLimits,
    /// Bytes of what was.
    bytes: u64,
}

impl Staging {
    /// A new one, empty. Its name is taken; the folder is not made yet.
    pub fn new(layout: &Layout) -> Result<Self> {
        let failed = |error| Failure::environment("cannot write to the image store").because(error);
        loop {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random[..], rustix::rand::GetRandomFlags::empty())
                .map_err(|errno| failed(errno.into()))?;
            let name = format!("{:016x}", u64::from_ne_bytes(random));
            let folder = layout.staging().join(&name);
            let path = layout.staging().join(format!("{name}.{LOCK}"));
            // The lock comes first: a folder without one is garbage.
            if let Some(lock) = Lock::now(&path, Kind::Exclusive).map_err(failed)?
                && !folder.exists()
            {
                return Ok(Self {
                    folder,
                    lock: Arc::new(lock),
                    stop: Arc::default(),
                    left: LIMITS,
                    bytes: 0,
                });
            }
        }
    }

    /// The tree's root.
    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Makes the folder with an empty tree.
    pub fn make_tree(&self) -> Result<()> {
        let failed = |error| Failure::environment("cannot write to the image store").because(error);
        fs::DirBuilder::new().mode(0o700).create(&self.folder).map_err(failed)?;
        // The root of a file system is open to all its users; the store's own folder is not.
        fs::DirBuilder::new().mode(0o755).create(self.tree()).map_err(failed)?;
        fs::set_permissions(self.tree(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(failed)
    }

    /// Unpacks a layer on top of what is there. `what` names it; `blob` is the digest of it as it comes,
    /// if that was not checked before, `diff` the one of its plain archive.
    ///
    /// # Errors
    /// The layer is damaged, refused, or another one than its digest says; the disk is full.
    pub async fn add(
        &mut self,
        unpacker: &dyn Unpacker,
        what: &str,
        layer: impl Read + Send + 'static,
        blob: Option<&Digest>,
        diff: &Digest,
    ) -> Result<()> {
        let (as_it_comes, plain) = (Passed::default(), Passed::default());
        let guarded = Guarded { inner: layer, stop: self.stop.clone(), _lock: self.lock.clone() };
        let archive = decompress(as_it_comes.reader(guarded))
            .map_err(|error| Failure::environment(what).because(error))?;
        let archive = Box::new(plain.reader(archive));
        let unpacked = unpacker.unpack(&self.tree(), true, self.left, archive).await;
        let wrong = |expected: &Digest, found: &Digest| {
            Failure::environment(what)
                .because(format!(
                    "its content is not what its digest says: {found}, not {expected}"
                ))
                .hint(
                    "fetch it again; if that does not help, the registry or the archive is damaged",
                )
        };
        let unpacked = unpacked.map_err(|failure| Failure {
            cause: failure.to_string(),
            what: what.to_owned(),
            ..failure
        })?;
        let found = as_it_comes.digest();
        if let Some(expected) = blob.filter(|expected| **expected != found) {
            return Err(wrong(expected, &found));
        }
        let found = plain.digest();
        if *diff != found {
            return Err(wrong(diff, &found));
        }
        self.left.bytes = self.left.bytes.saturating_sub(unpacked.bytes);
        self.left.entries = self.left.entries.saturating_sub(unpacked.entries);
        self.bytes = self.bytes.saturating_add(unpacked.bytes);
        Ok(())
    }

    /// Lays what no image needs to have over the layers, once all are there.
    ///
    /// # Errors
    /// The disk is full.
    pub async fn complete(&self, unpacker: &dyn Unpacker) -> Result<()> {
        let failed = |error| Failure::environment("cannot write to the image store").because(error);
        let layer = io::Cursor::new(mount_points::layer().map_err(failed)?);
        unpacker.unpack(&self.tree(), true, LIMITS, Box::new(layer)).await.map(drop)
    }

    /// Bytes that were unpacked.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts the tree in its place, where nothing is.
    pub async fn finish(self, place: &Path, image: &StoredImage) -> io::Result<()> {
        let (folder, place) = (self.folder.clone(), place.to_path_buf());
        let image = image.write();
        let finish = move || {
            // After a power cut a tree must be whole or not there. One call for its file system is
            // cheaper than one for every file.
            rustix::fs::syncfs(fs::File::open(&folder)?)?;
            replace(&folder.join("image.json"), &image)?;
            fs::rename(&folder, &place)?;
            place.parent().map_or(Ok(()), sync_folder)
        };
        tokio::task::spawn_blocking(finish).await.map_err(io::Error::other)??;
        self.retire()
    }

    /// Removes it with everything in it.
    pub async fn discard(self, unpacker: &dyn Unpacker) -> Result<()> {
        unpacker.remove(std::slice::from_ref(&self.folder)).await?;
        self.retire()
            .map_err(|error| Failure::environment("cannot write to the image store").because(error))
    }

    fn retire(self) -> io::Result<()> {
        let lock = self.lock.clone();
        drop(self);
        // A thread that still reads keeps it a little longer; then it is found as garbage.
        Arc::into_inner(lock).map_or(Ok(()), Lock::retire)
    }
}

impl Drop for Staging {
    /// Whoever waits for the image no longer does: what unpacks it must end.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A layer that ends when nobody waits for it, and that keeps its folder from being swept.
struct Guarded<R> {
    inner: R,
    stop: Arc<AtomicBool>,
    _lock: Arc<Lock>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was given up"));
        }
        self.inner.read(buffer)
    }
}

/// Removes what dead processes have left in `staging/`; gives how many trees it was.
///
/// # Errors
/// It cannot be removed.
pub(super) async fn sweep(layout: &Layout, unpacker: &dyn Unpacker) -> Result<u64> {
    let failed = |error| Failure::environment("cannot clean the image store").because(error);
    let mut removed = 0;
    for entry in fs::read_dir(layout.staging()).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let folder = path.with_extension("");
        if path.extension() != Some(OsStr::new(LOCK)) && path.with_extension(LOCK).exists() {
            // Its lock is among the entries as well.
            continue;
        }
        let lock = folder.with_extension(LOCK);
        let Some(lock) = Lock::now(&lock, Kind::Exclusive).map_err(failed)? else { continue };
        if folder.symlink_metadata().is_ok() {
            unpacker.remove(std::slice::from_ref(&folder)).await?;
            removed += 1;
        }
        lock.retire().map_err(failed)?;
    }
    Ok(removed)
}
