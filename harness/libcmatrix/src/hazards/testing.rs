//! Packages for tests of the other modules.

use std::path::PathBuf;

use cargo_metadata::TargetKind;

use crate::project::resolved::{Resolved, ResolvedDependency, ResolvedPackage, ResolvedTarget};

/// A package of the workspace in `/w`, without targets and dependencies.
pub fn package(name: &str, version: &str) -> ResolvedPackage {
    ResolvedPackage {
        name: name.into(),
        version: version.parse().expect("a version"),
        is_member: true,
        is_for_target: true,
        folder: PathBuf::from("/w"),
        links: None,
        features: Default::default(),
        dependencies: Vec::new(),
        targets: Vec::new(),
    }
}

/// A dependency under its own name.
pub fn dependency(name: &str, version: &str) -> ResolvedDependency {
    ResolvedDependency {
        extern_name: name.replace('-', "_"),
        package: name.into(),
        version: version.into(),
        is_build: false,
    }
}

/// A project of these packages.
pub fn resolved(packages: Vec<ResolvedPackage>) -> Resolved {
    Resolved { root: PathBuf::from("/w"), packages }
}

impl ResolvedPackage {
    /// With a target.
    pub fn with_target(mut self, kind: TargetKind, crate_types: &[&str], root: &str) -> Self {
        self.targets.push(ResolvedTarget {
            name: self.name.clone(),
            kinds: vec![kind],
            crate_types: crate_types.iter().map(|t| (*t).to_owned()).collect(),
            root: self.folder.join(root),
        });
        self
    }

    /// With a build script.
    pub fn with_build_script(self) -> Self {
        self.with_target(TargetKind::CustomBuild, &["bin"], "build.rs")
    }
}
