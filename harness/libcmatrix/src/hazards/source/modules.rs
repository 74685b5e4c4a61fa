//! The files of a crate, module by module, as the compiler finds them. Files are read by the
//! caller's function, so that this part can be tested without any.
//!
//! Takes a root file; gives what every file that is compiled holds.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    condition::{Conditions, Truth},
    parse,
    seen::{At, OtherFile, Seen},
    uses,
};

/// Files of one crate that are read at most.
const MOST_FILES: usize = 20_000;

/// A crate to read.
pub struct Crate<'a> {
    /// Its root file.
    pub root: &'a Path,
    /// What it is compiled with.
    pub conditions: &'a Conditions,
    /// Names to look for.
    pub wanted: &'a HashSet<String>,
    /// Whether all of it is a test.
    pub is_test: bool,
}

/// What the files hold.
#[derive(Debug, Default)]
pub struct CrateSeen {
    /// By file.
    pub files: Vec<(PathBuf, Seen)>,
    /// Files that are there and cannot be understood.
    pub unread: Vec<PathBuf>,
}

struct Pending {
    file: PathBuf,
    /// Where the files of its modules are.
    modules: PathBuf,
    compiled: Truth,
    in_test: bool,
    /// Whether another place may hold the module instead.
    is_guess: bool,
    /// Whether it is included: it may be a value, or half of something.
    is_included: bool,
}

/// Reads a crate.
pub fn read(krate: &Crate<'_>, text_of: &dyn Fn(&Path) -> Option<String>) -> CrateSeen {
    let folder = krate.root.parent().unwrap_or(krate.root).to_owned();
    let mut found = CrateSeen::default();
    let mut visited: HashSet<PathBuf> = HashSet::new();
    let mut pending = vec![Pending {
        file: krate.root.to_owned(),
        modules: folder,
        compiled: Truth::Yes,
        in_test: krate.is_test,
        is_guess: false,
        is_included: false,
    }];
    while let Some(next) = pending.pop() {
        if visited.len() >= MOST_FILES || !visited.insert(next.file.clone()) {
            continue;
        }
        let Some(text) = text_of(&next.file) else {
            if !next.is_guess && next.compiled == Truth::Yes {
                found.unread.push(next.file);
            }
            continue;
        };
        let Some(tree) = parse::file(&text) else {
            if !next.is_included {
                found.unread.push(next.file);
            }
            continue;
        };
        let seen = uses::seen(&tree, krate.conditions, krate.wanted, next.compiled, next.in_test);
        // The sure ones are read first: a file is read once.
        let mut others: Vec<Pending> =
            seen.files.iter().flat_map(|other| files(&next, other)).collect();
        others.sort_by_key(|o| o.compiled);
        pending.extend(others);
        found.files.push((next.file, seen));
    }
    found
}

/// Where the file of a module may be
/// (<https://doc.rust-lang.org/reference/items/modules.html#module-source-filenames>).
fn files(of: &Pending, other: &At<OtherFile>) -> Vec<Pending> {
    let beside = of.file.parent().unwrap_or(Path::new(""));
    let pending = |file: PathBuf, modules: PathBuf, is_guess| Pending {
        file,
        modules,
        compiled: of.compiled.and(other.compiled),
        in_test: other.in_test,
        is_guess,
        is_included: other.what.name.is_empty(),
    };
    if let Some(path) = &other.what.path {
        // In a module of this file, it is relative to that module's folder.
        let base = match other.what.inside.is_empty() {
            true => beside.to_owned(),
            false => other.what.inside.iter().fold(of.modules.clone(), |p, m| p.join(m)),
        };
        let file = plain(&base.join(path));
        let is_included = other.what.name.is_empty();
        let modules = file.parent().unwrap_or(Path::new("")).to_owned();
        return vec![pending(file, modules, is_included)];
    }
    let folder = other.what.inside.iter().fold(of.modules.clone(), |p, m| p.join(m));
    let name = other.what.name.strip_prefix("r#").unwrap_or(&other.what.name);
    let inner = folder.join(name);
    vec![
        pending(folder.join(format!("{name}.rs")), inner.clone(), true),
        pending(inner.join("mod.rs"), inner, true),
    ]
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    path.components().fold(PathBuf::new(), |mut plain, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn modules_are_followed_as_far_as_they_are_compiled() {
        let text_of = |path: &Path| -> Option<String> {
            Some(match path.to_str()? {
                "/p/src/lib.rs" => {
                    "mod a; #[cfg(windows)] mod w; #[path = \"../other/o.rs\"] mod o; mod i { mod j; } mod broken; mod gone; include!(\"value.rs\");".into()
                }
                "/p/src/a.rs" => "mod deep;".into(),
                "/p/src/a/deep.rs" => "fn f() { libc::open64() }".into(),
                "/p/src/w.rs" => "fn f() { libc::open64() }".into(),
                "/p/other/o.rs" => "mod beside;".into(),
                "/p/other/beside/mod.rs" | "/p/src/i/j.rs" => String::new(),
                "/p/src/broken.rs" => "fn (".into(),
                "/p/src/value.rs" => "Some(1)".into(),
                _ => return None,
            })
        };
        let conditions =
            Conditions::new("x86_64-unknown-linux-musl", BTreeSet::new(), true).expect("known");
        let wanted = ["open64".to_owned()].into();
        let root = Path::new("/p/src/lib.rs");
        let krate = Crate { root, conditions: &conditions, wanted: &wanted, is_test: false };
        let found = read(&krate, &text_of);
        let mut files: Vec<_> = found.files.iter().map(|(f, _)| f.to_str().unwrap()).collect();
        files.sort_unstable();
        assert_eq!(
            files,
            [
                "/p/other/beside/mod.rs",
                "/p/other/o.rs",
                "/p/src/a.rs",
                "/p/src/a/deep.rs",
                "/p/src/i/j.rs",
                "/p/src/lib.rs"
            ]
        );
        assert_eq!(found.unread, [Path::new("/p/src/broken.rs")]);
    }
}
