//! The crates that programs are compiled of. Pure.
//!
//! Takes cargo's metadata and the packages of the programs; gives what a bill of materials names.

use std::collections::{HashMap, HashSet};

use cargo_metadata::{
    DependencyKind, Metadata, Node, NodeDep, Package, PackageId, Source, Target, TargetKind,
    cargo_platform::Platform,
};
use cfg_expr::{Predicate, targets::get_builtin_target_by_triple};
use libcmatrix_schema::CompiledCrate;

/// The crates whose code is in the programs: what their packages depend on, but for what only runs while
/// they are built.
pub(super) fn compiled_crates<'a>(
    metadata: &'a Metadata,
    programs: Vec<&'a PackageId>,
    target: &str,
) -> Vec<CompiledCrate> {
    let mut left = programs;
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: HashMap<&PackageId, &Node> = nodes.map(|node| (&node.id, node)).collect();
    let packages = metadata.packages.iter().map(|package| (&package.id, package));
    let packages: HashMap<&PackageId, &Package> = packages.collect();
    let mut seen = HashSet::new();
    let mut crates = Vec::new();
    while let Some(id) = left.pop() {
        let Some(package) = packages.get(id).filter(|_| seen.insert(id)) else { continue };
        let is_macro = |target: &Target| target.kind.contains(&TargetKind::ProcMacro);
        if package.targets.iter().any(is_macro) {
            continue;
        }
        crates.push(CompiledCrate {
            name: package.name.to_string(),
            version: package.version.to_string(),
            is_published: package.source.as_ref().is_some_and(Source::is_crates_io),
            licence: package.license.clone(),
        });
        let dependencies = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let is_compiled_in = |dependency: &&NodeDep| {
            dependency.dep_kinds.iter().any(|kind| {
                kind.kind == DependencyKind::Normal && is_for(kind.target.as_ref(), target)
            })
        };
        left.extend(dependencies.filter(is_compiled_in).map(|dependency| &dependency.pkg));
    }
    crates.sort();
    crates
}

/// Whether a dependency is one on this target. The metadata are those of the building machine as well.
fn is_for(platform: Option<&Platform>, target: &str) -> bool {
    let Some(platform) = platform.map(ToString::to_string) else { return true };
    let Some(condition) = platform.strip_prefix("cfg(").and_then(|c| c.strip_suffix(')')) else {
        return platform == target;
    };
    match (cfg_expr::Expression::parse(condition), get_builtin_target_by_triple(target)) {
        (Ok(condition), Some(target)) => condition.eval(|predicate| {
            matches!(predicate, Predicate::Target(predicate) if predicate.matches(target))
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_one_where_its_condition_holds() {
        let is = |text: &str| {
            is_for(Some(&text.parse().expect("a platform")), "x86_64-unknown-linux-musl")
        };
        assert!(is_for(None, "x86_64-unknown-linux-musl"));
        assert!(is("cfg(unix)") && is("cfg(target_env = \"musl\")"));
        assert!(!is("cfg(windows)") && !is("cfg(target_env = \"gnu\")"));
        assert!(is("x86_64-unknown-linux-musl") && !is("x86_64-unknown-linux-gnu"));
        assert!(is("cfg(all(unix, not(target_os = \"macos\")))"));
    }
}
