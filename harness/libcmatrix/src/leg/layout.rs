//! Where things are inside every environment: the same places on every side.

/// The agent, its interpreter and its libraries.
pub const AGENT: &str = "/.libcmatrix";
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
