//! Volumes: folders of a run, filled and read by helpers.

use std::sync::Arc;

use std::{fs, io, os::unix::fs::PermissionsExt, path::PathBuf};

use futures_util::{StreamExt, stream};
use libcmatrix_sandbox::request::{Answer, Request, UnpackLimits};
use tokio::{io::AsyncWriteExt, net::unix::pipe};
use tokio_util::io::ReaderStream;

use super::{
    EngineParts,
    helper::{self, Helper},
};
use crate::{
    engine::{Owner, TarStream, Volume},
    failure::{Failure, Result},
};

/// How much is handed over at a time.
const CHUNK: usize = 256 * 1024;

/// Makes an empty volume.
///
/// # Errors
/// The disk is full.
pub(super) fn create(engine: &Arc<EngineParts>, owner: &Owner, purpose: &str) -> Result<Volume> {
    let failed = |e: io::Error| {
        Failure::environment(format!("cannot create a volume ({purpose})"))
            .because(e)
            .hint("see whether the disk is full: `libcmatrix doctor`")
    };
    let run = engine.run(&owner.run_id)?;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '-' };
    let first: String = purpose.chars().map(plain).collect();
    let mut number = 1;
    loop {
        let name = if number == 1 { first.clone() } else { format!("{first}-{number}") };
        let folder = run.volume(&name);
        // Not only at its making: there the caller's umask would have a say.
        let made = fs::create_dir(&folder)
            .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)));
        match made {
            Ok(()) => return Ok(Volume(format!("{}/{name}", owner.run_id))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(failed(e)),
        }
    }
}

/// Where a volume is.
///
/// # Errors
/// It was removed meanwhile.
pub(super) fn folder(engine: &Arc<EngineParts>, volume: &Volume) -> Result<PathBuf> {
    let gone = || {
        Failure::environment(format!("the volume {} is gone", volume.0))
            .because("it was removed while the run needed it")
            .hint("run again, and let no clean-up run at the same time")
    };
    let (run_id, name) = volume.0.split_once('/').ok_or_else(gone)?;
    let folder = engine.run(run_id)?.volume(name);
    if folder.is_dir() { Ok(folder) } else { Err(gone()) }
}

/// Unpacks an archive into a volume.
///
/// # Errors
/// The archive is refused, or the disk is full.
pub(super) async fn write(
    engine: &Arc<EngineParts>,
    owner: &Owner,
    volume: &Volume,
    mut tar: TarStream,
) -> Result<()> {
    let what = || format!("cannot write to the volume {}", volume.0);
    let request = Request::Unpack {
        users: engine.users,
        root: folder(engine, volume)?,
        layer: false,
        // It is our own archive; what it may hold is the user's affair.
        limits: UnpackLimits { bytes: u64::MAX, entries: u64::MAX },
    };
    let pipes = pipe::pipe().and_then(|(writer, reader)| Ok((writer, reader.into_blocking_fd()?)));
    let (mut writer, reader) = pipes.map_err(|e| Failure::environment(what()).because(e))?;
    let mut helper = Helper::ask(&engine.executable, &owner.run_id, request, Some(reader)).await?;
    let mut broken = None;
    while let Some(chunk) = tar.next().await {
        match chunk {
            // Whoever does not read any more says why itself.
            Ok(bytes) => {
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            Err(e) => {
                broken = Some(e);
                break;
            }
        }
    }
    // It reads until this end is closed.
    drop(writer);
    let answer = helper.answer().await;
    helper.end().await;
    // An error while the archive is made is better than what is said about the rest.
    if let Some(e) = broken {
        return Err(Failure::environment(what()).because(e));
    }
    match answer {
        Ok(Answer::Unpacked(_)) => Ok(()),
        Ok(other) => Err(Failure::bug(what()).because(format!("{other:?}"))),
        Err(failed) => Err(helper::failure(what(), &failed)),
    }
}

/// Reads a path of a volume as an archive; `None` if there is nothing at that path.
///
/// # Errors
/// No helper can be started.
pub(super) async fn read(
    engine: &Arc<EngineParts>,
    owner: &Owner,
    volume: &Volume,
    path: &str,
) -> Result<Option<TarStream>> {
    let what = format!("cannot read {path} of the volume {}", volume.0);
    pack(engine, owner, what, folder(engine, volume)?, path).await
}

/// Reads a path of a folder as an archive; `None` if there is nothing at that path. `what` is said
/// where that fails.
///
/// # Errors
/// No helper can be started.
pub(super) async fn pack(
    engine: &Arc<EngineParts>,
    owner: &Owner,
    what: String,
    root: PathBuf,
    path: &str,
) -> Result<Option<TarStream>> {
    let request = Request::Pack { users: engine.users, root, path: path.to_owned() };
    let mut helper = Helper::ask(&engine.executable, &owner.run_id, request, None).await?;
    let Some(output) = helper.take_stdout() else {
        return Err(Failure::bug(what).because("a helper without standard output"));
    };
    let mut bytes = ReaderStream::with_capacity(output, CHUNK);
    let Some(first) = bytes.next().await else {
        let answer = helper.answer().await;
        helper.end().await;
        return match answer {
            Ok(Answer::Packed { found: false }) => Ok(None),
            Ok(other) => Err(Failure::bug(what).because(format!("{other:?}"))),
            Err(failed) => Err(helper::failure(what, &failed)),
        };
    };
    let rest = stream::unfold((bytes, Some(helper)), |(mut bytes, mut helper)| async move {
        if let Some(more) = bytes.next().await {
            return Some((more, (bytes, helper)));
        }
        // The end of the bytes is the end of the archive only if the helper says so.
        let mut ended = helper.take()?;
        let answer = ended.answer().await;
        ended.end().await;
        match answer {
            Ok(_) => None,
            Err(failed) => Some((Err(io::Error::other(failed)), (bytes, None))),
        }
    });
    Ok(Some(Box::pin(stream::iter([first]).chain(rest))))
}
