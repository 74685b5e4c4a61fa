//! The git commit of a project's folder, for the record. Asks `git`; where there is none, or the folder is
//! in no repository, there is no commit.

use std::{path::Path, process::Command};

/// The commit that is checked out, with `+` behind it where files were changed since.
pub(super) fn of(root: &Path) -> Option<String> {
    // A folder that lies in a repository by accident, as in a home folder that is one, is not of it.
    git(root, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?;
    let is_hash = commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    let changed = git(root, &["status", "--porcelain", "--", "."])?;
    is_hash.then(|| if changed.is_empty() { commit } else { commit + "+" })
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A monitor of files is a program that the repository names; nothing of it is to be run here. Nor
    // is its index to be written.
    command.args(["-c", "core.fsmonitor=false", "--no-optional-locks"]);
    let output = command.arg("-C").arg(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_and_what_was_changed_since() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        assert_eq!(of(root), None, "no repository");
        let run = |arguments: &[&str]| {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            git(root, &[&identity[..], arguments].concat())
        };
        if run(&["init", "--quiet"]).is_none() {
            // There is no git here, and with it no commit: seen above.
            return;
        }
        std::fs::write(root.join("Cargo.toml"), "").expect("a file");
        assert_eq!(of(root), None, "nothing of it is in the repository");
        run(&["add", "Cargo.toml"]).expect("added");
        run(&["commit", "--quiet", "--message", "first"]).expect("a commit");
        let commit = of(root).expect("a commit");
        assert!(commit.len() >= 40 && !commit.ends_with('+'), "{commit}");
        std::fs::write(root.join("Cargo.toml"), "# changed").expect("a file");
        assert_eq!(of(root), Some(commit + "+"));
    }
}
