//! The git commit of a project's folder, for the record. Where there is no `git`, or the folder is in no
//! repository, there is no commit.
//!
//! The repository is hostile: its `.git/config` names programs (filters, monitors of files, transports)
//! that many commands of git run. So nothing is asked that reads files or objects, only where
//! the repository is and what `HEAD` names. Whether files were changed since cannot be had that way.

use std::{fs::File, io::Read, path::Path, process::Command};

/// Variables that make git look at another repository, as they are set within one of its hooks
/// (`git rev-parse --local-env-vars`).
const ELSEWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
];
/// An index that is larger is not read, in bytes.
const LARGEST_INDEX: u64 = 256 << 20;

/// The commit that is checked out.
pub(super) fn of(root: &Path) -> Option<String> {
    let places = git(root, &["rev-parse", "--show-prefix", "--git-path", "index"])?;
    let (prefix, index) = places.split_once('\n')?;
    // A folder that lies in a repository by accident, as in a home folder that is one, is not of it.
    let manifest = format!("{prefix}Cargo.toml");
    if !has_entry(&read(&root.join(index.trim_end_matches('\n')))?, &manifest) {
        return None;
    }
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let is_hash = commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then_some(commit)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path).ok()?.take(LARGEST_INDEX).read_to_end(&mut content).ok()?;
    Some(content)
}

/// Whether an index has an entry of that path: the length in the lower 12 bits of two bytes, the path, a
/// zero (<https://git-scm.com/docs/index-format>, versions 2 and 3). In one of version 4, which shortens
/// paths, and in one that is split, it may not be found.
fn has_entry(index: &[u8], path: &str) -> bool {
    let path = path.as_bytes();
    let Ok(length) = u16::try_from(path.len().min(0xfff)) else { return false };
    index.windows(path.len() + 3).any(|window| {
        window[2..].strip_prefix(path) == Some(&[0])
            && u16::from_be_bytes([window[0], window[1]]) & 0xfff == length
    })
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    for variable in ELSEWHERE {
        command.env_remove(variable);
    }
    // Nothing is fetched, whatever the repository says is missing.
    command.env("GIT_NO_LAZY_FETCH", "1").args([
        "-c",
        "core.fsmonitor=false",
        "--no-optional-locks",
    ]);
    let output = command.arg("-C").arg(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one commit; none where there is no git.
    fn committed(root: &Path) -> Option<()> {
        git(root, &["init", "--quiet"])?;
        std::fs::write(root.join("Cargo.toml"), "").expect("a file");
        std::fs::create_dir(root.join("a")).expect("a folder");
        std::fs::write(root.join("a/Cargo.toml"), "").expect("a file");
        as_someone(root, &["add", "Cargo.toml", "a"]);
        as_someone(root, &["commit", "--quiet", "--message", "first"]);
        Some(())
    }

    fn as_someone(root: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        git(root, &[&identity[..], arguments].concat()).expect("git");
    }

    #[test]
    fn a_commit_and_what_is_of_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        assert_eq!(of(root), None, "no repository");
        if committed(root).is_none() {
            // There is no git here, and with it no commit: seen above.
            return;
        }
        let commit = of(root).expect("a commit");
        assert!(commit.len() >= 40, "{commit}");
        assert_eq!(of(&root.join("a")), Some(commit), "a folder of it");
        std::fs::create_dir(root.join("b")).expect("a folder");
        std::fs::write(root.join("b/Cargo.toml"), "").expect("a file");
        assert_eq!(of(&root.join("b")), None, "it is not in the repository");
    }

    /// `git status` runs what a repository names as a filter; what is asked here does not.
    #[test]
    fn nothing_of_the_repository_is_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        if committed(root).is_none() {
            return;
        }
        let marker = root.join("marker");
        let run = format!("touch '{}'; cat", marker.display());
        for key in ["filter.x.clean", "filter.x.smudge", "filter.x.process", "core.fsmonitor"] {
            as_someone(root, &["config", key, &run]);
        }
        std::fs::write(root.join(".gitattributes"), "* filter=x\n").expect("a file");
        std::fs::write(root.join("Cargo.toml"), "# changed").expect("a file");
        assert!(of(root).is_some(), "it still has its commit");
        assert!(!marker.exists(), "something was run");
        let _ = git(root, &["status", "--porcelain"]);
        assert!(marker.exists(), "this repository runs nothing at all, so nothing was shown");
    }

    #[test]
    fn an_entry_is_a_whole_path() {
        let index = b"DIRC\0\0\0\x0aCargo.toml\0\0\x0cxCargo.tomls\0";
        assert!(has_entry(index, "Cargo.toml"));
        assert!(!has_entry(index, "argo.toml") && !has_entry(index, "Cargo.tom"));
        assert!(!has_entry(b"", "Cargo.toml") && !has_entry(b"\0", ""));
    }
}
