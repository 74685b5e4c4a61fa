//! Files of foreign trees, read with care: only plain files below a folder, never too large.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

/// A source file that is larger is generated.
const LARGEST_TEXT: u64 = 8 << 20;
/// A larger prebuilt object is not looked at.
const LARGEST_OBJECT: u64 = 256 << 20;

/// The text of a file. `within`: where it must lie once links are followed.
pub fn read(path: &Path, within: &Path) -> Option<String> {
    String::from_utf8(bytes(path, within, LARGEST_TEXT)?).ok()
}

/// Whether a file looks like a prebuilt object or archive.
pub fn is_object(path: &Path, within: &Path) -> bool {
    let mut magic = [0; 8];
    let file = open(path, within, LARGEST_OBJECT);
    let read = file.is_some_and(|mut file| file.read_exact(&mut magic).is_ok());
    read && (magic.starts_with(b"\x7fELF") || magic == *b"!<arch>\n")
}

fn open(path: &Path, within: &Path, largest: u64) -> Option<File> {
    let is_link = fs::symlink_metadata(path).ok()?.is_symlink();
    if is_link && !path.canonicalize().ok()?.starts_with(within) {
        return None;
    }
    let metadata = fs::metadata(path).ok()?;
    (metadata.is_file() && metadata.len() <= largest).then(|| File::open(path).ok())?
}

fn bytes(path: &Path, within: &Path, largest: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // It may grow while it is read.
    open(path, within, largest)?.take(largest).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_within() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        let inside = root.join("in");
        fs::create_dir(&inside).expect("a folder");
        fs::write(inside.join("a"), "text").expect("a file");
        fs::write(inside.join("latin"), [0xe9]).expect("a file");
        fs::write(root.join("out"), "secret").expect("a file");
        std::os::unix::fs::symlink("../out", inside.join("link")).expect("a link");
        std::os::unix::fs::symlink("a", inside.join("good")).expect("a link");
        std::os::unix::fs::symlink("/dev/zero", inside.join("zero")).expect("a link");
        assert_eq!(read(&inside.join("a"), &inside).as_deref(), Some("text"));
        assert_eq!(read(&inside.join("good"), &inside).as_deref(), Some("text"));
        for name in ["latin", "link", "zero", "gone", "."] {
            assert_eq!(read(&inside.join(name), &inside), None, "{name}");
        }
    }
}
