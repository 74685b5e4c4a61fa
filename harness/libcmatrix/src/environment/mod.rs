//! Where a project is built and run.
//!
//! - [`builtin`]: the environments that are known without any configuration
//! - [`config`]: the file `libcmatrix.toml`
//! - [`toolchain`]: what a compiler says of itself, and whether two legs have the same one
//!
//! Takes names and files; gives [`EnvironmentSpec`]s. No engine is asked here.

pub mod builtin;
pub mod config;
pub mod toolchain;

use std::collections::BTreeMap;

use libcmatrix_schema::{Libc, Linkage};
use serde::Deserialize;

/// An environment, as it is defined.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentSpec {
    /// The C library.
    pub libc: Libc,
    /// The distribution.
    pub distro: String,
    /// Its release.
    pub release: String,
    /// The image that compiles.
    pub builder: String,
    /// The image that the tests run in.
    pub runtime: String,
    /// The platform to compile for; without it, the one that the builder's compiler runs on.
    #[serde(default)]
    pub target: Option<String>,
    /// How programs are linked to the C library. The default is static for musl, dynamic for glibc,
    /// as rustc's targets have it.
    #[serde(default)]
    pub linkage: Option<Linkage>,
    /// The user's own Dockerfile of the image that is shipped, by its path from the workspace root; where
    /// images are made, it is built and measured instead.
    #[serde(default)]
    pub dockerfile: Option<std::path::PathBuf>,
    /// `uid[:gid]` that the tests run as; without it root, without any capability.
    #[serde(default)]
    pub user: Option<String>,
    /// Whether the tests find a root file system that they cannot write to.
    #[serde(default)]
    pub read_only_root: bool,
    /// Variables for build and tests.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl EnvironmentSpec {
    /// How programs are linked.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        self.linkage.unwrap_or(match self.libc {
            Libc::Musl => Linkage::Static,
            Libc::Glibc => Linkage::Dynamic,
        })
    }

    /// Flags for rustc where the linkage is not the target's own choice.
    #[must_use]
    pub fn rustflags(&self) -> &'static [&'static str] {
        linkage_flags(self.libc, self.linkage())
    }
}

/// Flags for rustc by which programs are linked otherwise than rustc's targets do by themselves.
#[must_use]
pub fn linkage_flags(libc: Libc, linkage: Linkage) -> &'static [&'static str] {
    match (libc, linkage) {
        (Libc::Musl, Linkage::Dynamic) => &["-C", "target-feature=-crt-static"],
        (Libc::Glibc, Linkage::Static) => &["-C", "target-feature=+crt-static"],
        _ => &[],
    }
}
