//! Items of the `libc` crate that a package uses and the musl target lacks. Pure: takes what the
//! package's files hold and what the crate defines; gives hazards.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use cargo_metadata::semver::Version;
use libcmatrix_schema::Confidence;

use super::{
    hazard::Hazard,
    source::{
        condition::Truth,
        seen::{At, Named, Seen},
    },
    symbol,
};
use crate::project::resolved::ResolvedPackage;

/// What a release of the `libc` crate has for one target and not for the other.
#[derive(Clone, Debug)]
pub struct LibcCrate {
    /// The release.
    pub version: Version,
    /// Names of the glibc target that the musl target lacks.
    pub missing: HashSet<String>,
}

impl LibcCrate {
    /// Whether it declares the old names for large files as symbols; from 0.2.146 on it defines
    /// them itself (rust-lang/libc#2935).
    #[must_use]
    pub fn has_lfs64_symbols(&self) -> bool {
        self.version < Version::new(0, 2, 146)
    }

    /// Names to look for in code that uses it.
    #[must_use]
    pub fn wanted(&self, names: impl IntoIterator<Item = String>) -> HashSet<String> {
        let mut wanted = self.missing.clone();
        wanted.extend(names);
        wanted
    }
}

/// Where a package's code has the crate.
pub struct Names<'a> {
    /// The crate's names in the package's code, `libc` most often.
    pub extern_names: &'a [String],
    /// The crate.
    pub libc: &'a LibcCrate,
}

/// A file, what is named there, and whether it is the crate's and compiled.
type Place<'a> = (&'a Path, &'a At<Named>, Truth);

/// One hazard for each name.
#[must_use]
pub fn find(
    package: &ResolvedPackage,
    files: &[(PathBuf, Seen)],
    names: &Names<'_>,
    root: &Path,
) -> Vec<Hazard> {
    // A module of that name may be meant.
    let is_shadowed =
        files.iter().any(|(_, seen)| names.extern_names.iter().any(|n| seen.modules.contains(n)));
    let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (file, seen) in files {
        for found in &seen.named {
            let sure = match refers(seen, found, names.extern_names, is_shadowed) {
                Truth::No => continue,
                sure => sure.and(found.compiled),
            };
            places.entry(&found.what.name).or_default().push((file, found, sure));
        }
    }
    let folder = if package.is_member { root } else { &package.folder };
    places
        .into_iter()
        .filter_map(|(name, mut at)| {
            // The surest place is shown.
            at.sort_by_key(|(file, found, sure)| (std::cmp::Reverse(*sure), *file, found.line));
            let (file, found, sure) = *at.first()?;
            let hazard = hazard(package, name, sure, names.libc, at.len() - 1)?;
            Some(hazard.at(file, folder, found.line))
        })
        .collect()
}

/// Whether a name is one of the crate.
fn refers(seen: &Seen, found: &At<Named>, extern_names: &[String], is_shadowed: bool) -> Truth {
    let first = &found.what.first;
    let is_crate = |name: &str| extern_names.iter().any(|n| n == name);
    let is_renamed = seen.renamed.iter().any(|(old, new)| is_crate(old) && new == first);
    let is_path = is_crate(first) || is_renamed || first.ends_with("::libc") && is_crate("libc");
    if is_path {
        return if is_shadowed { Truth::No } else { Truth::Yes };
    }
    let is_bare = first.is_empty() && !seen.defined.contains(&found.what.name);
    match is_bare && seen.globs.iter().any(|g| is_crate(g)) && !is_shadowed {
        true => Truth::Unknown,
        false => Truth::No,
    }
}

fn hazard(
    package: &ResolvedPackage,
    name: &str,
    sure: Truth,
    libc: &LibcCrate,
    more: usize,
) -> Option<Hazard> {
    let is_sure = sure == Truth::Yes && package.is_for_target;
    // What a dependency may or may not compile is its own affair: it is in use on musl.
    if !is_sure && !package.is_member {
        return None;
    }
    let places = match more {
        0 => String::new(),
        1 => ", in one more place".into(),
        n => format!(", in {n} more places"),
    };
    let version = &libc.version;
    if libc.missing.contains(name) {
        let confidence = match (is_sure, package.is_member) {
            (true, true) => Confidence::Proven,
            (true, false) => Confidence::Likely,
            (false, _) => Confidence::Possible,
        };
        let text = format!("`{name}`: libc {version} has it for glibc, not for musl{places}");
        Some(Hazard::new("rust-libc-missing-item", confidence, &package.id(), text))
    } else if symbol::is_lfs64(name) && libc.has_lfs64_symbols() {
        let confidence = if is_sure { Confidence::Likely } else { Confidence::Possible };
        let text =
            format!("`{name}`: libc {version} takes it for a symbol of the C library{places}");
        // A compiler before 1.93 brings a musl that still has it.
        Some(Hazard::new("lfs64-link", confidence, &package.id(), text).needs_run(true))
    } else if name == "dlopen" && package.is_member {
        let text = format!("calls `dlopen`{places}");
        Some(Hazard::new("dlopen-static", Confidence::Possible, &package.id(), text))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hazards::{
        source::{condition::Conditions, parse, uses},
        testing::package,
    };

    fn find_in(text: &str, version: &str, is_member: bool) -> Vec<Hazard> {
        let libc = LibcCrate {
            version: version.parse().expect("a version"),
            missing: ["gnu_only".to_owned()].into(),
        };
        let conditions =
            Conditions::new("x86_64-unknown-linux-musl", BTreeSet::new(), true).expect("known");
        let wanted = libc.wanted(["open64".to_owned(), "dlopen".to_owned()]);
        let file = parse::file(text).expect("it parses");
        let seen = uses::seen(&file, &conditions, &wanted, Truth::Yes, false);
        let mut package = package("p", "1.0.0");
        package.is_member = is_member;
        let names = Names { extern_names: &["libc".to_owned()], libc: &libc };
        find(&package, &[(PathBuf::from("/w/src/a.rs"), seen)], &names, Path::new("/w"))
    }

    #[test]
    fn a_missing_item_is_proven_where_it_is_compiled() {
        let found = find_in(
            "\nfn f() { libc::gnu_only(); libc::gnu_only(); libc::open(); }",
            "0.2.170",
            true,
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].confidence, found[0].needs_run), (Confidence::Proven, false));
        assert_eq!((found[0].file.as_deref(), found[0].line), (Some("src/a.rs"), Some(2)));
        assert!(found[0].text.contains("one more place"));
        let unsure = "#[cfg(a)] fn f() { libc::gnu_only() }";
        assert_eq!(find_in(unsure, "0.2.170", true)[0].confidence, Confidence::Possible);
        assert!(find_in(unsure, "0.2.170", false).is_empty());
    }

    #[test]
    fn ways_to_name_the_crate() {
        for text in [
            "use libc::gnu_only;",
            "use libc as c; fn f() { c::gnu_only() }",
            "use nix::libc; fn f() { libc::gnu_only() }",
            "fn f() { nix::libc::gnu_only() }",
            "extern crate libc as c; fn f() { c::gnu_only() }",
        ] {
            assert_eq!(find_in(text, "0.2.170", true).len(), 1, "{text}");
        }
        for text in [
            "fn f() { other::gnu_only() }",
            "fn gnu_only() {} fn f() { gnu_only() }",
            "mod libc { pub fn gnu_only() {} } fn f() { libc::gnu_only() }",
            "use libc::*; fn gnu_only() {} fn f() { gnu_only() }",
        ] {
            assert!(find_in(text, "0.2.170", true).is_empty(), "{text}");
        }
        let glob = find_in("use libc::*; fn f() { gnu_only() }", "0.2.170", true);
        assert_eq!(glob[0].confidence, Confidence::Possible);
    }

    #[test]
    fn old_names_for_large_files() {
        let text = "fn f() { libc::open64() }";
        let old = find_in(text, "0.2.144", true);
        assert_eq!((old[0].code.as_str(), old[0].confidence), ("lfs64-link", Confidence::Likely));
        assert!(find_in(text, "0.2.146", true).is_empty());
        assert_eq!(find_in("fn f() { libc::dlopen() }", "0.2.170", true)[0].code, "dlopen-static");
    }
}
