//! Releases of dependencies that are known not to do on musl. Pure.

use cargo_metadata::semver::Version;
use libcmatrix_schema::Confidence;

use super::hazard::Hazard;
use crate::project::resolved::{Resolved, ResolvedPackage};

/// One hazard for each such release.
#[must_use]
pub fn find(resolved: &Resolved) -> Vec<Hazard> {
    resolved.packages.iter().filter(|p| !p.is_member).filter_map(hazard).collect()
}

fn hazard(package: &ResolvedPackage) -> Option<Hazard> {
    let (version, features) = (&package.version, &package.features);
    let possible =
        |code, text: &str| Some(Hazard::new(code, Confidence::Possible, &package.id(), text));
    match package.name.as_str() {
        // 0.2.145 was yanked; rust-lang/libc#2935.
        "libc" if version.major == 0 && *version < Version::new(0, 2, 146) => {
            possible("lfs64-link", "it takes `open64` and its like for symbols of the C library")
        }
        "libsqlite3-sys" if *version < Version::new(0, 25, 0) && features.contains("bundled") => {
            possible("lfs64-link", "the SQLite that it builds calls `pread64` and `pwrite64`")
        }
        "tikv-jemalloc-sys" | "jemalloc-sys"
            if features.contains("background_threads_runtime_support") =>
        {
            possible(
                "rust-jemalloc-musl",
                "its background threads are turned on; musl targets have none",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazards::testing::{package, resolved};

    #[test]
    fn old_releases_only() {
        let codes = |name: &str, version: &str, feature: &str| {
            let mut package = package(name, version);
            package.is_member = false;
            package.features.insert(feature.into());
            find(&resolved(vec![package])).into_iter().map(|h| h.code).collect::<Vec<_>>()
        };
        assert_eq!(codes("libc", "0.2.144", "std"), ["lfs64-link"]);
        assert!(codes("libc", "0.2.146", "std").is_empty());
        assert!(codes("libc", "1.0.0-alpha.1", "std").is_empty());
        assert_eq!(codes("libsqlite3-sys", "0.24.2", "bundled"), ["lfs64-link"]);
        assert!(codes("libsqlite3-sys", "0.24.2", "other").is_empty());
    }
}
