//! Who unpacks and removes trees.
//!
//! Takes archives and folders; gives trees. The files of a tree may belong to users whom only a helper
//! process may act for, so this is an interface; [`Direct`] does it in this process.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use libcmatrix_sandbox::{
    failed::Failed,
    request::{UnpackLimits, Unpacked, Users},
    tree,
};

use crate::failure::{Failure, Result};

/// Unpacks and removes trees as whoever their files shall belong to.
#[async_trait]
pub trait Unpacker: Send + Sync {
    /// Unpacks a plain tar archive into a folder that exists, and reads it to its end, also what
    /// follows the archive: its digest is taken on the way. A caller who stops waiting makes
    /// `tar` fail; what reads it must end then.
    ///
    /// # Errors
    /// The archive is refused, or the disk is full.
    async fn unpack(
        &self,
        root: &Path,
        layer: bool,
        limits: UnpackLimits,
        tar: Box<dyn Read + Send>,
    ) -> Result<Unpacked>;

    /// Removes trees. One that does not exist is no error.
    ///
    /// # Errors
    /// The kernel refuses.
    async fn remove(&self, trees: &[PathBuf]) -> Result<()>;

    /// A word for whom the files belong to, fit for a file's name: trees of one word are not
    /// used where another one is in force.
    fn owner_key(&self) -> String;
}

/// Does it in this process, as the user it has.
#[derive(Clone, Copy, Debug)]
pub struct Direct {
    /// Whose files a tree may hold.
    pub users: Users,
}

#[async_trait]
impl Unpacker for Direct {
    async fn unpack(
        &self,
        root: &Path,
        layer: bool,
        limits: UnpackLimits,
        tar: Box<dyn Read + Send>,
    ) -> Result<Unpacked> {
        let (root, users) = (root.to_path_buf(), self.users);
        let unpack = move || tree::unpack(tar, &root, users, layer, limits).map_err(tree_failure);
        tokio::task::spawn_blocking(unpack).await.unwrap_or_else(|error| Err(panicked(&error)))
    }

    async fn remove(&self, trees: &[PathBuf]) -> Result<()> {
        let trees = trees.to_vec();
        let remove = move || {
            trees.iter().try_for_each(|path| {
                tree::remove(path).map_err(|error| {
                    Failure::environment(format!("cannot remove {}", path.display())).because(error)
                })
            })
        };
        tokio::task::spawn_blocking(remove).await.unwrap_or_else(|error| Err(panicked(&error)))
    }

    fn owner_key(&self) -> String {
        owner_key(self.users)
    }
}

/// A word for whom files belong to, for [`Unpacker::owner_key`].
#[must_use]
pub fn owner_key(users: Users) -> String {
    match users {
        Users::Real => "real".to_owned(),
        Users::Single => "single".to_owned(),
        Users::Subordinate { first_uid, first_gid, count } => {
            format!("sub-{first_uid}-{first_gid}-{count}")
        }
    }
}

fn panicked(error: &tokio::task::JoinError) -> Failure {
    Failure::bug("work on a tree broke off").because(error)
}

/// An error of a tree, for people.
fn tree_failure(error: Failed) -> Failure {
    let full = error.errno == Some(rustix::io::Errno::NOSPC.raw_os_error());
    let failure = Failure::environment(error.what).because(error.why);
    if full { failure.hint("free some space, or remove images that are not used") } else { failure }
}
