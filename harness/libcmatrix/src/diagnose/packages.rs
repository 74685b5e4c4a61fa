//! What to install for what was not found. Pure: takes names of one kind; gives a line for Alpine and
//! one for Debian.

use super::rule::PackageKind;
use crate::project::native_packages::{self, Packages};

/// The lines, Alpine's first; none where no package is known.
pub(super) fn lines(kind: PackageKind, names: &[String]) -> Vec<String> {
    let known: Vec<&Packages> = names.iter().filter_map(|name| find(kind, name)).collect();
    [
        line("Alpine: apk add", known.iter().flat_map(|packages| &packages.alpine)),
        line("Debian: apt-get install", known.iter().flat_map(|packages| &packages.debian)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn find(kind: PackageKind, name: &str) -> Option<&'static Packages> {
    match kind {
        PackageKind::Library => native_packages::for_library(name),
        PackageKind::Header => native_packages::for_header(name),
        PackageKind::Tool => native_packages::for_tool(name),
        PackageKind::PkgConfig => native_packages::for_pkg_config(name),
    }
}

fn line<'a>(command: &str, packages: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut packages: Vec<&str> = packages.map(String::as_str).collect();
    packages.sort_unstable();
    packages.dedup();
    (!packages.is_empty()).then(|| format!("{command} {}", packages.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_in_a_package() {
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert_eq!(
            lines(PackageKind::Tool, &names(&["cmake", "cmake", "nobody-knows-this"])),
            ["Alpine: apk add cmake", "Debian: apt-get install cmake"]
        );
        let openssl = lines(PackageKind::PkgConfig, &names(&["openssl"]));
        assert_eq!(openssl, ["Alpine: apk add openssl-dev", "Debian: apt-get install libssl-dev"]);
        assert!(lines(PackageKind::Library, &names(&["libnobody-knows-this.so.1"])).is_empty());
    }
}
