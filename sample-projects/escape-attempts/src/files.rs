//! Small helpers around files.

use std::{
    env, fs, io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process,
};

use crate::{
    attempt::{refused, Outcome},
    bait::c_path,
    kernel::{call, Arg},
};

/// A folder, gone at the end of the scope. It is beside the test binary: build folders are
/// where device files and attributes work, temporary ones often are not.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub fn new() -> Self {
        let binary = env::current_exe().expect("this program's path");
        let name = format!("escape-{}", process::id());
        let path = binary.parent().expect("a folder").join(name);
        fs::create_dir_all(&path).expect("a folder of one's own");
        Self(path)
    }

    /// Its path, or that of something in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file in it.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, content).expect("a file of one's own");
        path
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes back what a file says: whoever may do that may write something else.
pub fn write_back(path: impl AsRef<Path>) -> Outcome {
    let path = path.as_ref();
    let content = fs::read(path)?;
    overwrite(path, &content)
}

/// Opens a file for writing, cuts nothing off, and writes.
pub fn overwrite(path: &Path, content: &[u8]) -> Outcome {
    io::Write::write_all(&mut fs::OpenOptions::new().write(true).open(path)?, content)
}

/// Opens a file for writing, and writes nothing. What is executed just now cannot be written to, but
/// as soon as it has ended; the kernel says so before it looks whether the mount is read-only.
pub fn must_be_writable(path: &Path) -> Outcome {
    match fs::OpenOptions::new().write(true).open(path) {
        Err(e) if e.raw_os_error() == Some(libc::ETXTBSY) => {
            let at = Arg::Number(libc::AT_FDCWD.into());
            let mode = Arg::Number(libc::W_OK.into());
            call(libc::SYS_faccessat, [at, Arg::Text(&c_path(path)), mode]).map(drop)
        }
        opened => opened.map(drop),
    }
}

/// Whether there is something to read: what is masked is empty.
pub fn must_say_something(path: &str) -> Outcome {
    let content = fs::read(path)?;
    if content.is_empty() {
        Err(refused(format!("{path} is empty")))
    } else {
        Ok(())
    }
}

/// What `/proc/self/status` says of this process.
pub fn own_status(key: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let line = status.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {key} in /proc/self/status")).trim().to_owned()
}

/// A descriptor as an argument.
pub fn descriptor(of: &impl AsRawFd) -> Arg<'static> {
    Arg::Number(of.as_raw_fd().into())
}
