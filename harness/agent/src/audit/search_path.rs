//! The folders in which an image's loader looks for libraries, from the image's own configuration.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libcmatrix_schema::Libc;
use walkdir::WalkDir;

/// Files that one configuration may include, and folders that it may name.
const MOST: usize = 1000;
/// A configuration that is longer is none.
const LONGEST_FILE: u64 = 1 << 20;

/// Where the loader of `libc` looks in the image at `root`; `loader` is the file of musl's loader.
pub(super) fn folders(libc: Libc, root: &Path, loader: Option<&Path>) -> Vec<PathBuf> {
    let folders = match libc {
        Libc::Musl => {
            let name = loader.and_then(Path::file_name).and_then(|n| n.to_str());
            let path = name.and_then(|n| n.strip_suffix(".so.1")).map(|n| format!("etc/{n}.path"));
            let configured = path.and_then(|path| read(&root.join(path)));
            musl(configured.as_deref().unwrap_or("/lib:/usr/local/lib:/usr/lib"))
        }
        Libc::Glibc => {
            let mut folders = Vec::new();
            configured(root, Path::new("/etc/ld.so.conf"), &mut folders, 0);
            let usual = ["lib", "usr/lib", "lib64", "usr/lib64"];
            folders.extend(usual.map(|f| Path::new("/").join(f)));
            // Debian's own, for an image whose configuration was left out.
            let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
            folders.extend(["lib", "usr/lib"].map(|f| Path::new("/").join(f).join(&triple)));
            folders
        }
    };
    folders.iter().map(|folder| under(root, folder)).collect()
}

/// `path` of the image at `root`.
pub(super) fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn musl(path: &str) -> Vec<PathBuf> {
    let folders = path.split([':', '\n']).map(str::trim).filter(|f| f.starts_with('/'));
    folders.take(MOST).map(PathBuf::from).collect()
}

/// `ld.so.conf`: a folder a line, comments, and `include` with patterns.
fn configured(root: &Path, file: &Path, folders: &mut Vec<PathBuf>, depth: usize) {
    let Some(text) = read(&under(root, file)) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if folders.len() >= MOST || depth > 4 {
            return;
        }
        if let Some(pattern) = line.strip_prefix("include").filter(|l| l.starts_with([' ', '\t'])) {
            let pattern = file.parent().unwrap_or(file).join(pattern.trim());
            for included in matching(root, &pattern) {
                configured(root, &included, folders, depth + 1);
            }
        } else if line.starts_with('/') {
            folders.push(PathBuf::from(line));
        }
    }
}

/// Files of a pattern whose last part may have one `*`, as every distribution's has.
fn matching(root: &Path, pattern: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    WalkDir::new(under(root, folder))
        .min_depth(1)
        .max_depth(1)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy();
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        })
        .take(MOST)
        .map(|entry| folder.join(entry.file_name()))
        .collect()
}

fn read(path: &Path) -> Option<String> {
    let is_small = fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= LONGEST_FILE);
    let bytes = is_small.then(|| fs::read(path).ok())??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
            fs::write(path, text).expect("the file");
        }
        root
    }

    fn shown(folders: &[PathBuf], root: &Path) -> Vec<String> {
        let inside = |f: &PathBuf| f.strip_prefix(root).expect("inside").display().to_string();
        folders.iter().map(inside).collect()
    }

    #[test]
    fn glibc_follows_its_configuration() {
        let root = image(&[
            ("etc/ld.so.conf", "# comment\ninclude ld.so.conf.d/*.conf\n/opt/lib # more\n"),
            ("etc/ld.so.conf.d/b.conf", "/b\n"),
            ("etc/ld.so.conf.d/a.conf", "/a/one\n/a/two\ninclude /etc/ld.so.conf\n"),
            ("etc/ld.so.conf.d/c.disabled", "/c\n"),
        ]);
        let folders = shown(&folders(Libc::Glibc, root.path(), None), root.path());
        assert_eq!(folders[..2], ["a/one", "a/two"]);
        for folder in ["b", "opt/lib", "lib", "usr/lib64"] {
            assert!(folders.iter().any(|f| f == folder), "{folder}: {folders:?}");
        }
        assert!(!folders.iter().any(|f| f == "c"), "{folders:?}");
    }

    #[test]
    fn musl_has_one_file_or_three_folders() {
        let loader = Path::new("/lib/ld-musl-x86_64.so.1");
        let bare = image(&[]);
        let found = folders(Libc::Musl, bare.path(), Some(loader));
        assert_eq!(shown(&found, bare.path()), ["lib", "usr/local/lib", "usr/lib"]);
        let root = image(&[("etc/ld-musl-x86_64.path", "/a:/b\n/c\nrelative\n")]);
        let found = folders(Libc::Musl, root.path(), Some(loader));
        assert_eq!(shown(&found, root.path()), ["a", "b", "c"]);
    }
}
