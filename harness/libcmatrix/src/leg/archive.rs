//! Folders as tar streams: what is copied into a volume, made while it is sent.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tar::{Builder, EntryType, Header};
use tokio_util::io::{ReaderStream, SyncIoBridge};
use walkdir::{DirEntry, WalkDir};

use crate::{
    engine::TarStream,
    failure::{Failure, Result},
    project::{
        Inspected,
        config_env::{self, ConfigVariable},
        neutralise,
    },
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

/// What a project's tree is, as it goes into a leg.
#[derive(Clone, Debug, Default)]
pub struct SourceTree {
    root: PathBuf,
    skipped: Vec<PathBuf>,
    /// Path relative to the root, and the content it has in the legs.
    replaced: Vec<(PathBuf, Vec<u8>)>,
    /// What was taken out of which file, for the record.
    pub neutralised: Vec<String>,
    /// Variables that cargo's configuration sets for tests.
    pub config_env: Vec<ConfigVariable>,
}

impl SourceTree {
    /// Plans the copy: build output and other caches stay out, and settings that would make the legs unequal.
    ///
    /// # Errors
    /// A configuration file cannot be read.
    pub fn plan(project: &Inspected) -> Result<Self> {
        let mut tree = Self {
            root: project.root.clone(),
            skipped: vec![project.target_directory.clone(), project.root.join(".cargo-ok")],
            ..Self::default()
        };
        // Cargo reads its configuration from the folder it is started in and all above.
        let start = project.manifest.parent().unwrap_or(Path::new(""));
        for folder in start.ancestors() {
            for name in neutralise::TOOLCHAIN_FILES {
                let path = folder.join(name);
                if project.root.join(&path).is_file() {
                    tree.neutralised.push(format!(
                        "{} was left out: each leg's compiler is its environment's",
                        path.display()
                    ));
                    tree.skipped.push(project.root.join(path));
                }
            }
            // Cargo takes the first of the two.
            let names = neutralise::CONFIG_FILES.map(|name| folder.join(name));
            if let Some(path) = names.into_iter().find(|p| project.root.join(p).is_file()) {
                tree.configuration(path);
            }
        }
        Ok(tree)
    }

    /// Makes a configuration file harmless, and those that it includes.
    fn configuration(&mut self, path: PathBuf) {
        let mut pending = vec![path];
        while let Some(path) = pending.pop() {
            let is_known = self.replaced.iter().any(|(known, _)| *known == path);
            let Ok(text) = fs::read_to_string(self.root.join(&path)) else { continue };
            if is_known {
                continue;
            }
            let result = neutralise::neutralise(&text, path.parent().unwrap_or(Path::new("")));
            if !result.removed.is_empty() {
                self.neutralised.push(format!(
                    "{}: {} left out, so that both legs are built alike",
                    path.display(),
                    result.removed.join(", ")
                ));
            }
            // The files nearest to where cargo starts come first, and have the say.
            for variable in config_env::variables(&result.text, &path) {
                if self.config_env.iter().all(|known| known.name != variable.name) {
                    self.config_env.push(variable);
                }
            }
            pending.extend(result.includes);
            self.replaced.push((path, result.text.into_bytes()));
        }
    }

    /// Streams the tree.
    pub fn stream(&self, owner: Ownership) -> (TarStream, Making) {
        let tree = self.clone();
        stream(move |tar| tree.write(tar, owner))
    }

    fn write<W: Write>(&self, tar: &mut Builder<W>, owner: Ownership) -> io::Result<()> {
        folder_entry(tar, Path::new("."), 0o755, owner)?;
        let entries = WalkDir::new(&self.root).min_depth(1).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|e| !self.skips(e)) {
            let entry = entry.map_err(|e| {
                let path = e.path().map(|p| p.display().to_string()).unwrap_or_default();
                io::Error::other(format!("{path}: {e}"))
            })?;
            let Ok(relative) = entry.path().strip_prefix(&self.root) else { continue };
            self.append(tar, &entry, relative, owner).map_err(|e| {
                io::Error::new(e.kind(), format!("{}: {e}", entry.path().display()))
            })?;
        }
        Ok(())
    }

    fn skips(&self, entry: &DirEntry) -> bool {
        let path = entry.path();
        self.skipped.iter().any(|s| s == path)
            || (entry.file_type().is_dir() && path.join("CACHEDIR.TAG").is_file())
    }

    fn append<W: Write>(
        &self,
        tar: &mut Builder<W>,
        entry: &DirEntry,
        relative: &Path,
        owner: Ownership,
    ) -> io::Result<()> {
        if let Some((_, content)) = self.replaced.iter().find(|(path, _)| path == relative) {
            return file_entry(tar, relative, content, 0o644, owner);
        }
        let metadata = entry.path().symlink_metadata()?;
        let mut header = Header::new_gnu();
        // Modification times decide what cargo builds anew; owners of the user's machine mean nothing inside.
        header.set_metadata(&metadata);
        header.set_uid(owner.uid);
        header.set_gid(owner.gid);
        if metadata.is_symlink() {
            header.set_size(0);
            tar.append_link(&mut header, relative, fs::read_link(entry.path())?)
        } else if metadata.is_dir() {
            header.set_size(0);
            tar.append_data(&mut header, relative, io::empty())
        } else if metadata.is_file() {
            // A file that grows meanwhile must not spoil the archive: exactly the announced bytes are sent.
            let content = io::Read::take(fs::File::open(entry.path())?, metadata.len());
            tar.append_data(&mut header, relative, content)
        } else {
            // Sockets, pipes and devices are no source.
            Ok(())
        }
    }
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
