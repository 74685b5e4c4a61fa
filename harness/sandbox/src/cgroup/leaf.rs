//! The group that a command goes into, where it is alone in the one that its sandboxes' groups are
//! to be made in: on version 2 a group that has processes cannot hold limited groups.
//!
//! No process can remove the group it is in. So the next command does.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::find::NAME;

/// This process's.
pub(super) struct Leaf(PathBuf);

impl Leaf {
    /// Makes it below `parent`, and moves this process there.
    pub(super) fn enter(parent: &Path) -> io::Result<Self> {
        let leaf = Self(parent.join(format!("{}{}", begins(), std::process::id())));
        fs::create_dir(&leaf.0)?;
        if let Err(e) = move_to(&leaf.0) {
            let _ = fs::remove_dir(&leaf.0);
            return Err(e);
        }
        Ok(leaf)
    }

    /// Goes back to `parent`, because others are there as well.
    pub(super) fn leave(&self, parent: &Path) {
        let _ = move_to(parent).and_then(|()| fs::remove_dir(&self.0));
    }
}

fn move_to(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())
}

/// What their names begin with; the process's id follows.
fn begins() -> String {
    format!("{NAME}-command-")
}

/// Removes those of commands that have ended. One that holds a process stays in any case: the kernel
/// sees to that.
pub(super) fn sweep(parent: &Path) {
    let begins = begins();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(&begins));
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_commands_that_have_ended_are_removed() {
        let parent = tempfile::tempdir().expect("a folder");
        let make = |process: &str| {
            let path = parent.path().join(format!("{}{process}", begins()));
            fs::create_dir(&path).expect("made");
            path
        };
        let (own, dead) = (make(&std::process::id().to_string()), make("4194305"));
        let other = parent.path().join("libcmatrix-run-0");
        fs::create_dir(&other).expect("made");
        sweep(parent.path());
        assert!(own.exists() && other.exists());
        assert!(!dead.exists(), "no process has an id above the kernel's highest");
    }
}
