//! The dependencies of a project on the musl target, as cargo resolves them: packages, their
//! features, and where their sources are.
//!
//! Takes an inspected project. Cargo is given the project's manifest only where a lockfile exists
//! that fits; else it gets a shadow of the tree in a temporary folder, because it would write the
//! lockfile. No code of the project runs: cargo works from the root folder, so that no
//! configuration of the project names a program that it would start.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId, TargetKind};
use walkdir::WalkDir;

use super::{Inspected, host_cargo};
use crate::failure::{Failure, Result};

/// The target that is asked about.
pub const MUSL_TARGET: &str = "x86_64-unknown-linux-musl";

/// Folders of a tree in which nothing is the project's own.
const NOT_SOURCES: [&str; 4] = ["target", ".git", "node_modules", "libcmatrix-out"];

/// A package of the resolve.
#[derive(Clone, Debug)]
pub struct ResolvedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: cargo_metadata::semver::Version,
    /// Whether it is one of the workspace's.
    pub is_member: bool,
    /// Whether it is compiled for the target; else only for the machine that builds, as a build
    /// script's or a procedural macro's dependency.
    pub is_for_target: bool,
    /// Its folder.
    pub folder: PathBuf,
    /// The native library it claims.
    pub links: Option<String>,
    /// Features that are on, over all kinds of dependencies.
    pub features: BTreeSet<String>,
    /// Direct dependencies: the name in its code, and the name and version of the package.
    pub dependencies: Vec<ResolvedDependency>,
    /// Its targets, those that need a feature only where it is on.
    pub targets: Vec<ResolvedTarget>,
}

impl ResolvedPackage {
    /// `name@version`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Whether it has a build script.
    #[must_use]
    pub fn has_build_script(&self) -> bool {
        self.targets.iter().any(|t| t.kinds.contains(&TargetKind::CustomBuild))
    }
}

/// A direct dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedDependency {
    /// What the code calls it.
    pub extern_name: String,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Whether a build script has it.
    pub is_build: bool,
}

/// A target of a package.
#[derive(Clone, Debug)]
pub struct ResolvedTarget {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kinds: Vec<TargetKind>,
    /// What it is made into.
    pub crate_types: Vec<String>,
    /// Its root file.
    pub root: PathBuf,
}

/// A project with its dependencies.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The workspace's root.
    pub root: PathBuf,
    /// All packages, the workspace's first.
    pub packages: Vec<ResolvedPackage>,
}

/// Resolves; first with what this machine has, then with the registry.
///
/// # Errors
/// Cargo cannot resolve the dependencies, or cannot get them.
pub fn resolve(project: &Inspected) -> Result<Resolved> {
    let sources = replaced_sources(&project.root);
    let mut refusal = String::new();
    if project.has_lockfile {
        for offline in [true, false] {
            match ask(&project.root.join(&project.manifest), &sources, true, offline)? {
                Ok(metadata) => return Ok(read(&metadata, &project.root, &project.root)),
                Err(stderr) => refusal = stderr,
            }
        }
    }
    let shadow = Shadow::of(project).map_err(|e| {
        Failure::environment("a temporary copy of the project's manifests cannot be made")
            .because(e)
            .hint("free some disk space, or set TMPDIR to a folder that can be written to")
    })?;
    for offline in [true, false] {
        match ask(&shadow.root.join(&project.manifest), &sources, false, offline)? {
            Ok(metadata) => return Ok(read(&metadata, &shadow.root, &project.root)),
            Err(stderr) => refusal = stderr,
        }
    }
    let refusal = refusal.replace(&*shadow.root.to_string_lossy(), &project.root.to_string_lossy());
    let lacks_network =
        ["failed to download", "failed to get", "Could not resolve host", "spurious network"];
    let what = format!("the dependencies of {} cannot be resolved", project.project.name);
    Err(match lacks_network.iter().any(|text| refusal.contains(text)) {
        true => Failure::environment(what)
            .because(refusal)
            .hint("check the network and cargo's configuration; `cargo fetch` shows the same"),
        false => Failure::usage(what)
            .because(refusal)
            .hint("`cargo metadata` in that folder shows the same"),
    })
}

/// Runs cargo; what it says where it refuses.
fn ask(
    manifest: &Path,
    sources: &[String],
    locked: bool,
    offline: bool,
) -> Result<Result<Metadata, String>> {
    let mut options: Vec<String> =
        sources.iter().flat_map(|s| ["--config".to_owned(), s.clone()]).collect();
    options.extend(["--filter-platform".to_owned(), MUSL_TARGET.to_owned()]);
    options.extend(locked.then(|| "--locked".to_owned()));
    options.extend(offline.then(|| "--offline".to_owned()));
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).current_dir("/").other_options(options);
    host_cargo::metadata(&command)
}

/// What the project's configuration says about where crates come from (`[source]`, for vendored
/// ones), as arguments of `--config`. The rest of it could name programs, and is left out.
fn replaced_sources(root: &Path) -> Vec<String> {
    let files = ["config.toml", "config"].map(|name| root.join(".cargo").join(name));
    let text = files.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let sources = table.get("source").and_then(toml::Value::as_table).into_iter().flatten();
    let settings = sources.flat_map(|(name, source)| {
        source.as_table().into_iter().flatten().map(move |(key, value)| (name, key, value))
    });
    settings
        .filter_map(|(name, key, value)| {
            // Paths are relative to the folder that holds the configuration's folder.
            let value = match key.as_str() {
                "directory" | "local-registry" => root.join(value.as_str()?).to_str()?.to_owned(),
                "replace-with" | "registry" | "git" | "branch" | "tag" | "rev" => {
                    value.as_str()?.to_owned()
                }
                _ => return None,
            };
            let quoted = toml::Value::String(value);
            let name = toml::Value::String(name.clone());
            Some(format!("source.{name}.{key}={quoted}"))
        })
        .collect()
}

/// Reads cargo's answer. Paths below `asked` are given as paths below `root`.
fn read(metadata: &Metadata, asked: &Path, root: &Path) -> Resolved {
    let real = |path: &Path| match path.strip_prefix(asked) {
        Ok(relative) => root.join(relative),
        Err(_) => path.to_owned(),
    };
    let by_id: HashMap<&PackageId, &cargo_metadata::Package> =
        metadata.packages.iter().map(|p| (&p.id, p)).collect();
    let for_target = for_target(metadata, &by_id);
    let nodes = metadata.resolve.iter().flat_map(|r| &r.nodes);
    let mut packages: Vec<ResolvedPackage> = nodes
        .filter_map(|node| {
            let package = by_id.get(&node.id)?;
            let dependencies = node.deps.iter().filter_map(|d| {
                let found = by_id.get(&d.pkg)?;
                let only_build = !d.dep_kinds.is_empty()
                    && d.dep_kinds.iter().all(|k| k.kind == DependencyKind::Build);
                Some(ResolvedDependency {
                    extern_name: d.name.clone(),
                    package: found.name.to_string(),
                    version: found.version.to_string(),
                    is_build: only_build,
                })
            });
            // Cargo leaves out a target whose features are not on.
            let is_on = |t: &&cargo_metadata::Target| {
                t.required_features.iter().all(|f| node.features.iter().any(|on| **on == **f))
            };
            let targets = package.targets.iter().filter(is_on).map(|t| ResolvedTarget {
                name: t.name.clone(),
                kinds: t.kind.clone(),
                crate_types: t.crate_types.iter().map(ToString::to_string).collect(),
                root: real(t.src_path.as_std_path()),
            });
            Some(ResolvedPackage {
                name: package.name.to_string(),
                version: package.version.clone(),
                is_member: metadata.workspace_members.contains(&node.id),
                is_for_target: for_target.contains(&node.id),
                folder: real(package.manifest_path.parent()?.as_std_path()),
                links: package.links.clone(),
                features: node.features.iter().map(ToString::to_string).collect(),
                dependencies: dependencies.collect(),
                targets: targets.collect(),
            })
        })
        .collect();
    packages.sort_by_key(|p| (!p.is_member, p.name.clone(), p.version.clone()));
    Resolved { root: root.to_owned(), packages }
}

/// What the workspace reaches without build scripts and procedural macros in between.
fn for_target<'a>(
    metadata: &'a Metadata,
    by_id: &HashMap<&PackageId, &cargo_metadata::Package>,
) -> HashSet<&'a PackageId> {
    let nodes: HashMap<&PackageId, &cargo_metadata::Node> =
        metadata.resolve.iter().flat_map(|r| &r.nodes).map(|n| (&n.id, n)).collect();
    let is_macro = |id: &PackageId| {
        by_id
            .get(id)
            .is_some_and(|p| p.targets.iter().any(|t| t.kind.contains(&TargetKind::ProcMacro)))
    };
    let mut reached = HashSet::new();
    let mut pending: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    while let Some(id) = pending.pop() {
        if is_macro(id) || !reached.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id).into_iter().flat_map(|n| &n.deps);
        let not_only_build = dependencies.filter(|d| {
            d.dep_kinds.is_empty() || d.dep_kinds.iter().any(|k| k.kind != DependencyKind::Build)
        });
        pending.extend(not_only_build.map(|d| &d.pkg));
    }
    reached
}

/// The tree again in a temporary folder: manifests and lockfile as copies, other files as links.
struct Shadow {
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Shadow {
    fn of(project: &Inspected) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Cargo gives canonical paths back.
        let root = folder.path().canonicalize()?;
        let tree = walk(&project.root)
            .filter(|e| e.path() != project.target_directory)
            .filter_map(|e| Some((e.path().strip_prefix(&project.root).ok()?.to_owned(), e)));
        for (relative, entry) in tree {
            let place = root.join(&relative);
            let is_manifest =
                entry.file_name() == "Cargo.toml" || relative.as_os_str() == "Cargo.lock";
            if entry.file_type().is_dir() {
                fs::create_dir_all(place)?;
            } else if is_manifest && entry.path().is_file() {
                fs::write(place, fs::read(entry.path())?)?;
            } else if entry.path().extension().is_some_and(|e| e == "rs") {
                // Cargo finds targets by their files; it does not read them.
                symlink(entry.path(), place)?;
            }
        }
        Ok(Self { root, _folder: folder })
    }
}

/// The files and folders of a tree that may be the project's own; links are not followed.
pub fn walk(root: &Path) -> impl Iterator<Item = walkdir::DirEntry> + use<> {
    WalkDir::new(root)
        .max_depth(64)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|e| {
            e.depth() == 0
                || !e.file_type().is_dir()
                || !e.file_name().to_str().is_some_and(|n| NOT_SOURCES.contains(&n))
        })
        .filter_map(std::result::Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_are_taken_from_a_configuration() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join(".cargo/config.toml");
        fs::create_dir(folder.path().join(".cargo")).expect("a folder");
        let text = "[build]\nrustc = \"evil\"\n[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n";
        fs::write(config, text).expect("a file");
        let vendor = folder.path().join("vendor");
        let expected = [
            "source.\"crates-io\".replace-with=\"v\"".to_owned(),
            format!("source.\"v\".directory=\"{}\"", vendor.display()),
        ];
        assert_eq!(replaced_sources(folder.path()), expected);
    }
}
