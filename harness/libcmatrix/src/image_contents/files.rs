//! The files of an image, after all its layers.
//!
//! Takes the layers as plain archives, the lowest first; gives what stands where, with the texts in
//! which package managers keep their books and what ELF files ask their loader for. Whiteouts are those
//! of the image format (<https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>).

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, Read},
};

use libcmatrix_agent::{asks_for, read_elf_content};
use tar::{Archive, Entry, EntryType};

/// More than this is not read of one file of a base to look into it.
pub(crate) const LARGEST_READ: u64 = 256 << 20;
/// Links that are followed on one way, as Linux does.
const MOST_LINKS: u32 = 40;
/// Functions that start a process. Rust's own library asks for them only if the program does.
const CHILDREN: [&str; 8] =
    ["fork", "vfork", "posix_spawn", "posix_spawnp", "system", "popen", "clone", "clone3"];
/// In the name of what removes another file.
const WHITEOUT: &str = ".wh.";
/// Removes everything that lower layers have in its folder.
const OPAQUE: &str = ".wh..wh..opq";

/// The files of an image, by their paths without a slash at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, FileEntry>);

/// One of them.
#[derive(Debug)]
pub(crate) struct FileEntry {
    pub kind: FileKind,
    /// Permissions, with the setuid, setgid and sticky bits.
    pub mode: u32,
}

/// What it is.
#[derive(Debug)]
pub(crate) enum FileKind {
    /// A regular file.
    File(Content),
    /// A symbolic link, and where to.
    Link(String),
    /// A folder, a device or something else.
    Other,
}

/// What an ELF file asks its loader for.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The loader itself, by its path.
    pub interpreter: Option<String>,
    /// Libraries, by their names.
    pub libraries: Vec<String>,
    /// It asks for a function that starts a process.
    pub starts_children: bool,
}

/// What is known of a file's content.
#[derive(Debug)]
pub(crate) enum Content {
    /// A package manager's book.
    Text(String),
    /// An ELF file that has something to ask for, or could be asked for.
    Elf(Needs),
    /// Anything else.
    Unread,
}

impl Files {
    /// Adds a layer; gives the bytes of its files, and of its symbolic links. Files of more bytes than
    /// `largest` are not looked into.
    ///
    /// # Errors
    /// It cannot be read, or is no archive.
    pub(crate) fn add_layer(&mut self, layer: impl Read, largest: u64) -> io::Result<u64> {
        let mut bytes = 0;
        // What a layer removes is of the layers below, wherever in the archive that is said.
        let mut added = BTreeMap::new();
        for entry in Archive::new(layer).entries()? {
            let mut entry = entry?;
            let Some(path) = plain(&entry.path_bytes()) else { continue };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == OPAQUE {
                self.remove_below(folder);
            } else if let Some(removed) = name.strip_prefix(WHITEOUT) {
                let removed = within(folder, removed);
                self.remove_below(&removed);
                self.0.remove(&removed);
            } else {
                bytes += added_bytes(&entry);
                let file = read(&mut entry, &path, largest)?;
                added.insert(path, file);
            }
        }
        for (path, file) in added {
            let is_folder = matches!(file.kind, FileKind::Other);
            if !is_folder {
                self.remove_below(&path);
            }
            self.0.insert(path, file);
        }
        Ok(bytes)
    }

    fn remove_below(&mut self, folder: &str) {
        let begins = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.0.range(begins.clone()..).map(|(path, _)| path);
        let below: Vec<String> =
            below.take_while(|path| path.starts_with(&begins)).cloned().collect();
        for path in below {
            self.0.remove(&path);
        }
    }

    /// All of them, by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &FileEntry)> {
        self.0.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The text at a path, if it was kept.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        match &self.0.get(path)?.kind {
            FileKind::File(Content::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What stands at a path; links are not followed.
    pub(crate) fn at(&self, path: &str) -> Option<&FileEntry> {
        self.0.get(path)
    }

    /// Where a path leads to when its links are followed, and what is there; `None` if nothing is.
    pub(crate) fn resolve(&self, path: &str) -> Option<(String, &FileEntry)> {
        let path = self.follow(path)?;
        self.0.get(&path).map(|file| (path, file))
    }

    /// Where a file of this path stands, or would: the links of its folders are followed, it is not.
    pub(crate) fn place(&self, path: &str) -> Option<String> {
        let path = path.trim_matches('/');
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.follow(folder).map(|folder| within(&folder, name))
    }

    /// The places of the links that begin at a path, and of what they lead to.
    pub(crate) fn chain(&self, path: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = self.place(path);
        while let Some(place) = next.filter(|place| !chain.contains(place)) {
            next = match self.0.get(&place).map(|file| &file.kind) {
                Some(FileKind::Link(target)) if target.starts_with('/') => self.place(target),
                Some(FileKind::Link(target)) => {
                    let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
                    self.place(&within(folder, target))
                }
                Some(_) => None,
                None => break,
            };
            chain.push(place);
        }
        chain
    }

    /// Where a path leads to when its links are followed; parts of it need not be there.
    fn follow(&self, path: &str) -> Option<String> {
        let mut here: Vec<String> = Vec::new();
        let mut left: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    here.pop();
                    continue;
                }
                _ => here.push(part),
            }
            let Some(FileEntry { kind: FileKind::Link(target), .. }) = self.0.get(&here.join("/"))
            else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            here.pop();
            if target.starts_with('/') {
                here.clear();
            }
            for part in target.split('/').rev() {
                left.push_front(part.to_owned());
            }
        }
        Some(here.join("/"))
    }
}

/// A path without what goes without saying; `None` of the root, and of one that leads out.
pub(crate) fn plain(path: &[u8]) -> Option<String> {
    let path = String::from_utf8_lossy(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}

fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Docker counts what its files take on disk: a symbolic link takes the length of its target
/// (`pkg/directory` of moby, as the driver overlay2 uses it).
fn added_bytes<R: Read>(entry: &Entry<'_, R>) -> u64 {
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => entry.size(),
        EntryType::Symlink => entry.link_name_bytes().unwrap_or_default().len() as u64,
        _ => 0,
    }
}

fn read<R: Read>(entry: &mut Entry<'_, R>, path: &str, largest: u64) -> io::Result<FileEntry> {
    let mode = entry.header().mode().unwrap_or(0) & 0o7777;
    let kind = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            FileKind::File(content(entry, path, largest)?)
        }
        EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default();
            FileKind::Link(String::from_utf8_lossy(&target).into_owned())
        }
        // Another name of a file: what leads there leads to the same.
        EntryType::Link => {
            let target = entry.link_name_bytes().unwrap_or_default();
            FileKind::Link(format!("/{}", String::from_utf8_lossy(&target)))
        }
        _ => FileKind::Other,
    };
    Ok(FileEntry { kind, mode })
}

fn content<R: Read>(entry: &mut Entry<'_, R>, path: &str, largest: u64) -> io::Result<Content> {
    if entry.size() > largest {
        return Ok(Content::Unread);
    }
    if super::packages::is_book(path) {
        let mut text = Vec::new();
        entry.read_to_end(&mut text)?;
        return Ok(Content::Text(String::from_utf8_lossy(&text).into_owned()));
    }
    let mut data = vec![0; 4];
    let start = entry.read(&mut data)?;
    if data[..start] != *b"\x7fELF" {
        return Ok(Content::Unread);
    }
    entry.read_to_end(&mut data)?;
    let needs = |elf: libcmatrix_schema::Elf| Needs {
        interpreter: elf.interpreter,
        libraries: elf.needed,
        starts_children: asks_for(&data, &CHILDREN),
    };
    Ok(read_elf_content(&data).map_or(Content::Unread, |elf| Content::Elf(needs(elf))))
}

#[cfg(test)]
pub(crate) mod tests {
    use tar::{Builder, Header};

    use super::*;

    /// A layer of files: path, kind, mode, and content or target.
    pub(crate) fn layer(files: &[(&str, EntryType, u32, &str)]) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (path, kind, mode, content) in files {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.set_size(0);
                tar.append_link(&mut header, path, content).expect("packed");
            } else {
                header.set_size(content.len() as u64);
                tar.append_data(&mut header, path, content.as_bytes()).expect("packed");
            }
        }
        tar.into_inner().expect("packed")
    }

    impl Files {
        /// Puts an ELF file there that asks for this.
        pub(crate) fn put_elf(&mut self, path: &str, needs: Needs) {
            let kind = FileKind::File(Content::Elf(needs));
            self.0.insert(path.to_owned(), FileEntry { kind, mode: 0o755 });
        }
    }

    fn paths(files: &Files) -> Vec<&str> {
        files.iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn later_layers_remove_and_replace() {
        use EntryType::{Directory, Regular};
        let mut files = Files::default();
        let first = layer(&[
            ("./etc/", Directory, 0o755, ""),
            ("etc/a", Regular, 0o644, "12345"),
            ("etc/b", Regular, 0o644, "1"),
            ("opt/x/y", Regular, 0o644, "1"),
            ("srv/z", Regular, 0o644, "1"),
        ]);
        assert_eq!(files.add_layer(first.as_slice(), u64::MAX).expect("read"), 8);
        let second = layer(&[
            ("opt/x/new", Regular, 0o644, "123"),
            ("opt/x/.wh..wh..opq", Regular, 0o644, ""),
            ("etc/.wh.a", Regular, 0o644, ""),
            ("srv", Regular, 0o644, "a file now"),
        ]);
        assert_eq!(files.add_layer(second.as_slice(), u64::MAX).expect("read"), 13);
        assert_eq!(paths(&files), ["etc", "etc/b", "opt/x/new", "srv"]);
    }

    #[test]
    fn links_lead_where_they_lead() {
        use EntryType::{Link, Regular, Symlink};
        let mut files = Files::default();
        let all = layer(&[
            ("lib", Symlink, 0o777, "usr/lib"),
            ("usr/lib/libx.so.1", Symlink, 0o777, "libx.so.1.2"),
            ("usr/lib/libx.so.1.2", Regular, 0o644, "x"),
            ("bin/again", Link, 0o755, "usr/lib/libx.so.1.2"),
            ("a", Symlink, 0o777, "b"),
            ("b", Symlink, 0o777, "/a"),
        ]);
        files.add_layer(all.as_slice(), u64::MAX).expect("read");
        let leads = |path: &str| files.resolve(path).map(|(path, _)| path);
        assert_eq!(leads("/lib/libx.so.1").as_deref(), Some("usr/lib/libx.so.1.2"));
        assert_eq!(leads("bin/again").as_deref(), Some("usr/lib/libx.so.1.2"));
        assert_eq!((leads("a"), leads("lib/none"), leads("../..")), (None, None, None));
        let chain = ["usr/lib/libx.so.1", "usr/lib/libx.so.1.2"];
        assert_eq!(files.chain("/lib/libx.so.1"), chain);
        assert_eq!(files.chain("a"), ["a", "b"]);
        assert_eq!(files.chain("lib/none"), [""; 0]);
        assert_eq!(files.place("/lib/none").as_deref(), Some("usr/lib/none"));
    }
}
