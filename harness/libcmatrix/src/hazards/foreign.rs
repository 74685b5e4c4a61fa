//! Functions that a package declares as C's and that only glibc has. Pure: takes what the package's
//! files hold; gives hazards.
//!
//! A declaration promises nothing: it does harm where the function is called, and where no other
//! library has one of that name.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use libcmatrix_schema::Confidence;

use super::{
    hazard::Hazard,
    source::{
        condition::Truth,
        seen::{At, Foreign, Seen},
    },
    symbol,
};
use crate::project::resolved::ResolvedPackage;

/// Libraries that are glibc's own, and on musl the C library itself.
const OF_LIBC: [&str; 10] =
    ["c", "m", "rt", "pthread", "dl", "util", "resolv", "nsl", "anl", "xnet"];

/// One hazard for each symbol.
#[must_use]
pub fn find(package: &ResolvedPackage, files: &[(PathBuf, Seen)], root: &Path) -> Vec<Hazard> {
    let called: HashSet<&String> = files.iter().flat_map(|(_, s)| &s.called).collect();
    let mut symbols: BTreeMap<&str, (&Path, &At<Foreign>)> = BTreeMap::new();
    for (file, seen) in files {
        let declared = seen.foreign.iter().filter(|f| {
            symbol::is_glibc_only(&f.what.symbol)
                && called.contains(&f.what.name)
                && f.what.libraries.iter().all(|l| OF_LIBC.contains(&l.as_str()))
        });
        for found in declared {
            let known = symbols.entry(&found.what.symbol).or_insert((file, found));
            if found.compiled > known.1.compiled {
                *known = (file, found);
            }
        }
    }
    let folder = if package.is_member { root } else { &package.folder };
    symbols
        .into_iter()
        .filter_map(|(symbol, (file, found))| {
            Some(hazard(package, symbol, found)?.at(file, folder, found.line))
        })
        .collect()
}

fn hazard(package: &ResolvedPackage, symbol: &str, found: &At<Foreign>) -> Option<Hazard> {
    // A build script may link a library that has it, or compile it.
    let may_be_anothers = package.has_build_script() || package.links.is_some();
    let is_sure = found.compiled == Truth::Yes
        && package.is_for_target
        && (symbol::is_reserved(symbol) || !may_be_anothers);
    if !is_sure && !package.is_member {
        return None;
    }
    let text = format!("`{symbol}` is declared and called; glibc has it, musl does not");
    let confidence = if is_sure { Confidence::Likely } else { Confidence::Possible };
    Some(Hazard::new(symbol::code(symbol), confidence, &package.id(), text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hazards::{
        source::{condition::Conditions, parse, uses},
        testing::package,
    };

    fn find_in(text: &str, package: &ResolvedPackage) -> Vec<Hazard> {
        let conditions =
            Conditions::new("x86_64-unknown-linux-musl", BTreeSet::new(), true).expect("known");
        let file = parse::file(text).expect("it parses");
        let seen = uses::seen(&file, &conditions, &HashSet::new(), Truth::Yes, false);
        find(package, &[(PathBuf::from("/w/src/a.rs"), seen)], Path::new("/w"))
    }

    #[test]
    fn called_and_declared() {
        let member = package("p", "1.0.0");
        let declared = "extern \"C\" { fn gnu_get_libc_version() -> *const u8; fn open(); }";
        assert!(find_in(declared, &member).is_empty());
        let called = format!("{declared} fn f() {{ unsafe {{ gnu_get_libc_version(); open() }} }}");
        let found = find_in(&called, &member);
        assert_eq!((found.len(), found[0].confidence), (1, Confidence::Likely));
        assert_eq!(found[0].code, "reloc-glibc-symbol");
        let musl = "#[cfg(not(target_env = \"musl\"))] extern \"C\" { fn backtrace(); } fn f() { backtrace() }";
        assert!(find_in(musl, &member).is_empty());
    }

    #[test]
    fn another_library_may_have_it() {
        let text = "extern \"C\" { fn error(); } fn f() { error() }";
        let mut member = package("p", "1.0.0");
        assert_eq!(find_in(text, &member)[0].confidence, Confidence::Likely);
        member = member.with_build_script();
        assert_eq!(find_in(text, &member)[0].confidence, Confidence::Possible);
        member.is_member = false;
        assert!(find_in(text, &member).is_empty());
        let linked =
            "#[link(name = \"execinfo\")] extern \"C\" { fn backtrace(); } fn f() { backtrace() }";
        assert!(find_in(linked, &package("p", "1.0.0")).is_empty());
    }
}
