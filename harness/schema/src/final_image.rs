//! The image that the project would be shipped in: how large it is, and what is in it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An image with the project's programs on a base, as it was made and measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinalImage {
    /// What the programs were put on.
    pub flavour: Flavour,
    /// The base's name; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The user's own Dockerfile that it was built from, by its path as given; absent of an image that was
    /// put together of a base and the programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// Digest of the image's configuration, by which engines name it.
    pub id: String,
    /// Where the project's programs are in it; the first one is its entrypoint. Of a Dockerfile's image only
    /// that one is known; none where it starts nothing. Hostile text.
    pub programs: Vec<String>,
    /// Whether a program may start others: it asks for a function that does (`fork`, `posix_spawn` and
    /// the like). Absent where all are static, which cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_children: Option<bool>,
    /// Its size as the engine that has it says, in bytes.
    pub engine_bytes: u64,
    /// Its layers, the lowest first.
    pub layers: Vec<ImageLayer>,
    /// What a user of the image gets with it.
    pub contents: ImageContents,
    /// What the programs need of it to start.
    pub needs: RuntimeNeeds,
    /// What came of starting it.
    pub smoke: Smoke,
    /// The crates that its programs are compiled of, the project's own among them, by name. What is
    /// linked statically besides, as musl and C libraries, is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crates: Vec<CompiledCrate>,
    /// How its first program, started without arguments, does what the first process of a container must
    /// do; absent where it ends by itself, or does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_init: Option<AsInit>,
    /// What vulnerability scanners count in it, those that are installed where libcmatrix ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<VulnerabilityCounts>,
}

/// Known vulnerabilities in an image, each counted once for each version of a package that has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VulnerabilityCounts {
    /// Who counted: `grype` or `trivy`.
    pub scanner: String,
    /// Its version, where it tells. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Critical ones, by the scanner's own measure.
    pub critical: u64,
    /// High ones.
    pub high: u64,
    /// Medium ones.
    pub medium: u64,
    /// Low ones.
    pub low: u64,
    /// Negligible ones, and those of which the severity is not known.
    pub other: u64,
}

/// A crate whose code is in a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CompiledCrate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it comes from the registry crates.io; else it is the project's own, or of another place.
    pub is_published: bool,
    /// The licence that its manifest names. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// What the first process of a container must do: end on SIGTERM, and wait for what it started and for
/// orphans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsInit {
    /// Whether it ended within ten seconds of SIGTERM, as `docker stop` waits.
    pub stops: bool,
    /// Children that had ended and were not waited for, half a second long, by their names, the first few;
    /// absent where the engine cannot tell. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreaped: Option<Vec<String>>,
}

impl FinalImage {
    /// All layers together.
    #[must_use]
    pub fn sizes(&self) -> LayerSizes {
        let add = |sum: LayerSizes, layer: &ImageLayer| LayerSizes {
            unpacked: sum.unpacked + layer.bytes.unpacked,
            gzip: sum.gzip + layer.bytes.gzip,
            zstd: sum.zstd + layer.bytes.zstd,
        };
        self.layers.iter().fold(LayerSizes::default(), add)
    }
}

/// What programs are put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// The leg's runtime image.
    Runtime,
    /// Nothing: the programs are all there is.
    Empty,
    /// What the user's own Dockerfile puts them on.
    Own,
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Runtime => "on its base",
            Self::Empty => "on nothing",
            Self::Own => "of its own Dockerfile",
        })
    }
}

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageLayer {
    /// Digest of the plain archive.
    pub digest: String,
    /// Whether it holds the project's programs; else it is of the base, or what a Dockerfile adds to it.
    pub of_project: bool,
    /// Its sizes.
    pub bytes: LayerSizes,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerSizes {
    /// Content of its files and targets of its symbolic links, as Docker counts it (overlay2).
    pub unpacked: u64,
    /// Its archive compressed by gzip: what registries keep and clients pull by default. Programs that
    /// write this format differ by some percent; it is within 1 % of gzip(1).
    pub gzip: u64,
    /// Its archive compressed by zstd, level 3.
    pub zstd: u64,
}

/// What is in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageContents {
    /// Regular files.
    pub files: u64,
    /// Regular files that are executable by anyone, in folders of programs (`bin`, `sbin`).
    pub executables: u64,
    /// The same with links to them: one file may be hundreds of commands, as busybox is.
    pub commands: u64,
    /// Files that run with the rights of their owner or group. Hostile text.
    #[serde(default)]
    pub setuid: Vec<String>,
    /// Shells. Hostile text.
    #[serde(default)]
    pub shells: Vec<String>,
    /// Interpreters of programming languages. Hostile text.
    #[serde(default)]
    pub interpreters: Vec<String>,
    /// Package managers. Hostile text.
    #[serde(default)]
    pub package_managers: Vec<String>,
    /// Ports that it says it listens on, e.g. `80/tcp`. Hostile text.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Packages that its package manager knows to be installed, the largest first.
    #[serde(default)]
    pub packages: Vec<InstalledPackage>,
}

/// A package that is installed in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstalledPackage {
    /// Its name. Hostile text.
    pub name: String,
    /// Its version. Hostile text.
    pub version: String,
    /// Bytes it takes, as its package manager says.
    pub bytes: u64,
    /// The licence that the package manager's database names, where it names one. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// What programs need of an image to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuntimeNeeds {
    /// Loader and libraries that are there, and the packages they are of.
    #[serde(default)]
    pub found: Vec<NeededLibrary>,
    /// Loader and libraries that are not there. Hostile text.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// A library that programs need, directly or by another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeededLibrary {
    /// Its name, or the loader's path. Hostile text.
    pub name: String,
    /// The package it is of; absent where no package has it. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// What came of starting the first program without network: with `--version`, or where it is behind a
/// shell, a script or arguments of a Dockerfile, as its users do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Smoke {
    /// It ran and ended.
    Ended {
        /// 128 + signal where a signal ended it.
        exit_code: i64,
    },
    /// It still ran when it was stopped, as servers do.
    Ran,
    /// The image starts nothing by itself, so it was not tried: whoever runs it says what is started.
    NotTried,
    /// It did not come to its own code: no loader, a missing library or symbol, a crash.
    DidNotStart {
        /// What was said. Hostile text.
        said: String,
    },
}
