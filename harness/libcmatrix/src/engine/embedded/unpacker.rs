//! Unpacking images as the users of sandboxes: a helper does it.

use std::{
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use libcmatrix_sandbox::request::{Answer, Request, UnpackLimits, Unpacked, Users};

use super::{
    helper::{self, Executable, Helper},
    store::{Unpacker, owner_key},
};
use crate::failure::{Failure, Result};

/// Unpacks by helpers.
#[derive(Debug)]
pub(super) struct HelperUnpacker {
    executable: Arc<Executable>,
    users: Users,
}

impl HelperUnpacker {
    pub(super) fn new(executable: Arc<Executable>, users: Users) -> Self {
        Self { executable, users }
    }
}

/// Whom helpers work for that belong to no run.
const IMAGES: &str = "images";

#[async_trait]
impl Unpacker for HelperUnpacker {
    async fn unpack(
        &self,
        root: &Path,
        layer: bool,
        limits: UnpackLimits,
        mut tar: Box<dyn Read + Send>,
    ) -> Result<Unpacked> {
        let what = || format!("cannot unpack into {}", root.display());
        let (reader, mut writer) =
            io::pipe().map_err(|e| Failure::environment(what()).because(e))?;
        let request = Request::Unpack { users: self.users, root: root.to_owned(), layer, limits };
        let mut helper =
            Helper::ask(&self.executable, IMAGES, request, Some(OwnedFd::from(reader))).await?;
        let copied = tokio::task::spawn_blocking(move || match io::copy(&mut tar, &mut writer) {
            // The helper says itself why it reads no more.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map(drop),
        });
        match copied.await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => {
                helper.end().await;
                return Err(Failure::environment(what()).because(e));
            }
            Err(e) => return Err(Failure::bug(what()).because(e)),
        }
        let answer = helper.answer().await;
        helper.end().await;
        match answer {
            Ok(Answer::Unpacked(unpacked)) => Ok(unpacked),
            Ok(other) => Err(Failure::bug(what()).because(format!("{other:?}"))),
            Err(failed) => Err(helper::failure(what(), &failed)),
        }
    }

    async fn remove(&self, trees: &[PathBuf]) -> Result<()> {
        super::remove_trees(&self.executable, self.users, trees.to_vec()).await
    }

    fn owner_key(&self) -> String {
        owner_key(self.users)
    }
}
