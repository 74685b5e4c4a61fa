//! The user's folders that libcmatrix keeps things in
//! (<https://specifications.freedesktop.org/basedir-spec/latest/>).

use std::{env, path::PathBuf};

use crate::failure::{Failure, Result};

/// The second line of `CACHEDIR.TAG` in a folder of runs. Such folders are never part of a project.
pub const RUNS: &str = "# Runs of libcmatrix.";

/// For what can be fetched or made again.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache() -> Result<PathBuf> {
    find("XDG_CACHE_HOME", ".cache")
}

/// For what is to stay.
///
/// # Errors
/// Neither `XDG_DATA_HOME` nor `HOME` is set.
pub fn data() -> Result<PathBuf> {
    find("XDG_DATA_HOME", ".local/share")
}

fn find(variable: &str, below_home: &str) -> Result<PathBuf> {
    // The specification: a path that is not absolute counts for nothing.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .map(|folder| folder.join("libcmatrix"))
        .ok_or_else(|| {
            Failure::environment("there is no place for libcmatrix's files")
                .because(format!("neither {variable} nor HOME is set"))
                .hint("set HOME")
        })
}
