//! Folders as tar streams: what is copied into a volume, made while it is sent.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tar::{Builder, EntryType, Header};
use tokio_util::io::{ReaderStream, SyncIoBridge};
use walkdir::{DirEntry, WalkDir};

use crate::{
    engine::TarStream,
    failure::{Failure, Result},
    project::{Inspected, neutralise},
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

/// Makes an archive in a thread of its own and streams it. The handle tells whether it became whole.
pub fn stream<F>(make: F) -> (TarStream, tokio::task::JoinHandle<io::Result<()>>)
where
    F: FnOnce(&mut Builder<Box<dyn Write>>) -> io::Result<()> + Send + 'static,
{
    let (writer, reader) = tokio::io::duplex(1 << 20);
    let writer = SyncIoBridge::new(writer);
    let task = tokio::task::spawn_blocking(move || {
        let buffered: Box<dyn Write> = Box::new(io::BufWriter::with_capacity(1 << 18, writer));
        let mut builder = Builder::new(buffered);
        builder.follow_symlinks(false);
        make(&mut builder)?;
        builder.into_inner()?.flush()
    });
    (Box::pin(ReaderStream::with_capacity(reader, 1 << 18)), task)
}

/// An archive of nothing but its root folder: gives a volume's root its owner.
pub fn empty(owner: Ownership) -> (TarStream, tokio::task::JoinHandle<io::Result<()>>) {
    stream(move |tar| folder_entry(tar, Path::new("."), owner))
}

/// An archive of one small file.
pub fn file(
    name: &'static str,
    content: Vec<u8>,
    owner: Ownership,
) -> (TarStream, tokio::task::JoinHandle<io::Result<()>>) {
    stream(move |tar| file_entry(tar, Path::new(name), &content, 0o644, owner))
}

/// Adds a folder.
pub fn folder_entry<W: Write>(
    tar: &mut Builder<W>,
    path: &Path,
    owner: Ownership,
) -> io::Result<()> {
    let mut header = header(EntryType::Directory, 0o755, owner);
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
            for name in neutralise::CONFIG_FILES {
                let path = folder.join(name);
                let full = project.root.join(&path);
                let Ok(text) = fs::read_to_string(&full) else { continue };
                let result = neutralise::neutralise(&text);
                if !result.removed.is_empty() {
                    tree.neutralised.push(format!(
                        "{}: {} left out, so that both legs are built alike",
                        path.display(),
                        result.removed.join(", ")
                    ));
                    tree.replaced.push((path, result.text.into_bytes()));
                }
            }
        }
        Ok(tree)
    }

    /// Streams the tree.
    pub fn stream(&self, owner: Ownership) -> (TarStream, tokio::task::JoinHandle<io::Result<()>>) {
        let tree = self.clone();
        stream(move |tar| tree.write(tar, owner))
    }

    fn write<W: Write>(&self, tar: &mut Builder<W>, owner: Ownership) -> io::Result<()> {
        folder_entry(tar, Path::new("."), owner)?;
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

/// Waits for an archive that has been sent, and says what went wrong on either side; the sender's
/// own error first, because a cut archive is only its consequence.
///
/// # Errors
/// The archive could not be made, or not be unpacked.
pub async fn sent(
    what: &str,
    task: tokio::task::JoinHandle<io::Result<()>>,
    unpacked: Result<()>,
) -> Result<()> {
    match task.await {
        Ok(Err(e)) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("{what} cannot be read")).because(e))
        }
        Err(e) => Err(Failure::bug(format!("{what} could not be packed")).because(e)),
        _ => unpacked,
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
