//! Volumes: folders of a run that the daemon keeps, filled and read through its interface.
//!
//! Takes tar archives; gives tar archives. A daemon reaches into a volume only through a container,
//! so one is made for it from any image and never started.

use std::io;

use bollard::{
    body_try_stream,
    models::{ContainerCreateBody, HealthConfig, HostConfig, VolumeCreateRequest},
    query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder},
};
use futures_util::{StreamExt, stream};

use super::{
    DockerEngine,
    container::{self, Created},
    fault, labels,
};
use crate::{
    engine::{Owner, TarStream, Volume},
    failure::{Failure, Result},
};

/// Where the volume is in the container that is made to reach it.
const AT: &str = "/volume";

/// Makes an empty volume.
///
/// # Errors
/// The daemon refuses.
pub(super) async fn create(engine: &DockerEngine, owner: &Owner, purpose: &str) -> Result<Volume> {
    let what = || format!("cannot create a volume ({purpose})");
    let first = labels::name(&owner.run_id, &labels::in_a_name(purpose));
    // A daemon answers the wish for a volume that exists with that volume, and its content.
    let _naming = engine.naming.lock().await;
    let mut name = first.clone();
    let mut number = 1_u32;
    loop {
        match engine.daemon.inspect_volume(&name).await {
            Ok(_) => {
                number += 1;
                name = format!("{first}-{number}");
            }
            Err(error) if fault::status(&error) == Some(404) => break,
            Err(error) => return Err(fault::failure(what(), &error)),
        }
    }
    let request = VolumeCreateRequest {
        name: Some(name),
        driver: Some("local".to_owned()),
        labels: Some(labels::labels(owner, purpose)),
        ..VolumeCreateRequest::default()
    };
    match engine.daemon.create_volume(request).await {
        Ok(volume) => Ok(Volume(volume.name)),
        Err(error) => Err(fault::failure(what(), &error)),
    }
}

/// Unpacks a tar archive into a volume. Owners and modes are those in the archive.
///
/// # Errors
/// The archive is refused, or the disk is full.
pub(super) async fn write(
    engine: &DockerEngine,
    owner: &Owner,
    volume: &Volume,
    image: &str,
    tar: TarStream,
) -> Result<()> {
    let reached = reach(engine, owner, volume, image).await?;
    let options = UploadToContainerOptionsBuilder::new()
        .path(AT)
        // A folder is never replaced by a file, nor a file by a folder: that is an error.
        .no_overwrite_dir_non_dir("true")
        .build();
    let (tar, root) = look_for_root(tar).await;
    // An error while the archive is made is better than what the daemon says about the rest.
    let (tar, broken) = remember_error(tar);
    let mut written = engine
        .patient()
        .upload_to_container(reached.id(), Some(options), body_try_stream(tar))
        .await;
    if let (Ok(()), Some(archive)) = (&written, root) {
        let above = UploadToContainerOptionsBuilder::new().path("/").build();
        written = engine
            .daemon
            .upload_to_container(reached.id(), Some(above), bollard::body_full(archive.into()))
            .await;
    }
    reached.remove().await;
    let what = || format!("cannot write to the volume {}", volume.0);
    match (written, broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()) {
        (_, Some(why)) => Err(Failure::environment(what()).because(why)),
        (Ok(()), None) => Ok(()),
        (Err(error), None) => Err(fault::failure(what(), &error)),
    }
}

/// The bytes of one header of an archive.
const HEADER: usize = 512;

/// A daemon skips an archive's entry for the root folder itself, and with it the folder's owner and
/// mode. Where the archive begins with such an entry, this gives another archive that says the same
/// of the volume's folder from above; and the first one as it was.
async fn look_for_root(mut tar: TarStream) -> (TarStream, Option<Vec<u8>>) {
    let (mut chunks, mut start) = (Vec::new(), Vec::new());
    while start.len() < HEADER {
        let Some(chunk) = tar.next().await else { break };
        if let Ok(bytes) = &chunk {
            start.extend_from_slice(bytes);
        }
        let broken = chunk.is_err();
        chunks.push(chunk);
        if broken {
            break;
        }
    }
    let root = start.get(..HEADER).and_then(from_above);
    (Box::pin(stream::iter(chunks).chain(tar)), root)
}

fn from_above(header: &[u8]) -> Option<Vec<u8>> {
    let given = tar::Header::from_byte_slice(header);
    let is_root = given.path().is_ok_and(|path| path == std::path::Path::new("."));
    if !is_root || !given.entry_type().is_dir() {
        return None;
    }
    let mut header = given.clone();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, AT.trim_start_matches('/'), io::empty()).ok()?;
    archive.into_inner().ok()
}

type Remembered = std::sync::Arc<std::sync::Mutex<Option<String>>>;

/// The same bytes; and the place where an error among them is found afterwards.
fn remember_error(tar: TarStream) -> (TarStream, Remembered) {
    let remembered = Remembered::default();
    let place = remembered.clone();
    let tar = tar.inspect(move |bytes| {
        if let Err(error) = bytes {
            *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                Some(error.to_string());
        }
    });
    (Box::pin(tar), remembered)
}

/// Reads a path of a volume as a tar archive; `None` if there is nothing at that path.
///
/// # Errors
/// The daemon cannot be reached.
pub(super) async fn read(
    engine: &DockerEngine,
    owner: &Owner,
    volume: &Volume,
    image: &str,
    path: &str,
) -> Result<Option<TarStream>> {
    let place = place(path)?;
    let reached = reach(engine, owner, volume, image).await?;
    let options = DownloadFromContainerOptionsBuilder::new().path(&place).build();
    let mut bytes = Box::pin(engine.patient().download_from_container(reached.id(), Some(options)));
    // Whether there is something shows only with the first bytes.
    let first = match bytes.next().await {
        None => None,
        Some(Ok(first)) => Some(first),
        Some(Err(error)) => {
            let id = reached.id().to_owned();
            reached.remove().await;
            let is_missing = fault::status(&error) == Some(404) && !is_about_container(&error, &id);
            return if is_missing {
                Ok(None)
            } else {
                Err(fault::failure(
                    format!("cannot read {path} of the volume {}", volume.0),
                    &error,
                ))
            };
        }
    };
    let rest = stream::unfold((bytes, Some(reached)), |(mut bytes, mut reached)| async move {
        match bytes.next().await {
            Some(Ok(more)) => Some((Ok(more), (bytes, reached))),
            Some(Err(error)) => {
                Some((Err(io::Error::other(fault::cause(&error))), (bytes, reached)))
            }
            None => {
                if let Some(reached) = reached.take() {
                    reached.remove().await;
                }
                None
            }
        }
    });
    Ok(Some(Box::pin(stream::iter(first.map(Ok)).chain(rest))))
}

/// Whether an answer is about the container itself: a missing path has the same status.
fn is_about_container(error: &bollard::errors::Error, id: &str) -> bool {
    fault::cause(error).to_ascii_lowercase().starts_with(&format!("no such container: {id}"))
}

/// A path of the volume as a path of the container. The path comes from lists that the project
/// under test may have influenced, so it stays inside.
fn place(path: &str) -> Result<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(Failure::bug(format!("{path:?} leads out of a volume")));
    }
    // The daemon names the entries after the last component: here, after none.
    let inside = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
    Ok(format!("{AT}/{inside}"))
}

/// Makes a container that has the volume.
async fn reach(
    engine: &DockerEngine,
    owner: &Owner,
    volume: &Volume,
    image: &str,
) -> Result<Created> {
    container::must_exist(&engine.daemon, vec![volume.clone()]).await?;
    let name = engine.container_name(owner, "volume");
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        // It is never started; but an image without a command of its own needs one to be named.
        entrypoint: Some(vec!["/never-started".to_owned()]),
        cmd: Some(Vec::new()),
        network_disabled: Some(true),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        labels: Some(labels::labels(owner, &format!("reach {}", volume.0))),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            mounts: Some(vec![container::mount(owner, volume, AT, false)]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    Created::new(&engine.daemon, &name, body)
        .await
        .map_err(|error| fault::failure(format!("cannot reach the volume {}", volume.0), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(place("Cargo.lock").ok().as_deref(), Some("/volume/Cargo.lock"));
        assert_eq!(place("/a//b/./c/").ok().as_deref(), Some("/volume/a/b/c"));
        assert_eq!(place("").ok().as_deref(), Some("/volume/."));
        assert_eq!(place("..a/b..").ok().as_deref(), Some("/volume/..a/b.."));
        assert!(place("a/../../etc").is_err());
    }

    #[tokio::test]
    async fn the_root_folder_keeps_its_owner() {
        let archive = |path: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o777);
            header.set_uid(1000);
            header.set_gid(5);
            header.set_size(0);
            let mut archive = tar::Builder::new(Vec::new());
            archive.append_data(&mut header, path, io::empty()).expect("an entry");
            archive.into_inner().expect("an archive")
        };
        let parts = |bytes: &[u8]| -> TarStream {
            let parts: Vec<_> =
                bytes.chunks(100).map(|c| Ok(bytes::Bytes::copy_from_slice(c))).collect();
            Box::pin(stream::iter(parts))
        };
        let given = archive(".");
        let (same, root) = look_for_root(parts(&given)).await;
        let same: Vec<u8> = same.map(|c| c.expect("bytes").to_vec()).concat().await;
        assert_eq!(same, given, "nothing is lost");
        let root = root.expect("it begins with its root");
        let header = tar::Header::from_byte_slice(&root[..HEADER]);
        assert_eq!(header.path().expect("a path"), std::path::Path::new("volume/"));
        assert_eq!((header.uid().ok(), header.gid().ok()), (Some(1000), Some(5)));
        assert_eq!(header.mode().ok(), Some(0o777));
        assert!(look_for_root(parts(&archive("a"))).await.1.is_none());
        assert!(look_for_root(parts(b"short")).await.1.is_none());
    }

    #[tokio::test]
    async fn an_error_in_the_archive_is_remembered() {
        let bytes = [Ok(bytes::Bytes::from("x")), Err(io::Error::other("no such file: y"))];
        let (tar, broken) = remember_error(Box::pin(stream::iter(bytes)));
        assert_eq!(tar.count().await, 2);
        assert_eq!(broken.lock().expect("not poisoned").as_deref(), Some("no such file: y"));
    }
}
