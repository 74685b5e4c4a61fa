//! What to install for what was not found. Pure: takes names of one kind each; gives packages of
//! Alpine and of Debian.

use libcmatrix_schema::Packages;

use super::facts::NamedKind;
use crate::project::native_packages;

/// The packages of all that is known among the names.
pub(super) fn of(names: &[(NamedKind, String)]) -> Packages {
    let mut all = Packages::default();
    for (kind, name) in names {
        let Some(known) = find(*kind, name) else { continue };
        let mut alpine = known.alpine.clone();
        if *kind == NamedKind::Link {
            // Which of the two a linker wanted is not told by every one of them.
            alpine.extend(known.alpine_static.iter().cloned());
        }
        all.add(&Packages { alpine, debian: known.debian.clone() });
    }
    all
}

/// The same for packages of Debian that were seen to be missing; nothing unless all of them are known.
pub(super) fn of_debian(names: &[String]) -> Packages {
    let known: Option<Vec<_>> =
        names.iter().map(|name| native_packages::for_debian_package(name)).collect();
    let mut all = Packages::default();
    for packages in known.unwrap_or_default() {
        all.add(&Packages { alpine: packages.alpine.clone(), debian: packages.debian.clone() });
    }
    all
}

/// What to type, Alpine's first.
pub(super) fn lines(packages: &Packages) -> Vec<String> {
    [("Alpine: apk add", &packages.alpine), ("Debian: apt-get install", &packages.debian)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(command, names)| format!("{command} {}", names.join(" ")))
        .collect()
}

/// The packages of one name.
pub(super) fn find(kind: NamedKind, name: &str) -> Option<&'static native_packages::Packages> {
    match kind {
        NamedKind::Library | NamedKind::Link => native_packages::for_library(name),
        NamedKind::Header => native_packages::for_header(name),
        NamedKind::Tool => native_packages::for_tool(name),
        NamedKind::Module => native_packages::for_pkg_config(&name.to_ascii_lowercase())
            .or_else(|| native_packages::for_pkg_config(name)),
        NamedKind::Undefined | NamedKind::Unresolved => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_in_a_package() {
        let lines = |names: &[(NamedKind, &str)]| {
            let names: Vec<_> =
                names.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect();
            lines(&of(&names))
        };
        assert_eq!(
            lines(&[
                (NamedKind::Tool, "cmake"),
                (NamedKind::Tool, "cmake"),
                (NamedKind::Tool, "nobody-knows-this"),
            ]),
            ["Alpine: apk add cmake", "Debian: apt-get install cmake"]
        );
        let openssl = lines(&[(NamedKind::Module, "OpenSSL")]);
        assert_eq!(openssl, ["Alpine: apk add openssl-dev", "Debian: apt-get install libssl-dev"]);
        let static_zlib = lines(&[(NamedKind::Link, "z")]);
        assert_eq!(static_zlib[0], "Alpine: apk add zlib-dev zlib-static");
        assert!(lines(&[(NamedKind::Library, "libnobody-knows-this.so.1")]).is_empty());
        assert!(lines(&[(NamedKind::Undefined, "ssl")]).is_empty());
    }

    #[test]
    fn what_debian_has_is_in_a_package_of_alpine() {
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let found = of_debian(&names(&["perl-base", "file"]));
        assert_eq!(
            (found.alpine, found.debian),
            (names(&["file", "perl"]), names(&["file", "perl"]))
        );
        assert!(of_debian(&names(&["perl-base", "nobody-knows-this"])).is_empty());
        assert!(of_debian(&[]).is_empty());
    }
}
