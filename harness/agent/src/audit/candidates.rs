//! Files below a folder that may be ELF objects, by their names and permissions: to open every file
//! of every dependency would take seconds.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use walkdir::{DirEntry, WalkDir};

/// Entries looked at below one folder.
const MOST_ENTRIES: usize = 200_000;
/// No path of sources is deeper.
const DEEPEST: usize = 64;
/// A file that is shorter holds no header.
const SMALLEST: u64 = 52;

/// The candidates below a folder, and whether these are all.
pub(super) fn below(folder: &Path, until: Instant) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let walk = WalkDir::new(folder).max_depth(DEEPEST).sort_by_file_name().into_iter();
    for (count, entry) in walk.filter_entry(|entry| !is_repository(entry)).enumerate() {
        if count >= MOST_ENTRIES || (count % 64 == 0 && Instant::now() > until) {
            return (found, false);
        }
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_file() && is_candidate(&entry) {
            found.push(entry.into_path());
        }
    }
    (found, true)
}

/// Nothing in there is linked or loaded, and there is much of it.
fn is_repository(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.file_name() == ".git"
}

fn is_candidate(entry: &DirEntry) -> bool {
    let has_name = has_name_of_an_object(&entry.file_name().to_string_lossy());
    entry
        .metadata()
        .is_ok_and(|m| m.len() >= SMALLEST && (has_name || m.permissions().mode() & 0o111 != 0))
}

/// `.so`, `.so.1.2`, `.a`, `.o`, and `.node`, a shared object by another name.
fn has_name_of_an_object(name: &str) -> bool {
    let is_versioned = |rest: &str| {
        rest.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    [".so", ".a", ".o", ".node"].iter().any(|ending| name.ends_with(ending))
        || name.rsplit_once(".so.").is_some_and(|(_, rest)| is_versioned(rest))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn objects_have_names() {
        for name in ["liba.so", "liba.so.1.2", "liba.a", "a.o", "a.node"] {
            assert!(has_name_of_an_object(name), "{name}");
        }
        for name in ["a.rs", "a.so.md", "a.so.", "also", "a.soup", ""] {
            assert!(!has_name_of_an_object(name), "{name}");
        }
    }

    #[test]
    fn repositories_and_small_files_are_passed_by() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, bytes) in [("a/x.so", 60), ("a/y.so", 3), (".git/z.so", 60), ("a/tool", 60)] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
            fs::write(&path, vec![0; bytes]).expect("the file");
        }
        let tool = folder.path().join("a/tool");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("a mode");
        let until = Instant::now() + Duration::from_secs(60);
        let expected = [tool, folder.path().join("a/x.so")];
        assert_eq!(below(folder.path(), until), (expected.into(), true));
        let (_, complete) = below(folder.path(), Instant::now() - Duration::from_secs(1));
        assert!(!complete);
    }
}
