//! The store's folders, and how files in them are replaced.
//!
//! ```text
//! names.json               name or name@digest -> image id
//! trees/KEY-HASH/          one image for one kind of users
//!     image.json           what is known of it
//!     tree/                its files
//! staging/NAME.lock        held while staging/NAME is worked on
//! staging/NAME/            a tree in the making
//! partial/HASH             a layer in compressed form, or the beginning of one
//! locks/KEY-HASH           shared: in use; alone: being made or removed
//! ```
//!
//! The store is closed to other users (0700): trees keep setuid programs of images, which must not be
//! there for others to start.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The store's folder.
    pub root: PathBuf,
}

impl Layout {
    /// Makes the folders that are not there.
    pub fn make(root: PathBuf) -> Result<Self> {
        let layout = Self { root };
        let failed = |error| {
            Failure::environment(format!("cannot use the image store {}", layout.root.display()))
                .because(error)
                .hint("check the folder's owner and the space on its disk")
        };
        layout.make_folders().map_err(failed)?;
        Ok(layout)
    }

    fn make_folders(&self) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&self.root)?;
        let mode = fs::metadata(&self.root)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&self.root, fs::Permissions::from_mode(0o700))?;
        }
        for folder in [self.trees(), self.staging(), self.partial(), self.locks()] {
            private.create(folder)?;
        }
        Ok(())
    }

    pub fn names(&self) -> PathBuf {
        self.root.join("names.json")
    }

    pub fn trees(&self) -> PathBuf {
        self.root.join("trees")
    }

    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    pub fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }
}

/// Replaces a file: whoever reads it sees the old content or the new one, also after a power cut.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Sees to it that the names in a folder outlast a power cut.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_closed_to_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("a/store");
        fs::create_dir_all(&root).expect("made");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("opened");
        let layout = Layout::make(root.clone()).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&root), 0o700);
        assert_eq!(mode(&layout.trees()), 0o700);
        Layout::make(root).expect("again");
    }

    #[test]
    fn replacing_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        replace(&path, b"1").expect("written");
        replace(&path, b"2").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"2");
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
        assert!(Layout::make(path).is_err(), "a file is no folder");
    }
}
