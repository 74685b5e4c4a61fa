//! Shared libraries among the targets: a static musl target makes none. Pure.
//!
//! Cargo refuses a target of which nothing can be made; of one that is a Rust library as well it
//! makes only that.

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;
use crate::project::resolved::{Resolved, ResolvedPackage, ResolvedTarget};

const SHARED: [&str; 2] = ["cdylib", "dylib"];

/// One hazard for each target that is a shared library.
#[must_use]
pub fn find(resolved: &Resolved) -> Vec<Hazard> {
    let targets = resolved.packages.iter().flat_map(|p| p.targets.iter().map(move |t| (p, t)));
    targets.filter_map(|(package, target)| hazard(package, target)).collect()
}

fn hazard(package: &ResolvedPackage, target: &ResolvedTarget) -> Option<Hazard> {
    let shared = target.crate_types.iter().find(|t| SHARED.contains(&t.as_str()))?;
    let is_only = target.crate_types.iter().all(|t| SHARED.contains(&t.as_str()));
    let text = match is_only {
        true => {
            format!("`{}` is a {shared} and nothing else: cargo refuses to build it", target.name)
        }
        // As a dependency, only its Rust library is used.
        false if !package.is_member => return None,
        false => {
            format!(
                "the {shared} of `{}` is left out with a warning; its other crate types are made",
                target.name
            )
        }
    };
    let is_library = target.kinds.iter().any(|k| {
        use cargo_metadata::TargetKind as K;
        matches!(k, K::Lib | K::RLib | K::DyLib | K::CDyLib | K::StaticLib)
    });
    // Of dependencies only libraries are built.
    if !package.is_member && !is_library {
        return None;
    }
    let confidence = if package.is_member { Confidence::Proven } else { Confidence::Likely };
    let hazard = Hazard::new("rust-cdylib-crt-static", confidence, &package.id(), text);
    Some(hazard.needs_run(false).at(&target.root, &package.folder, None))
}

#[cfg(test)]
mod tests {
    use cargo_metadata::TargetKind;

    use super::*;
    use crate::hazards::testing::{package, resolved};

    #[test]
    fn shared_libraries_only() {
        let one = |types: &[&str], is_member| {
            let mut package =
                package("p", "1.0.0").with_target(TargetKind::CDyLib, types, "src/lib.rs");
            package.is_member = is_member;
            find(&resolved(vec![package])).pop()
        };
        assert!(one(&["cdylib"], true).expect("a hazard").text.contains("refuses"));
        assert!(one(&["cdylib", "rlib"], true).expect("a hazard").text.contains("left out"));
        assert!(one(&["dylib"], false).is_some());
        for (types, is_member) in [
            (&["cdylib", "rlib"][..], false),
            (&["lib"], true),
            (&["staticlib"], true),
            (&["proc-macro"], true),
        ] {
            assert_eq!(one(types, is_member), None, "{types:?}");
        }
    }
}
