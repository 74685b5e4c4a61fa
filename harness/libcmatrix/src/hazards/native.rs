//! Native libraries among the dependencies: which must be there for musl, and which a dependency
//! builds itself. Pure.
//!
//! Takes the resolved packages; gives one hazard a crate, with the packages of the distributions.

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;
use crate::project::{
    native_packages::{self, Packages},
    resolved::{Resolved, ResolvedPackage},
};

/// Features by which crates say that they build their own copy.
const OWN_COPY: [&str; 8] = [
    "vendored",
    "bundled",
    "static",
    "cmake-build",
    "vendored-openssl",
    "static-curl",
    "bundled-full",
    "internal",
];
/// Crates that compile C, and crates that look for libraries.
const COMPILERS: [&str; 5] = ["cc", "cmake", "autotools", "nasm-rs", "cxx-build"];
const SEEKERS: [&str; 3] = ["pkg-config", "vcpkg", "system-deps"];

/// One hazard for each crate that brings or wants native code.
#[must_use]
pub fn find(resolved: &Resolved) -> Vec<Hazard> {
    resolved.packages.iter().filter_map(hazard).collect()
}

fn hazard(package: &ResolvedPackage) -> Option<Hazard> {
    if !package.has_build_script() {
        return None;
    }
    let builds_with =
        |names: &[&str]| package.dependencies.iter().any(|d| names.contains(&d.package.as_str()));
    // Only with the sources of the library at hand.
    let sources = package.dependencies.iter().find(|d| d.package.ends_with("-src"));
    let (compiles, seeks) = (builds_with(&COMPILERS), builds_with(&SEEKERS));
    let is_binding = package.links.is_some() || package.name.ends_with("-sys");
    let known = native_packages::for_crate(&package.name);
    if !is_binding || !(known.is_some() || compiles || seeks || sources.is_some()) {
        return None;
    }
    let feature = OWN_COPY.iter().find(|f| package.features.contains(**f));
    let library = package.links.as_deref().unwrap_or(&package.name);
    let id = package.id();
    if let Some(how) = own_copy(package, feature.copied(), seeks, compiles) {
        let text =
            format!("builds its own copy of `{library}` ({how}): a C compiler for musl is needed");
        let mut hazard = Hazard::new("rust-linker-not-found", Confidence::Possible, &id, text);
        hazard.remedies.extend(known.and_then(|k| k.note.clone()));
        return Some(hazard);
    }
    let code = match package.name.as_str() {
        "openssl-sys" => "rust-openssl-not-found",
        _ => "static-lib-missing",
    };
    let or_builds = if compiles { "; it may build its own copy" } else { "" };
    let text = format!("wants the native library `{library}`{or_builds}");
    let mut hazard = Hazard::new(code, Confidence::Possible, &id, text);
    if let Some(known) = known {
        hazard.remedies = lines(known).into_iter().chain(hazard.remedies).collect();
    }
    Some(hazard)
}

/// How it builds its own copy; nothing where it wants the system's.
fn own_copy(
    package: &ResolvedPackage,
    feature: Option<&str>,
    seeks: bool,
    compiles: bool,
) -> Option<String> {
    if let Some(feature) = feature {
        return Some(format!("feature `{feature}`"));
    }
    if let Some(sources) = package.dependencies.iter().find(|d| d.package.ends_with("-src")) {
        return Some(format!("from {}", sources.package));
    }
    (compiles && !seeks).then(|| "always".to_owned())
}

fn lines(packages: &Packages) -> Vec<String> {
    let line = |tool: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("`{tool} {}`", names.join(" ")))
    };
    let apk: Vec<String> = packages.alpine.iter().chain(&packages.alpine_static).cloned().collect();
    [line("apk add", &apk), line("apt-get install", &packages.debian), packages.note.clone()]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazards::testing::{dependency, package};

    fn found(package: ResolvedPackage) -> Option<Hazard> {
        hazard(&package)
    }

    fn binding(name: &str, dependencies: &[&str]) -> ResolvedPackage {
        let mut package = package(name, "1.0.0").with_build_script();
        package.links = name.strip_suffix("-sys").map(ToOwned::to_owned);
        package.dependencies = dependencies.iter().map(|d| dependency(d, "1.0.0")).collect();
        package
    }

    #[test]
    fn the_systems_library_and_an_own_copy() {
        let system = found(binding("openssl-sys", &["cc", "pkg-config"])).expect("a hazard");
        assert_eq!((system.code.as_str(), system.needs_run), ("rust-openssl-not-found", true));
        let vendored = found(binding("openssl-sys", &["cc", "pkg-config", "openssl-src"]));
        assert_eq!(vendored.expect("a hazard").code, "rust-linker-not-found");
        let mut bundled = binding("sqlite3-sys", &["cc", "pkg-config"]);
        bundled.features.insert("bundled".into());
        assert!(found(bundled).expect("a hazard").text.contains("feature `bundled`"));
        assert!(found(binding("lz4-sys", &["cc"])).expect("a hazard").text.contains("always"));
    }

    #[test]
    fn what_is_no_native_library() {
        assert_eq!(found(binding("linux-raw-sys", &[])), None);
        let mut lock = binding("rayon-core", &[]);
        lock.links = Some("rayon-core".into());
        assert_eq!(found(lock), None);
        let mut no_script = binding("x-sys", &["cc"]);
        no_script.targets.clear();
        assert_eq!(found(no_script), None);
    }

    #[test]
    fn packages_of_the_distributions() {
        let hazard = found(binding("libz-sys", &["pkg-config"])).expect("a hazard");
        assert_eq!(hazard.remedies[0], "`apk add zlib-dev zlib-static`");
        assert_eq!(hazard.remedies[1], "`apt-get install zlib1g-dev`");
    }
}
