//! What programs need of an image to start: their loader, the libraries that they ask for, and those
//! that these ask for.
//!
//! Takes the programs' paths and the image's files; gives what is there, where and of which package, and
//! what is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use libcmatrix_schema::{NeededLibrary, RuntimeNeeds};

use super::{
    files::{Content, FileEntry, FileKind, Files, Needs},
    packages::Installed,
};

/// Folders that loaders look into without being told (ld.so(8); musl's `ldso/dynlink.c`), and those of
/// Debian's architectures below.
const FOLDERS: [&str; 5] = ["lib", "usr/lib", "lib64", "usr/lib64", "usr/local/lib"];

/// Whether all programs are ELF files that need neither a loader nor a library.
pub(crate) fn all_static(programs: &[String], files: &Files) -> bool {
    programs.iter().all(|program| {
        asked(program, files)
            .is_some_and(|asked| asked.interpreter.is_none() && asked.libraries.is_empty())
    })
}

fn asked<'a>(program: &str, files: &'a Files) -> Option<&'a Needs> {
    match &files.resolve(program)?.1.kind {
        FileKind::File(Content::Elf(asked)) => Some(asked),
        _ => None,
    }
}

/// Whether a program may start others; `None` where all are static.
pub(crate) fn starts_children(programs: &[String], files: &Files) -> Option<bool> {
    let asked = programs.iter().filter_map(|program| asked(program, files));
    let dynamic = asked.filter(|asked| asked.interpreter.is_some());
    dynamic.map(|asked| asked.starts_children).reduce(|any, one| any || one)
}

/// What `programs` need, with its packages. `programs` are paths without a slash at the beginning.
pub(crate) fn needs(programs: &[String], files: &Files, installed: &Installed) -> RuntimeNeeds {
    let (found, missing) = resolve(programs, files);
    let found = found.into_iter().map(|(name, path)| {
        let package = files.resolve(&path).and_then(|(place, _)| installed.owner(&place));
        NeededLibrary { name, package: package.map(str::to_owned) }
    });
    RuntimeNeeds { found: found.collect(), missing }
}

/// What `programs` need: names with the paths that they lead to, and names that lead nowhere.
pub(crate) fn resolve(programs: &[String], files: &Files) -> (Vec<(String, String)>, Vec<String>) {
    let libraries = libraries(files);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let (mut seen, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut left: VecDeque<String> = VecDeque::new();
    let mut look_into = |file: &FileEntry, left: &mut VecDeque<String>| {
        if let FileKind::File(Content::Elf(asked)) = &file.kind {
            let all = asked.interpreter.iter().chain(&asked.libraries);
            left.extend(all.filter(|name| seen.insert((*name).clone())).cloned());
        }
    };
    for program in programs {
        if let Some((_, file)) = files.resolve(program) {
            look_into(file, &mut left);
        }
    }
    while let Some(name) = left.pop_front() {
        let place = if name.contains('/') {
            Some(name.as_str())
        } else {
            libraries.get(name.as_str()).copied()
        };
        match place.and_then(|path| Some((path.to_owned(), files.resolve(path)?))) {
            // Libraries ask for their loader by its name.
            Some((_, (leads_to, _))) if !places.insert(leads_to.clone()) => {}
            Some((path, (_, file))) => {
                look_into(file, &mut left);
                found.push((name, path));
            }
            // On musl the loader is the C library under any of its names.
            None if is_c_library_of_musl(&name) && has_loader(&found) => {}
            None => missing.push(name),
        }
    }
    (found, missing)
}

fn is_c_library_of_musl(name: &str) -> bool {
    name == "libc.so" || name.starts_with("libc.musl-")
}

fn has_loader(found: &[(String, String)]) -> bool {
    found.iter().any(|(name, _)| name.contains("/ld-musl-"))
}

/// Libraries by their names, in the folders of loaders.
fn libraries(files: &Files) -> BTreeMap<&str, &str> {
    let mut all = BTreeMap::new();
    for (path, file) in files.iter() {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let is_in_one = FOLDERS.iter().any(|known| {
            folder.strip_prefix(known).is_some_and(|rest| {
                let below = rest.strip_prefix('/');
                rest.is_empty()
                    || below.is_some_and(|rest| rest.ends_with("-linux-gnu") && !rest.contains('/'))
            })
        });
        if is_in_one && !matches!(file.kind, FileKind::Other) {
            all.entry(name).or_insert(path);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use tar::EntryType::{Regular, Symlink};

    use super::{super::files::tests::layer, *};

    fn image(elf: &[(&str, Option<&str>, &[&str])]) -> Files {
        let mut files = Files::default();
        let links = layer(&[
            ("lib64", Symlink, 0o777, "usr/lib64"),
            ("usr/lib/readme", Regular, 0o644, ""),
        ]);
        files.add_layer(links.as_slice(), u64::MAX).expect("read");
        for (path, interpreter, libraries) in elf {
            let asked = Needs {
                interpreter: interpreter.map(str::to_owned),
                libraries: libraries.iter().map(|name| (*name).to_owned()).collect(),
                starts_children: path.ends_with("/p"),
            };
            files.put_elf(path, asked);
        }
        files
    }

    #[test]
    fn libraries_of_libraries_are_needed() {
        let files = image(&[
            ("usr/local/bin/p", Some("/lib64/ld-linux-x86-64.so.2"), &["libx.so.1", "libc.so.6"]),
            ("usr/lib64/ld-linux-x86-64.so.2", None, &[]),
            ("usr/lib/x86_64-linux-gnu/libx.so.1", None, &["liby.so.2", "ld-linux-x86-64.so.2"]),
            ("usr/lib/x86_64-linux-gnu/libc.so.6", None, &[]),
            ("opt/liby.so.2", None, &[]),
            // Looks like a folder of loaders, and is none.
            ("usr/lib\u{fffd}-linux-gnu/liby.so.2", None, &[]),
            ("opt/static", None, &[]),
        ]);
        assert!(all_static(&["opt/static".into()], &files));
        assert!(!all_static(&["opt/static".into(), "usr/local/bin/p".into()], &files));
        assert!(!all_static(&["opt/gone".into()], &files));
        let needs = needs(&["usr/local/bin/p".into()], &files, &Installed::default());
        let found: Vec<&str> = needs.found.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(found, ["/lib64/ld-linux-x86-64.so.2", "libx.so.1", "libc.so.6"]);
        assert_eq!(needs.missing, ["liby.so.2"]);
        let starts = |path: &str| starts_children(&[path.to_owned()], &files);
        assert_eq!(starts("usr/local/bin/p"), Some(true));
        assert_eq!(starts("opt/liby.so.2"), None, "it is not dynamic");
    }

    #[test]
    fn musl_is_its_own_loader() {
        let files = image(&[
            ("usr/local/bin/p", Some("/lib/ld-musl-x86_64.so.1"), &["libc.musl-x86_64.so.1"]),
            ("lib/ld-musl-x86_64.so.1", None, &[]),
        ]);
        let needs = needs(&["usr/local/bin/p".into()], &files, &Installed::default());
        assert_eq!((needs.found.len(), needs.missing.len()), (1, 0));
    }
}
