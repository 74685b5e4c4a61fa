//! What the store no longer needs.
//!
//! Takes a store; removes images that nobody can name and nobody uses, downloads that were broken
//! off, and what killed processes have left; gives how much that was.

use std::{collections::HashSet, fs, io};

use super::{
    layout::Layout,
    lock::{Kind, Lock},
    names, staging, trees,
    unpacker::Unpacker,
};
use crate::failure::{Failure, Result};

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The ids of images.
    pub images: Vec<String>,
    /// Downloads that were broken off.
    pub downloads: u64,
    /// Trees that were never finished, or not removed to their end.
    pub unfinished: u64,
    /// Bytes of the images and downloads.
    pub bytes: u64,
}

/// How much disk a store takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Bytes of all images, of whatever users.
    pub images_bytes: u64,
    /// Bytes of downloads that were broken off, or are under way.
    pub downloads_bytes: u64,
}

fn failed(error: io::Error) -> Failure {
    Failure::environment("cannot clean the image store").because(error)
}

/// Removes what is not needed. Trees of other users' files are left: only they can remove them.
pub(super) async fn prune(layout: &Layout, unpacker: &dyn Unpacker) -> Result<Pruned> {
    let mut pruned =
        Pruned { unfinished: staging::sweep(layout, unpacker).await?, ..Pruned::default() };
    for entry in fs::read_dir(layout.partial()).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(lock) = Lock::now(&entry.path(), Kind::Exclusive).map_err(failed)? else {
            continue;
        };
        pruned.bytes += lock.file().metadata().map_err(failed)?.len();
        lock.retire().map_err(failed)?;
        pruned.downloads += 1;
    }
    let own = trees::key(&unpacker.owner_key(), "");
    for key in trees::keys(layout)? {
        if key.strip_prefix(&own).is_none_or(|hash| hash.contains('-')) {
            continue;
        }
        // Locked, so that nobody gives it a name after this look at them.
        let Some(lock) = trees::alone(layout, &key)? else { continue };
        let named: HashSet<String> = names::read(layout)?.into_values().collect();
        let image = trees::read(layout, &key)?;
        if image.as_ref().is_some_and(|image| named.contains(&image.id)) {
            continue;
        }
        trees::remove(layout, &key, lock, unpacker).await?;
        if let Some(image) = image {
            pruned.bytes += image.size_bytes;
            pruned.images.push(image.id);
        }
    }
    Ok(pruned)
}

/// Adds up what there is.
pub(super) fn disk_usage(layout: &Layout) -> Result<DiskUsage> {
    let mut usage = DiskUsage::default();
    for key in trees::keys(layout)? {
        if let Some(image) = trees::read(layout, &key)? {
            usage.images_bytes += image.size_bytes;
        }
    }
    for entry in fs::read_dir(layout.partial()).map_err(failed)? {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(metadata) => usage.downloads_bytes += metadata.len(),
            // It has just become part of an image.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(usage)
}
