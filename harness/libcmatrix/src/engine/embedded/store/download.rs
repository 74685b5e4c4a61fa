//! Downloads of layers, which go on where they were broken off.
//!
//! Takes what a manifest lists and where it can be fetched; gives the file, whose digest is checked. A
//! layer that was broken off stays in `partial/` under its digest, locked while it is written to:
//! two images that share a layer fetch it once.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::StreamExt;
use oci_client::client::BlobResponse;
use sha2::{Digest as _, Sha256};

use super::{
    digest::Digest,
    endpoint::Endpoint,
    fault,
    lock::{Kind, Lock},
    manifest::Listed,
};

/// Tries at one layer. The count begins again whenever something was received.
const TRIES: u32 = 6;

/// Why a layer could not be fetched.
pub(super) enum Broken {
    /// The registry, or the way to it.
    Registry(String),
    /// The disk.
    Disk(io::Error),
}

/// Fetches a layer; gives it opened at its beginning. `received` follows how much of it is there.
pub(super) async fn fetch(
    endpoints: &[Endpoint],
    partial: &Path,
    layer: &Listed,
    received: &AtomicU64,
) -> Result<File, Broken> {
    let path = partial.join(layer.digest.hash());
    let lock = Lock::wait(&path, Kind::Exclusive).await.map_err(Broken::Disk)?;
    let mut why = String::new();
    // A file that somebody has damaged is fetched once more from its beginning.
    for _ in 0..2 {
        let begun = Begun::read(lock.file(), layer.size).await.map_err(Broken::Disk)?;
        received.store(begun.length, Ordering::Relaxed);
        let begun = complete(endpoints, lock.file(), layer, begun, received).await?;
        let found = begun.digest();
        if found == layer.digest {
            // Not opened anew: whoever fetched it first may remove its name now.
            let mut file = lock.release().map_err(Broken::Disk)?;
            file.seek(SeekFrom::Start(0)).map_err(Broken::Disk)?;
            return Ok(file);
        }
        why = format!("the layer {} arrives with the digest {found}", layer.digest);
        lock.file().set_len(0).map_err(Broken::Disk)?;
    }
    Err(Broken::Registry(why))
}

/// The beginning of a layer that is there.
struct Begun {
    length: u64,
    hash: Sha256,
}

impl Begun {
    /// Looks at what is there. More than the whole is nothing.
    async fn read(file: &File, size: u64) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        let read = move || {
            if file.metadata()?.len() > size {
                file.set_len(0)?;
            }
            file.seek(SeekFrom::Start(0))?;
            let mut hash = Hashing(Sha256::new());
            let length = io::copy(&mut io::BufReader::with_capacity(1 << 17, file), &mut hash)?;
            Ok(Self { length, hash: hash.0 })
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    fn digest(self) -> Digest {
        Digest::from_hash(self.hash)
    }
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Fetches what is missing, from whoever has it.
async fn complete(
    endpoints: &[Endpoint],
    file: &File,
    layer: &Listed,
    mut begun: Begun,
    received: &AtomicU64,
) -> Result<Begun, Broken> {
    let mut why = String::new();
    for endpoint in endpoints {
        let mut tries = 0;
        while begun.length < layer.size {
            let before = begun.length;
            match go_on(endpoint, file, layer, &mut begun, received).await {
                Ok(()) if begun.length == layer.size => {}
                Ok(()) => why = "the connection ends too early".to_owned(),
                Err(Stopped::Disk(error)) => return Err(Broken::Disk(error)),
                Err(Stopped::Registry { cause, again }) => {
                    why = cause;
                    if !again {
                        break;
                    }
                }
            }
            tries = if begun.length > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                break;
            }
            if begun.length < layer.size {
                tokio::time::sleep(fault::pause(tries)).await;
            }
        }
        if begun.length == layer.size {
            return Ok(begun);
        }
    }
    Err(Broken::Registry(why))
}

enum Stopped {
    Registry { cause: String, again: bool },
    Disk(io::Error),
}

/// One request.
async fn go_on(
    endpoint: &Endpoint,
    file: &File,
    layer: &Listed,
    begun: &mut Begun,
    received: &AtomicU64,
) -> Result<(), Stopped> {
    let place = endpoint.at(layer.digest.as_str());
    endpoint.client.store_auth_if_needed(place.resolve_registry(), &endpoint.auth).await;
    let answer = endpoint
        .client
        .pull_blob_stream_partial(&place, layer.digest.as_str(), begun.length, None)
        .await
        .map_err(|error| Stopped::Registry {
            cause: fault::cause(&error),
            again: fault::is_transient(&error),
        })?;
    let stream = match answer {
        BlobResponse::Partial(stream) => stream,
        // It knows no parts.
        BlobResponse::Full(stream) => {
            file.set_len(0).map_err(Stopped::Disk)?;
            *begun = Begun { length: 0, hash: Sha256::new() };
            received.store(0, Ordering::Relaxed);
            stream
        }
    };
    let mut stream = stream.stream;
    let mut file = file;
    file.seek(SeekFrom::Start(begun.length)).map_err(Stopped::Disk)?;
    while let Some(bytes) = stream.next().await {
        let bytes = bytes
            .map_err(|error| Stopped::Registry { cause: fault::chain(&error), again: true })?;
        let length = begun.length + bytes.len() as u64;
        if length > layer.size {
            let cause = format!("the layer {} has more bytes than it should", layer.digest);
            return Err(Stopped::Registry { cause, again: false });
        }
        file.write_all(&bytes).map_err(Stopped::Disk)?;
        begun.hash.update(&bytes);
        begun.length = length;
        received.store(length, Ordering::Relaxed);
    }
    Ok(())
}

/// How far several downloads are.
#[derive(Clone, Default)]
pub(super) struct Counters(Vec<Arc<AtomicU64>>);

impl Counters {
    pub fn new(count: usize) -> Self {
        Self((0..count).map(|_| Arc::default()).collect())
    }

    /// The one of a download.
    pub fn of(&self, index: usize) -> Arc<AtomicU64> {
        self.0.get(index).cloned().unwrap_or_default()
    }

    pub fn sum(&self) -> u64 {
        self.0.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}
