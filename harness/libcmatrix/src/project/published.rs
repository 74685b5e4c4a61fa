//! A published crate as a folder.
//!
//! Takes `NAME` or `NAME@VERSION`; gives the folder into which cargo unpacked it. Cargo does the
//! download, so that mirrors, proxies and credentials of the user hold here, too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::host_cargo;
use crate::failure::{Failure, Result};

/// A crate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrateRequest {
    /// Its name.
    pub name: String,
    /// Its exact version; `None` is the newest.
    pub version: Option<String>,
}

impl CrateRequest {
    /// Reads `NAME[@VERSION]`.
    ///
    /// # Errors
    /// It is no name that a registry takes.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let is_word = |s: &str, also: &str| {
            !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        if !is_word(name, "-_") || version.is_some_and(|v| !is_word(v, ".-+")) {
            return Err(Failure::usage(format!("`{text}` is not the name of a crate")).hint(
                "write `--crate NAME` or `--crate NAME@VERSION`, e.g. `--crate memmap2@0.9.8`",
            ));
        }
        Ok(Self { name: name.into(), version: version.map(Into::into) })
    }
}

/// A published crate, unpacked.
#[derive(Clone, Debug)]
pub struct Published {
    /// `NAME@VERSION`, the version that was found.
    pub name: String,
    /// Its folder. Cargo's own: only to be read.
    pub folder: PathBuf,
}

/// Downloads a crate. `cache` is libcmatrix's cache folder.
///
/// # Errors
/// The registry does not have it, or cannot be reached.
pub fn download(request: &CrateRequest, cache: &Path) -> Result<Published> {
    let requirement = request.version.as_ref().map_or("*".to_owned(), |v| format!("={v}"));
    let asks = cache.join("crates").join(format!(
        "{}-{}",
        request.name,
        requirement.replace(['=', '*'], "")
    ));
    write_asking_project(&asks, &request.name, &requirement).map_err(|e| {
        Failure::environment(format!("{} cannot be written", asks.display()))
            .because(e)
            .hint("free some disk space, or set XDG_CACHE_HOME to a folder that can be written to")
    })?;
    // The newest version is asked for anew each time.
    let _ = fs::remove_file(asks.join("Cargo.lock"));
    let mut command = MetadataCommand::new();
    command.current_dir(&asks).manifest_path(asks.join("Cargo.toml"));
    let metadata = host_cargo::metadata(&command)?.map_err(|said| refused(request, &said))?;
    let Some(package) = asked_for(&metadata) else {
        return without_library(&asks, &request.name)
            .ok_or_else(|| Failure::bug(format!("cargo did not unpack `{}`", request.name)));
    };
    let folder = package.manifest_path.parent().map(|p| p.as_std_path().to_owned());
    Ok(Published {
        name: format!("{}@{}", package.name, package.version),
        folder: folder.ok_or_else(|| Failure::bug("cargo named a manifest without a folder"))?,
    })
}

/// The package that the asking project depends on. A crate may depend on another version of itself,
/// so the name does not tell.
fn asked_for(metadata: &Metadata) -> Option<&Package> {
    let resolve = metadata.resolve.as_ref()?;
    let root = resolve.nodes.iter().find(|n| Some(&n.id) == resolve.root.as_ref())?;
    let id = root.dependencies.first()?;
    metadata.packages.iter().find(|p| p.id == *id)
}

/// A crate without a library: cargo unpacks it and leaves it out of its answer. The lockfile has the
/// version, and the folder is one of cargo's
/// (<https://doc.rust-lang.org/cargo/guide/cargo-home.html#directories>).
fn without_library(asks: &Path, name: &str) -> Option<Published> {
    let lock: toml::Table = fs::read_to_string(asks.join("Cargo.lock")).ok()?.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let package =
        packages.iter().find(|p| p.get("name").and_then(toml::Value::as_str) == Some(name))?;
    let version = package.get("version")?.as_str()?;
    let home = host_cargo::home()?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?.flatten();
    let folders = registries.map(|r| r.path().join(format!("{name}-{version}")));
    let folder = folders.into_iter().find(|f| f.join("Cargo.toml").is_file())?;
    Some(Published { name: format!("{name}@{version}"), folder })
}

/// A package whose only purpose is to depend on the crate.
fn write_asking_project(folder: &Path, name: &str, requirement: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"libcmatrix-asks\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
             [dependencies]\n{name} = {{ version = \"{requirement}\", default-features = false }}\n"
        ),
    )
}

fn refused(request: &CrateRequest, stderr: &str) -> Failure {
    let version = request.version.as_deref().map(|v| format!("@{v}")).unwrap_or_default();
    let what = format!("the crate {}{version} cannot be had", request.name);
    let unknown = ["no matching package", "failed to select a version"];
    if unknown.iter().any(|text| stderr.contains(text)) {
        Failure::usage(what)
            .because(stderr)
            .hint(format!("`cargo search {}` shows names and versions", request.name))
    } else {
        Failure::environment(what).because(stderr).hint(format!(
            "check the network and cargo's configuration: `cargo info {}` shows the same",
            request.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_follow_the_name() {
        let request = |name: &str, version: Option<&str>| CrateRequest {
            name: name.into(),
            version: version.map(Into::into),
        };
        assert_eq!(
            CrateRequest::parse("memmap2@0.9.8").unwrap(),
            request("memmap2", Some("0.9.8"))
        );
        assert_eq!(CrateRequest::parse("ring").unwrap(), request("ring", None));
        for wrong in ["", "@1", "a b", "x@", "../x", "x@1\"", "x@1\n"] {
            assert!(CrateRequest::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
