//! Finished trees: found, held, replaced, removed.
//!
//! Takes the key of a tree, which is whose files it holds and the image's id; gives the tree with what
//! is known of its image. A tree that is used is held by a lock that any number of processes share.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    image::StoredImage,
    layout::Layout,
    lock::{Kind, Lock},
    staging::Staging,
    unpacker::Unpacker,
};
use crate::failure::{Failure, Result};

/// A tree that is used. Dropping it lets the tree go.
#[derive(Debug)]
pub struct Held {
    /// The root of its files. They must not be changed.
    pub path: PathBuf,
    /// Its image.
    pub image: StoredImage,
    _lock: Lock,
}

/// Where a tree belongs.
#[derive(Debug)]
pub(super) enum Reserved {
    /// It is there.
    Held(Box<Held>),
    /// It is not.
    Free(Place),
}

/// The place of a tree that is not there yet; nobody else makes it meanwhile.
#[derive(Debug)]
pub(super) struct Place {
    pub path: PathBuf,
    _lock: Lock,
}

/// The name of a tree's folder.
pub(super) fn key(owner: &str, id: &str) -> String {
    format!("{owner}-{}", id.rsplit(':').next().unwrap_or_default())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::environment("cannot use the image store").because(error)
}

/// What is known of a tree's image, if the tree is there.
pub(super) fn read(layout: &Layout, key: &str) -> Result<Option<StoredImage>> {
    match fs::read(layout.trees().join(key).join("image.json")) {
        Ok(text) => Ok(StoredImage::read(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The keys of all trees.
pub(super) fn keys(layout: &Layout) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(layout.trees()).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        keys.extend(name.to_str().map(str::to_owned));
    }
    keys.sort();
    Ok(keys)
}

/// All images of one kind of users.
pub(super) fn all(layout: &Layout, owner: &str) -> Result<Vec<StoredImage>> {
    let mut images = Vec::new();
    for found in keys(layout)? {
        if let Some(image) = read(layout, &found)?
            && key(owner, &image.id) == found
        {
            images.push(image);
        }
    }
    Ok(images)
}

/// Holds a tree, if it is there.
pub(super) async fn hold(layout: &Layout, key: &str) -> Result<Option<Held>> {
    if read(layout, key)?.is_none() {
        return Ok(None);
    }
    let lock = Lock::wait(&lock_path(layout, key), Kind::Shared).await.map_err(failed)?;
    // It may have been removed in between.
    let path = layout.trees().join(key).join("tree");
    Ok(read(layout, key)?.map(|image| Held { path, image, _lock: lock }))
}

/// Waits until the tree is there and holds it, or takes it upon this process to make it.
pub(super) async fn reserve(layout: &Layout, key: &str) -> Result<Reserved> {
    loop {
        if let Some(held) = hold(layout, key).await? {
            return Ok(Reserved::Held(Box::new(held)));
        }
        let lock = Lock::wait(&lock_path(layout, key), Kind::Exclusive).await.map_err(failed)?;
        if read(layout, key)?.is_none() {
            return Ok(Reserved::Free(Place { path: layout.trees().join(key), _lock: lock }));
        }
    }
}

/// Removes what is at a place without being a tree: one of another version.
pub(super) async fn clear(layout: &Layout, place: &Place, unpacker: &dyn Unpacker) -> Result<()> {
    if place.path.symlink_metadata().is_ok() {
        discard(layout, &place.path, unpacker).await
    } else {
        Ok(())
    }
}

/// Locks a tree if nobody uses it.
pub(super) fn alone(layout: &Layout, key: &str) -> Result<Option<Lock>> {
    Lock::now(&lock_path(layout, key), Kind::Exclusive).map_err(failed)
}

/// Removes a tree that is locked.
pub(super) async fn remove(
    layout: &Layout,
    key: &str,
    lock: Lock,
    unpacker: &dyn Unpacker,
) -> Result<()> {
    let path = layout.trees().join(key);
    if path.symlink_metadata().is_ok() {
        discard(layout, &path, unpacker).await?;
    }
    lock.retire().map_err(failed)
}

/// Takes a folder out of its place at once, so that nobody finds half of it, and removes it then.
async fn discard(layout: &Layout, path: &Path, unpacker: &dyn Unpacker) -> Result<()> {
    let staging = Staging::new(layout)?;
    fs::rename(path, &staging.folder).map_err(failed)?;
    staging.discard(unpacker).await
}

fn lock_path(layout: &Layout, key: &str) -> PathBuf {
    layout.locks().join(OsStr::new(key))
}
