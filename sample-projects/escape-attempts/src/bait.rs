//! What the trial lays out on the host before it starts either pass, and takes away afterwards.
//!
//! Names that can be fixed are fixed. The others are in variables, which the trial sets for the
//! outside pass directly and for the sandbox in the project's cargo configuration.

use std::{env, ffi::CString, fs, path::PathBuf};

/// What is in every bait.
pub const TEXT: &str = "libcmatrix-escape-bait";
/// Set in the environment of the libcmatrix command, and of the bait process.
pub const VARIABLE: &str = "LIBCMATRIX_ESCAPE_BAIT";
/// An argument of the bait process.
pub const ARGUMENT: &str = "libcmatrix-escape-bait-process";
/// A TCP port on loopback and on an address of the host.
pub const PORT: u16 = 47113;

fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: these attempts need the trial `escape`"))
}

/// An address of the host that is not loopback.
pub fn host_address() -> String {
    variable("ESCAPE_HOST_ADDRESS")
}

/// A file of everyone, in `/tmp`.
pub fn file() -> PathBuf {
    PathBuf::from("/tmp").join(TEXT)
}

/// A file in the home of whoever started the trial.
pub fn file_at_home() -> PathBuf {
    PathBuf::from(variable("ESCAPE_HOST_HOME")).join(format!(".{TEXT}"))
}

/// Where a sandbox has what is not the project's: fixed in there, and a stand-in outside.
pub fn agent_folder() -> PathBuf {
    env::var_os("ESCAPE_AGENT").unwrap_or_else(|| "/.libcmatrix".into()).into()
}

/// Where a sandbox has the dependencies, which all legs share: likewise.
pub fn dependencies() -> PathBuf {
    env::var_os("ESCAPE_DEPENDENCIES").unwrap_or_else(|| "/work/cargo".into()).into()
}

/// The number that the bait process has on the host. Where `/proc` shows that another process has it
/// in here, a number that none has: what is done to our own processes is no escape.
pub fn process() -> i64 {
    let number: i64 = variable("ESCAPE_BAIT_PID").parse().expect("a number");
    match fs::read(format!("/proc/{number}/cmdline")) {
        Ok(line) if !contains(&line, ARGUMENT) => i64::from(i32::MAX),
        _ => number,
    }
}

/// Every process in `/proc`, the bait first where it is there.
pub fn processes() -> Vec<String> {
    let names = fs::read_dir("/proc").expect("/proc").flatten();
    let mut names: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        .collect();
    let bait = process().to_string();
    names.sort_by_key(|name| *name != bait);
    names
}

/// Whether bytes hold a text.
pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A path as the kernel takes it.
pub fn c_path(path: impl Into<PathBuf>) -> CString {
    CString::new(path.into().into_os_string().into_encoded_bytes()).expect("a path has no NUL")
}
