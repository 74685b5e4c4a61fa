//! Packages, targets and features of a project, by cargo_metadata, without resolving dependencies:
//! that needs no network and writes nothing.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cargo_metadata::{Metadata, MetadataCommand, PackageId};
use libcmatrix_schema::{Package, Project, ProjectKind, Target, TargetKind};

use super::{commit, harness, host_cargo};
use crate::failure::{Failure, Result};

/// What is known of a project before anything is run.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// For the record. Native libraries are not known yet.
    pub project: Project,
    /// The workspace's root: all of it goes into each leg.
    pub root: PathBuf,
    /// The manifest that was named, relative to the root; cargo is run on it.
    pub manifest: PathBuf,
    /// Build output, never copied.
    pub target_directory: PathBuf,
    /// Whether the workspace has a lockfile.
    pub has_lockfile: bool,
}

/// Inspects the project in `path`, a folder or a `Cargo.toml`.
///
/// # Errors
/// There is no manifest, cargo cannot read it, or a path dependency lies outside the workspace.
pub fn inspect(path: &Path, kind: ProjectKind, shown_path: &str) -> Result<Inspected> {
    let manifest = find_manifest(path)?;
    let metadata = metadata(&manifest)?;
    let root = metadata.workspace_root.clone().into_std_path_buf();
    refuse_paths_outside(&metadata, &root)?;
    refuse_patches_outside(&root)?;
    let relative = manifest.strip_prefix(&root).map_err(|_| {
        Failure::usage(format!(
            "{} is not below its workspace root {}",
            manifest.display(),
            root.display()
        ))
        .hint("give the workspace's root folder instead")
    })?;
    let packages: Vec<Package> =
        metadata.workspace_packages().into_iter().map(|p| package(p, &root)).collect();
    let name = metadata.root_package().map(|p| p.name.to_string());
    let folder = || root.file_name().map(|n| n.to_string_lossy().into_owned());
    Ok(Inspected {
        project: Project {
            name: name.or_else(folder).unwrap_or_else(|| "project".into()),
            path: shown_path.to_owned(),
            kind,
            packages,
            commit: match kind {
                ProjectKind::Directory => commit::of(&root),
                // Its version says it all.
                ProjectKind::PublishedCrate => None,
            },
        },
        manifest: relative.to_owned(),
        has_lockfile: root.join("Cargo.lock").is_file(),
        target_directory: metadata.target_directory.into_std_path_buf(),
        root,
    })
}

fn find_manifest(path: &Path) -> Result<PathBuf> {
    let path = path.canonicalize().map_err(|e| {
        Failure::usage(format!("{} cannot be opened", path.display()))
            .because(e)
            .hint("give the folder of a cargo project, or `--crate NAME` for a published crate")
    })?;
    let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path.clone() };
    if manifest.file_name().is_none_or(|n| n != "Cargo.toml") || !manifest.is_file() {
        return Err(Failure::usage(format!("there is no Cargo.toml in {}", path.display()))
            .hint("give the folder of a cargo project, or `--crate NAME` for a published crate"));
    }
    Ok(manifest)
}

/// Runs from the root folder of the file system, so that neither a `rust-toolchain.toml` nor a
/// `.cargo/config.toml` of the project has a say in it.
fn metadata(manifest: &Path) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).current_dir("/").no_deps();
    host_cargo::metadata(&command)?.map_err(|said| {
        Failure::usage(format!("cargo cannot read {}", manifest.display()))
            .because(said)
            .hint("`cargo metadata --no-deps` in that folder shows the same")
    })
}

/// Follows path dependencies as far as they stay inside, since one inside may point outside.
fn refuse_paths_outside(metadata: &Metadata, root: &Path) -> Result<()> {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut pending = vec![metadata.clone()];
    while let Some(metadata) = pending.pop() {
        for package in &metadata.packages {
            for dependency in &package.dependencies {
                let Some(path) = &dependency.path else { continue };
                let resolved = path.as_std_path().canonicalize();
                let real = resolved.as_deref().unwrap_or(path.as_std_path());
                if !real.starts_with(root) {
                    return Err(outside(
                        &format!("`{}`", dependency.name),
                        &package.name,
                        real,
                        root,
                    ));
                }
                let manifest = real.join("Cargo.toml");
                let is_known =
                    metadata.packages.iter().any(|p| p.manifest_path.as_std_path() == manifest);
                if !is_known && manifest.is_file() && seen.insert(manifest.clone()) {
                    pending.push(self::metadata(&manifest)?);
                }
            }
        }
    }
    Ok(())
}

/// `[patch]` and `[replace]` may point outside, too; only the root manifest can have them.
fn refuse_patches_outside(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let tables = |v: &toml::Value| v.as_table().cloned().unwrap_or_default();
    let patches = table.get("patch").map(tables).unwrap_or_default();
    let patched = patches.iter().flat_map(|(_, source)| tables(source));
    for (name, source) in patched.chain(table.get("replace").map(tables).unwrap_or_default()) {
        let Some(path) = source.get("path").and_then(toml::Value::as_str) else { continue };
        let path = root.join(path);
        let real = path.canonicalize().unwrap_or(path);
        if !real.starts_with(root) {
            return Err(outside(&format!("the patch for `{name}`"), "the workspace", &real, root));
        }
    }
    Ok(())
}

fn outside(what: &str, of: &str, path: &Path, root: &Path) -> Failure {
    Failure::usage(format!(
        "{what}, a path dependency of {of}, lies outside the workspace: {}",
        path.display()
    ))
    .because(format!("only the workspace root {} goes into the environments", root.display()))
    .hint("make a workspace of the folder that holds both, and give that folder")
}

fn package(package: &cargo_metadata::Package, root: &Path) -> Package {
    let manifest = package.manifest_path.as_std_path();
    let without_harness = harness::without_harness(manifest, &package.name);
    let folder = manifest.parent().unwrap_or(root);
    let targets = package
        .targets
        .iter()
        .filter_map(|t| {
            let kind = target_kind(t)?;
            let lookup = if kind == TargetKind::ProcMacro { TargetKind::Lib } else { kind };
            Some(Target {
                name: t.name.clone(),
                kind,
                harness: !without_harness.contains(&(lookup, t.name.clone())),
                test: t.test,
                doctest: t.doctest,
            })
        })
        .collect();
    Package {
        name: package.name.to_string(),
        version: package.version.to_string(),
        path: folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned(),
        targets,
        features: package.features.keys().cloned().collect(),
        rust_version: package.rust_version.as_ref().map(ToString::to_string),
        native: Vec::new(),
    }
}

/// What a target is; `None` for kinds that are not known.
#[must_use]
pub fn target_kind(target: &cargo_metadata::Target) -> Option<TargetKind> {
    use cargo_metadata::TargetKind as Cargo;
    target.kind.iter().find_map(|kind| match kind {
        Cargo::Lib | Cargo::RLib | Cargo::DyLib | Cargo::CDyLib | Cargo::StaticLib => {
            Some(TargetKind::Lib)
        }
        Cargo::ProcMacro => Some(TargetKind::ProcMacro),
        Cargo::Bin => Some(TargetKind::Bin),
        Cargo::Test => Some(TargetKind::Test),
        Cargo::Example => Some(TargetKind::Example),
        Cargo::Bench => Some(TargetKind::Bench),
        Cargo::CustomBuild => Some(TargetKind::BuildScript),
        _ => None,
    })
}

/// The native libraries that a package reaches through its dependencies, as `package: library`.
#[must_use]
pub fn native_libraries(metadata: &Metadata, of: &PackageId) -> Vec<String> {
    let Some(resolve) = &metadata.resolve else { return Vec::new() };
    let mut reached: BTreeSet<&PackageId> = BTreeSet::new();
    let mut pending = vec![of];
    while let Some(id) = pending.pop() {
        if !reached.insert(id) {
            continue;
        }
        if let Some(node) = resolve.nodes.iter().find(|n| n.id == *id) {
            pending.extend(&node.dependencies);
        }
    }
    metadata
        .packages
        .iter()
        .filter(|p| reached.contains(&p.id))
        .filter_map(|p| Some(format!("{}: {}", p.name, p.links.as_ref()?)))
        .collect()
}
