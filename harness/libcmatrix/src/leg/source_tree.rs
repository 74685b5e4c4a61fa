//! The project's tree as it goes into a leg: without build output, and without settings that would
//! make the legs unequal.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tar::{Builder, Header};
use walkdir::{DirEntry, WalkDir};

use super::archive::{Making, Ownership, file_entry, folder_entry, stream};
use crate::{
    engine::TarStream,
    failure::Result,
    project::{
        Inspected,
        config_env::{self, ConfigVariable},
        neutralise,
    },
};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use libcmatrix_schema::{Project, ProjectKind};

    use super::*;

    fn project(root: &Path) -> Inspected {
        Inspected {
            project: Project {
                name: "p".into(),
                path: "p".into(),
                kind: ProjectKind::Directory,
                packages: Vec::new(),
                commit: None,
            },
            root: root.to_owned(),
            manifest: "member/Cargo.toml".into(),
            target_directory: root.join("target"),
            has_lockfile: false,
        }
    }

    /// Paths of an archive, and the content of its files.
    fn unpacked(tree: &SourceTree) -> BTreeMap<String, String> {
        let mut builder = Builder::new(Vec::new());
        tree.write(&mut builder, Ownership::default()).expect("an archive");
        let bytes = builder.into_inner().expect("bytes");
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").display().to_string();
            let mut content = String::new();
            io::Read::read_to_string(&mut entry, &mut content).expect("text");
            files.insert(path, content);
        }
        files
    }

    #[test]
    fn what_goes_in_is_harmless_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("member/src/lib.rs", "// code");
        write("target/debug/x", "built");
        write("cache/CACHEDIR.TAG", "");
        write("cache/x", "cached");
        write("rust-toolchain.toml", "[toolchain]\nchannel = '1.60'\n");
        write(".cargo/config.toml", "include = ['more.toml']\n[env]\nA = 'root'\nB = 'b'\n");
        write(".cargo/more.toml", "[build]\ntarget = 'x'\nrustflags = '--cfg a'\n");
        write("member/.cargo/config.toml", "[env]\nA = 'member'\n");
        let tree = SourceTree::plan(&project(folder.path())).expect("a plan");
        assert_eq!(tree.neutralised.len(), 2, "{:?}", tree.neutralised);
        let variable =
            |name: &str| tree.config_env.iter().find(|v| v.name == name).map(|v| v.value.as_str());
        assert_eq!((variable("A"), variable("B")), (Some("member"), Some("b")));
        let files = unpacked(&tree);
        assert_eq!(files["member/src/lib.rs"], "// code");
        assert!(!files.keys().any(|p| p.contains("target") || p.starts_with("cache")));
        assert!(!files.contains_key("rust-toolchain.toml"));
        let more: toml::Table = files[".cargo/more.toml"].parse().expect("a table");
        assert!(more["build"].get("target").is_none());
        assert_eq!(more["build"]["rustflags"].as_array().map(Vec::len), Some(2));
    }
}
