//! What a test finds when it is started by cargo, given here, too: working folder, variables,
//! library path (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).

use std::collections::BTreeSet;

use cargo_metadata::{Artifact, Metadata, Package, PackageId};
use libcmatrix_agent::protocol::{Program, TestBinary};
use libcmatrix_schema::TargetKind;

use super::{BuiltBinary, Context, Leg, cargo_messages::BuildMessages, layout};
use crate::project::inspect::target_kind;

/// The test binaries of a build, ordered by id.
#[must_use]
pub fn binaries(context: &Context, leg: &Leg, messages: &BuildMessages) -> Vec<BuiltBinary> {
    let Some(metadata) = &leg.metadata else { return Vec::new() };
    let programs = programs(messages);
    let mut found: Vec<BuiltBinary> = messages
        .artifacts
        .iter()
        .filter(|a| a.profile.test)
        .filter_map(|artifact| {
            let executable = artifact.executable.as_ref()?;
            let package = &metadata[&artifact.package_id];
            let kind = target_kind(&artifact.target)?;
            let name = artifact.target.name.clone();
            let program = Program {
                argv: vec![executable.to_string()],
                env: variables(context, leg, messages, package, artifact, &programs),
                cwd: package.manifest_path.parent()?.to_string(),
            };
            let harness = has_harness(context, &package.name, kind, &name);
            let id = binary_id(&package.name, kind, &name);
            Some(BuiltBinary {
                test: TestBinary { id, program, harness },
                target_name: name,
                is_host_only: kind == TargetKind::ProcMacro,
            })
        })
        .collect();
    found.sort_by(|a, b| a.test.id.cmp(&b.test.id));
    found
}

/// As nextest forms it (<https://nexte.st/docs/glossary/#binary-id>).
fn binary_id(package: &str, kind: TargetKind, target: &str) -> String {
    match kind {
        TargetKind::Lib | TargetKind::ProcMacro => package.to_owned(),
        TargetKind::Test => format!("{package}::{target}"),
        TargetKind::Bin => format!("{package}::bin/{target}"),
        TargetKind::Example => format!("{package}::example/{target}"),
        TargetKind::Bench => format!("{package}::bench/{target}"),
        TargetKind::BuildScript => format!("{package}::build-script/{target}"),
    }
}

fn has_harness(context: &Context, package: &str, kind: TargetKind, name: &str) -> bool {
    let packages = &context.project.project.packages;
    let targets = packages.iter().filter(|p| p.name == package).flat_map(|p| &p.targets);
    targets.filter(|t| t.kind == kind && t.name == name).all(|t| t.harness)
}

/// Package, name and path of every program that was built.
fn programs(messages: &BuildMessages) -> Vec<(&PackageId, &str, String)> {
    messages
        .artifacts
        .iter()
        .filter(|a| !a.profile.test && target_kind(&a.target) == Some(TargetKind::Bin))
        .filter_map(|a| {
            Some((&a.package_id, a.target.name.as_str(), a.executable.as_ref()?.to_string()))
        })
        .collect()
}

fn variables(
    context: &Context,
    leg: &Leg,
    messages: &BuildMessages,
    package: &Package,
    artifact: &Artifact,
    programs: &[(&PackageId, &str, String)],
) -> Vec<(String, String)> {
    let mut variables = package_variables(package);
    variables.push(("CARGO".into(), leg.cargo.clone()));
    // A test that would compare the project again can tell.
    variables.push(("LIBCMATRIX".into(), "1".into()));
    for variable in &context.config_env {
        // The environment's own variables are not known here, but these every one has.
        let is_there = ["PATH", "HOME", "HOSTNAME"].contains(&variable.name.as_str());
        if is_there && !variable.force {
            continue;
        }
        let value = match variable.relative {
            true => layout::join(layout::SOURCE, &variable.value),
            false => variable.value.clone(),
        };
        variables.push((variable.name.clone(), value));
    }
    // A package that is also a build dependency has the one of the host, too.
    let output = format!("{}/{}/", layout::TARGET, leg.target_triple());
    let scripts = messages.build_scripts.get(&package.id);
    let script = scripts.and_then(|scripts| {
        scripts.iter().find(|s| s.out_dir.as_str().starts_with(&output)).or(scripts.first())
    });
    if let Some(script) = script {
        variables.push(("OUT_DIR".into(), script.out_dir.to_string()));
        variables.extend(script.env.iter().cloned());
    }
    let kind = target_kind(&artifact.target);
    if matches!(kind, Some(TargetKind::Test | TargetKind::Bench)) {
        for (_, name, path) in programs.iter().filter(|(owner, ..)| **owner == package.id) {
            variables.push((format!("CARGO_BIN_EXE_{name}"), path.clone()));
        }
    }
    variables.push(("LD_LIBRARY_PATH".into(), library_path(context, leg, messages)));
    variables.extend(leg.spec.env.iter().map(|(k, v)| (k.clone(), v.clone())));
    variables
}

fn package_variables(package: &Package) -> Vec<(String, String)> {
    let folder = package.manifest_path.parent().map(ToString::to_string).unwrap_or_default();
    let text = |o: &Option<String>| o.clone().unwrap_or_default();
    let path = |o: &Option<cargo_metadata::camino::Utf8PathBuf>| {
        o.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let version = &package.version;
    [
        ("CARGO_MANIFEST_DIR", folder),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_DESCRIPTION", text(&package.description)),
        ("CARGO_PKG_HOMEPAGE", text(&package.homepage)),
        ("CARGO_PKG_REPOSITORY", text(&package.repository)),
        ("CARGO_PKG_LICENSE", text(&package.license)),
        ("CARGO_PKG_LICENSE_FILE", path(&package.license_file)),
        ("CARGO_PKG_README", path(&package.readme)),
        (
            "CARGO_PKG_RUST_VERSION",
            package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    ]
    .map(|(k, v)| (k.to_owned(), v))
    .into()
}

/// Folders inside the build's output that build scripts named, then cargo's own, then the compiler's.
#[must_use]
pub fn library_path(context: &Context, leg: &Leg, messages: &BuildMessages) -> String {
    let named: BTreeSet<String> = messages
        .build_scripts
        .values()
        .flatten()
        .flat_map(|s| &s.linked_paths)
        .map(|p| p.as_str().split_once('=').map_or(p.as_str(), |(_, path)| path).to_owned())
        .filter(|p| p.starts_with(layout::TARGET))
        .collect();
    let triple = leg.target_triple();
    let output = format!("{}/{triple}/{}", layout::TARGET, context.selection.profile_folder());
    let sysroot = &leg.sysroot;
    let compiler = [format!("{sysroot}/lib/rustlib/{triple}/lib"), format!("{sysroot}/lib")];
    named
        .into_iter()
        .chain([format!("{output}/deps"), output])
        .chain(compiler)
        .collect::<Vec<_>>()
        .join(":")
}

/// A package whose documentation's examples `cargo test` would run.
pub struct DoctestPackage {
    /// Its name.
    pub name: String,
    /// It, and no other of that name.
    pub specification: String,
    /// Of the features that were asked for, its own.
    pub feature_args: Vec<String>,
    /// Whether it is a procedural macro: its examples run on the compiler's platform.
    pub is_host_only: bool,
}

/// The packages whose documentation's examples `cargo test` would run.
#[must_use]
pub fn doctest_packages(metadata: &Metadata, context: &Context) -> Vec<DoctestPackage> {
    let selection = &context.selection;
    let members = if selection.packages.is_empty() && !selection.workspace {
        selected_by_folder(metadata, context)
    } else {
        metadata.workspace_packages()
    };
    members
        .into_iter()
        .filter(|p| selection.names_package(&p.name))
        .filter(|p| p.targets.iter().any(|t| t.doctest))
        .map(|p| DoctestPackage {
            name: p.name.to_string(),
            specification: format!("{}@{}", p.name, p.version),
            feature_args: selection.feature_args_of(|feature| has_feature(p, feature)),
            is_host_only: p.targets.iter().any(|t| target_kind(t) == Some(TargetKind::ProcMacro)),
        })
        .collect()
}

/// `feature`, `package/feature` of itself, or `dependency/feature`.
fn has_feature(package: &Package, feature: &str) -> bool {
    match feature.split_once('/') {
        None => {
            package.features.contains_key(feature)
                || package.dependencies.iter().any(|d| d.optional && d.name == feature)
        }
        Some((of, _)) => {
            let of = of.trim_end_matches('?');
            *package.name == of || package.dependencies.iter().any(|d| d.name == of)
        }
    }
}

/// Cargo started in a member's folder tests that member; elsewhere, the default members.
#[must_use]
pub fn selected_by_folder<'m>(metadata: &'m Metadata, context: &Context) -> Vec<&'m Package> {
    let manifest = layout::join(layout::SOURCE, &context.project.manifest.to_string_lossy());
    match metadata.packages.iter().find(|p| p.manifest_path == manifest) {
        Some(package) if context.project.manifest.components().count() > 1 => vec![package],
        _ => metadata.workspace_default_packages(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_ids_are_nextests() {
        assert_eq!(binary_id("a-b", TargetKind::Lib, "a_b"), "a-b");
        assert_eq!(binary_id("a", TargetKind::Test, "it"), "a::it");
        assert_eq!(binary_id("a", TargetKind::Bin, "tool"), "a::bin/tool");
        assert_eq!(binary_id("a", TargetKind::Example, "show"), "a::example/show");
    }
}
