//! A folder for the temporary files of one attempt of a test.
//!
//! Tests that run in one process share out names among themselves, by a counter or a lock in memory;
//! in processes of their own they would meet in `/tmp`, and fail by chance. So each attempt has a
//! `TMPDIR` of its own, which is removed with all that it left there.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::protocol::Program;

/// The variable that names it.
const VARIABLE: &str = "TMPDIR";

/// The folder; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one and tells the program of it. `None` where the project itself says what `TMPDIR` is, or
    /// where nothing can be written.
    pub(crate) fn give(program: &mut Program) -> Option<Self> {
        if program.env.iter().any(|(name, _)| name == VARIABLE) {
            return None;
        }
        let scratch = Self::make(&env::temp_dir())?;
        program.env.push((VARIABLE.into(), scratch.0.to_str()?.into()));
        Some(scratch)
    }

    /// The name is short: the path of a socket may have 108 bytes.
    fn make(parent: &Path) -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let path = parent.join(format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Some(Self(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed goes with the sandbox.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_and_it_goes() {
        let (mut one, mut other) = (Program::default(), Program::default());
        let folders = (Scratch::give(&mut one), Scratch::give(&mut other));
        assert!(one.env[0].0 == VARIABLE && one.env[0].1 != other.env[0].1);
        let path = PathBuf::from(&one.env[0].1);
        fs::create_dir_all(path.join("a/b")).expect("written to");
        drop(folders);
        assert!(!path.exists());
    }

    #[test]
    fn what_the_project_says_counts() {
        let mut program = Program::default();
        program.env.push((VARIABLE.into(), "/elsewhere".into()));
        assert!(Scratch::give(&mut program).is_none());
        assert_eq!(program.env.len(), 1);
        assert!(Scratch::make(Path::new("/nowhere/at/all")).is_none());
    }
}
