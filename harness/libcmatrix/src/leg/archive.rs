//! Tar streams: what is copied into a volume, made while it is sent.

use std::{
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tar::{Builder, EntryType, Header};
use tokio_util::io::{ReaderStream, SyncIoBridge};

use crate::{
    engine::TarStream,
    failure::{Failure, Result},
};

/// Who owns the files of an archive, inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// User id.
    pub uid: u64,
    /// Group id.
    pub gid: u64,
}

impl Ownership {
    /// Reads `uid[:gid]`; a name, which only the image could resolve, is taken for root.
    #[must_use]
    pub fn of(user: Option<&str>) -> Self {
        let (uid, gid) = user.map(|u| u.split_once(':').unwrap_or((u, u))).unwrap_or_default();
        let uid = uid.parse().unwrap_or(0);
        Self { uid, gid: gid.parse().unwrap_or(uid) }
    }
}

/// The thread that makes an archive: whether it became whole, and a digest of its bytes.
pub type Making = tokio::task::JoinHandle<io::Result<u64>>;

/// Makes an archive in a thread of its own and streams it.
pub fn stream<F>(make: F) -> (TarStream, Making)
where
    F: FnOnce(&mut Builder<Box<dyn Write>>) -> io::Result<()> + Send + 'static,
{
    let (writer, reader) = tokio::io::duplex(1 << 20);
    let writer = SyncIoBridge::new(writer);
    let task = tokio::task::spawn_blocking(move || {
        let digest = Arc::new(Mutex::new(DefaultHasher::new()));
        let digesting = Digesting { inner: writer, digest: digest.clone() };
        let buffered: Box<dyn Write> = Box::new(io::BufWriter::with_capacity(1 << 18, digesting));
        let mut builder = Builder::new(buffered);
        builder.follow_symlinks(false);
        make(&mut builder)?;
        builder.into_inner()?.flush()?;
        Ok(digest.lock().unwrap_or_else(PoisonError::into_inner).finish())
    });
    (Box::pin(ReaderStream::with_capacity(reader, 1 << 18)), task)
}

/// Takes a digest of what is written. Enough to see a change; no protection against malice.
struct Digesting<W> {
    inner: W,
    digest: Arc<Mutex<DefaultHasher>>,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = match self.inner.write(bytes) {
            // Whoever unpacks has stopped reading, and says itself whether that was right.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => bytes.len(),
            written => written?,
        };
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.inner.flush() {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// An archive of nothing but its root folder: gives a volume's root its owner.
pub fn empty(owner: Ownership) -> (TarStream, Making) {
    stream(move |tar| folder_entry(tar, Path::new("."), 0o755, owner))
}

/// An archive of one small file.
pub fn file(name: &'static str, content: Vec<u8>, owner: Ownership) -> (TarStream, Making) {
    stream(move |tar| file_entry(tar, Path::new(name), &content, 0o644, owner))
}

/// Adds a folder.
pub fn folder_entry<W: Write>(
    tar: &mut Builder<W>,
    path: &Path,
    mode: u32,
    owner: Ownership,
) -> io::Result<()> {
    let mut header = header(EntryType::Directory, mode, owner);
    tar.append_data(&mut header, path, io::empty())
}

/// Adds a file.
pub fn file_entry<W: Write>(
    tar: &mut Builder<W>,
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Ownership,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, mode, owner);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content)
}

fn header(kind: EntryType, mode: u32, owner: Ownership) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.uid);
    header.set_gid(owner.gid);
    header.set_size(0);
    header
}

/// Waits for an archive that has been sent, and gives its digest or says what went wrong on either side; the sender's
/// own error first, because a cut archive is only its consequence.
///
/// # Errors
/// The archive could not be made, or not be unpacked.
pub async fn sent(what: &str, task: Making, unpacked: Result<()>) -> Result<u64> {
    match task.await {
        Ok(Ok(digest)) => unpacked.map(|()| digest),
        Ok(Err(e)) => Err(Failure::usage(format!("{what} cannot be read")).because(e)),
        Err(e) => Err(Failure::bug(format!("{what} could not be packed")).because(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::Ownership;

    #[test]
    fn an_owner_may_have_a_group() {
        assert_eq!(Ownership::of(None), Ownership { uid: 0, gid: 0 });
        assert_eq!(Ownership::of(Some("1000")), Ownership { uid: 1000, gid: 1000 });
        assert_eq!(Ownership::of(Some("1000:5")), Ownership { uid: 1000, gid: 5 });
    }
}
