//! What a file needs and an image does not have: libraries and symbols, as the image's loader would
//! find out when it loads it, or a linker when it links it.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    path::{Path, PathBuf},
    rc::Rc,
};

use libcmatrix_schema::Elf;

use super::{
    facts::{Facts, Name},
    glibc_only,
    libraries::{Libraries, Library},
};

/// Libraries that one program may load, all together.
const MOST_LIBRARIES: usize = 512;
/// Names in one list of the record.
const MOST_NAMES: usize = 60;
/// Characters of one name in the record.
const LONGEST_NAME: usize = 300;

/// The file's facts with what is missing, short enough for the record.
pub(super) fn complete(facts: &Facts, path: &Path, libraries: &mut Libraries) -> Elf {
    let mut elf = facts.elf();
    if let Some(interpreter) = &facts.interpreter {
        elf.interpreter_missing = !libraries.has_file(interpreter);
    }
    let symbols = if !facts.kind.is_loaded() {
        unlinkable(facts, libraries)
    } else if facts.is_static_program() {
        Vec::new()
    } else {
        let loaded = load(facts, path, libraries);
        elf.missing_libraries = loaded.missing.into_iter().collect();
        unresolved(facts, &loaded.libraries, libraries)
    };
    with_symbols(elf, &symbols)
}

/// The same as far as it can be told without an image.
pub(super) fn without_image(facts: &Facts) -> Elf {
    let undefined = facts.undefined.iter();
    let symbols = ordered(undefined.filter(|name| glibc_only::has(name)));
    with_symbols(facts.elf(), &symbols)
}

fn with_symbols(mut elf: Elf, symbols: &[Name]) -> Elf {
    elf.missing_symbols =
        symbols.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    shorten(&mut elf);
    elf
}

/// What a loader would have in memory.
struct Loaded {
    libraries: Vec<Rc<Library>>,
    missing: BTreeSet<String>,
}

/// Loads a file's libraries and theirs, breadth first, each once.
fn load(facts: &Facts, path: &Path, libraries: &mut Libraries) -> Loaded {
    let mut loaded = Loaded { libraries: Vec::new(), missing: BTreeSet::new() };
    let mut seen = HashSet::new();
    let mut waiting: VecDeque<(String, Rc<[PathBuf]>)> = VecDeque::new();
    // A library's own folders come before those of whoever loaded it, which musl asks, too; glibc does
    // so with the older `DT_RPATH`. A library that only such a folder has is seldom wanted twice.
    let own: Rc<[PathBuf]> = libraries.own_folders(path, facts).into();
    waiting.extend(facts.needed.iter().map(|name| (name.clone(), own.clone())));
    while let Some((name, folders)) = waiting.pop_front() {
        if !seen.insert(name.clone()) || seen.len() > MOST_LIBRARIES {
            continue;
        }
        let Some(library) = libraries.find(&name, &folders) else {
            loaded.missing.insert(name);
            continue;
        };
        let mut own = libraries.own_folders(&library.path, &library.facts);
        own.extend(folders.iter().cloned());
        own.truncate(MOST_LIBRARIES);
        let own: Rc<[PathBuf]> = own.into();
        waiting.extend(library.facts.needed.iter().map(|name| (name.clone(), own.clone())));
        loaded.libraries.push(library);
    }
    loaded
}

/// Symbols that no loaded library has, nor the C library, which is always there.
fn unresolved(facts: &Facts, loaded: &[Rc<Library>], libraries: &Libraries) -> Vec<Name> {
    let missing = facts.undefined.iter().filter(|name| {
        !facts.exported.contains(*name)
            && !loaded.iter().any(|l| l.facts.exported.contains(*name))
            && !libraries.understands(name)
    });
    ordered(missing)
}

/// Symbols of an object file that only glibc has. What else it leaves undefined may be in any other
/// object, so nothing is said of it.
fn unlinkable(facts: &Facts, libraries: &Libraries) -> Vec<Name> {
    let undefined = facts.undefined.iter();
    ordered(undefined.filter(|name| glibc_only::has(name) && !libraries.c_exports(name)))
}

/// The telling ones first: those of a C library, then the others.
fn ordered<'a>(names: impl Iterator<Item = &'a Name>) -> Vec<Name> {
    let mut names: Vec<Name> = names.cloned().collect();
    names.sort_by_cached_key(|name| (!glibc_only::has(name), name.clone()));
    names
}

fn shorten(elf: &mut Elf) {
    let cut = |name: &mut String| {
        if let Some((end, _)) = name.char_indices().nth(LONGEST_NAME) {
            name.truncate(end);
        }
    };
    elf.interpreter.iter_mut().for_each(cut);
    for names in [&mut elf.needed, &mut elf.missing_libraries, &mut elf.missing_symbols] {
        elf.names_cut += names.len().saturating_sub(MOST_NAMES) as u64;
        names.truncate(MOST_NAMES);
        names.iter_mut().for_each(cut);
    }
}
