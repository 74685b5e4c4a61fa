//! Where archives are unpacked: a folder `tree`, and a folder `outside` beside it, which must be as before
//! afterwards.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use libcmatrix_sandbox::{
    failed::Failed,
    request::{UnpackLimits, Unpacked, Users},
    tree::unpack,
};
use tempfile::TempDir;

pub const LIMITS: UnpackLimits = UnpackLimits { bytes: 1 << 24, entries: 10_000 };

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub fn users() -> Users {
    if is_root() { Users::Real } else { Users::Single }
}

pub struct Ground {
    _folder: TempDir,
    pub tree: PathBuf,
    pub outside: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tree, outside) = (folder.path().join("tree"), folder.path().join("outside"));
        fs::create_dir(&tree).expect("made");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("secret"), "secret").expect("written");
        fs::create_dir(outside.join("folder")).expect("made");
        fs::write(outside.join("folder/inner"), "inner").expect("written");
        let before = snapshot(&outside);
        Self { _folder: folder, tree, outside, before }
    }

    pub fn layer(&self, archive: &[u8]) -> Result<Unpacked, Failed> {
        self.checked(unpack(archive, &self.tree, users(), true, LIMITS))
    }

    pub fn plain(&self, archive: &[u8]) -> Result<Unpacked, Failed> {
        self.checked(unpack(archive, &self.tree, users(), false, LIMITS))
    }

    pub fn checked<T>(&self, done: T) -> T {
        assert_eq!(snapshot(&self.outside), self.before, "something outside has changed");
        done
    }

    pub fn refused(&self, archive: &[u8], says: &str) {
        for layer in [true, false] {
            let done = unpack(archive, &self.tree, users(), layer, LIMITS);
            let error = self.checked(done).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.tree.join(path)
    }

    pub fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    pub fn names(&self, path: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(path))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Everything about a folder that must not change.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    let mut to_go = vec![folder.to_path_buf()];
    while let Some(path) = to_go.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        let content = if meta.is_file() { fs::read(&path).expect("read") } else { Vec::new() };
        if meta.is_dir() {
            to_go.extend(fs::read_dir(&path).expect("read").map(|e| e.expect("an entry").path()));
        }
        let said = format!(
            "{:o} {}:{} links {} changed {}.{} {content:?}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.nlink(),
            meta.ctime(),
            meta.ctime_nsec()
        );
        seen.insert(path, said);
    }
    seen
}

pub fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}
