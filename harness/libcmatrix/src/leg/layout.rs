//! Where things are inside every environment: the same places on every side.

/// The agent, its interpreter and its libraries.
pub const AGENT: &str = "/.libcmatrix";
/// Stands before the compiler in a build whose processes are measured.
pub const COMPILER_WRAPPER: &str = "/.libcmatrix/measured-compiler";
/// Stands before a build script there.
pub const BUILD_SCRIPT_WRAPPER: &str = "/.libcmatrix/measured-build-script";
/// Where both write what they measured.
pub const BUILD_PROCESSES: &str = "/work/target/build-processes.ndjson";
/// The project.
pub const SOURCE: &str = "/work/src";
/// The build's output.
pub const TARGET: &str = "/work/target";
/// Downloaded dependencies.
pub const CARGO_HOME: &str = "/work/cargo";

/// `base/relative`, or `base` where there is nothing to add.
#[must_use]
pub fn join(base: &str, relative: &str) -> String {
    let relative = relative.trim_matches('/');
    if relative.is_empty() { base.to_owned() } else { format!("{base}/{relative}") }
}
