//! The host's own cargo: asked for metadata and its version, never to build anything.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::failure::{Failure, Result};

/// Asks for metadata. The inner error is what cargo says where it refuses.
///
/// # Errors
/// Cargo cannot be started, or its answer is not understood.
pub fn metadata(command: &MetadataCommand) -> Result<std::result::Result<Metadata, String>> {
    let output = command.cargo_command().stdin(Stdio::null()).output().map_err(|e| {
        Failure::environment("cargo cannot be started")
            .because(e)
            .hint("install Rust (https://rustup.rs), or put cargo on the PATH")
    })?;
    if !output.status.success() {
        return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    MetadataCommand::parse(String::from_utf8_lossy(&output.stdout))
        .map(Ok)
        .map_err(|e| Failure::bug("cargo's answer is not understood").because(e))
}

/// Its version; `None` if there is none.
#[must_use]
pub fn version() -> Option<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where it keeps its files (<https://doc.rust-lang.org/cargo/guide/cargo-home.html>).
#[must_use]
pub fn home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}
