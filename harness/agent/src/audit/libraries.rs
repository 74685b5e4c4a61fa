//! The libraries of an image: where its loader finds a name, and what is exported there.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use libcmatrix_schema::Libc;
use object::elf::{
    EM_386, EM_AARCH64, EM_ARM, EM_LOONGARCH, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64,
};

use super::{
    bounded::Source,
    elf,
    facts::{Facts, Kind, Name},
    musl, search_path,
};

/// The loader of musl is below 1 MiB; what claims to be it and is larger is not read whole.
const LARGEST_LOADER: u64 = 64 << 20;

/// A library that was found.
pub(super) struct Library {
    pub(super) path: PathBuf,
    pub(super) facts: Facts,
}

/// An image's libraries, read as they are asked for.
pub(super) struct Libraries {
    libc: Libc,
    root: PathBuf,
    machine: u16,
    folders: Vec<PathBuf>,
    read: HashMap<PathBuf, Option<Rc<Library>>>,
    c_library: Option<Rc<Library>>,
    lfs64: HashSet<Name>,
}

impl Libraries {
    /// Of the image at `root`, which has `libc`; of `folders` it is looked for first.
    pub(super) fn of(libc: Libc, root: &Path, first: &[String]) -> Self {
        let machine = this_machine();
        let loader = (libc == Libc::Musl).then(|| musl_loader(root, machine)).flatten();
        let mut folders: Vec<PathBuf> =
            first.iter().filter(|f| f.starts_with('/')).map(PathBuf::from).collect();
        folders.extend(search_path::folders(libc, root, loader.as_deref()));
        let mut libraries = Self {
            libc,
            root: root.to_owned(),
            machine,
            folders,
            read: HashMap::new(),
            c_library: None,
            lfs64: HashSet::new(),
        };
        libraries.c_library = match &loader {
            Some(loader) => {
                let is_small = fs::metadata(loader).is_ok_and(|m| m.len() <= LARGEST_LOADER);
                let bytes = is_small.then(|| fs::read(loader).ok()).flatten().unwrap_or_default();
                libraries.lfs64 = musl::lfs64(&bytes).into_iter().collect();
                libraries.library(loader)
            }
            None => libraries.find("libc.so.6", &[]),
        };
        libraries
    }

    /// The machine whose files are loaded here.
    pub(super) fn machine(&self) -> u16 {
        self.machine
    }

    /// The C library itself; `None` in an image without one.
    pub(super) fn c_library(&self) -> Option<Rc<Library>> {
        self.c_library.clone()
    }

    /// Whether the image has that file, e.g. a loader.
    pub(super) fn has_file(&self, path: &str) -> bool {
        search_path::under(&self.root, Path::new(path)).is_file()
    }

    /// Whether the C library exports a name, as it stands or as its loader understands it.
    pub(super) fn understands(&self, name: &[u8]) -> bool {
        let exports =
            |name: &[u8]| self.c_library.as_ref().is_some_and(|c| c.facts.exported.contains(name));
        exports(name)
            || musl::without_64(name).is_some_and(|plain| {
                (self.lfs64.contains(plain) || name == b"readdir64_r" && !self.lfs64.is_empty())
                    && exports(plain)
            })
    }

    /// Whether the C library exports a name to a linker.
    pub(super) fn c_exports(&self, name: &[u8]) -> bool {
        self.c_library.as_ref().is_some_and(|c| c.facts.exported.contains(name))
    }

    /// What the loader loads for a needed name; `own` are the folders that whoever needs it names.
    pub(super) fn find(&mut self, name: &str, own: &[PathBuf]) -> Option<Rc<Library>> {
        if name.contains('/') {
            let path = search_path::under(&self.root, Path::new(name));
            return self.library(&path);
        }
        if self.libc == Libc::Musl && musl::is_itself(name) {
            return self.c_library();
        }
        let folders: Vec<PathBuf> = own.iter().chain(&self.folders).cloned().collect();
        folders.iter().find_map(|folder| self.library(&folder.join(name)))
    }

    /// The folders that a file names for what it needs, with `$ORIGIN` put in.
    pub(super) fn own_folders(&self, path: &Path, facts: &Facts) -> Vec<PathBuf> {
        let named = match (&facts.runpath, &facts.rpath) {
            (Some(runpath), _) => runpath,
            (None, Some(rpath)) => rpath,
            (None, None) => return Vec::new(),
        };
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let origin = real.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        named
            .split(':')
            .map(|f| f.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
            .filter(|f| f.starts_with('/') && !f.contains('$'))
            .map(PathBuf::from)
            .collect()
    }

    /// Reads a library once. One for another machine is none.
    fn library(&mut self, path: &Path) -> Option<Rc<Library>> {
        if let Some(known) = self.read.get(path) {
            return known.clone();
        }
        let machine = self.machine;
        let library =
            path.is_file().then(|| Source::open(path).ok()).flatten().and_then(|source| {
                let facts = elf::read(source.whole())?;
                let is_loadable =
                    facts.kind == Kind::SharedObject || facts.kind == Kind::Executable;
                (is_loadable && facts.machine == machine)
                    .then(|| Rc::new(Library { path: path.to_owned(), facts }))
            });
        self.read.insert(path.to_owned(), library.clone());
        library
    }
}

/// `/lib/ld-musl-<machine>.so.1`, in the name of the image's own machine.
fn musl_loader(root: &Path, machine: u16) -> Option<PathBuf> {
    ["lib", "usr/lib"].iter().find_map(|folder| {
        let entries = fs::read_dir(root.join(folder)).ok()?;
        let mut loaders: Vec<PathBuf> = entries
            .flatten()
            .filter(|e| {
                let name = e.file_name().to_string_lossy().into_owned();
                name.starts_with("ld-musl-") && name.ends_with(".so.1")
            })
            .map(|e| e.path())
            .filter(|path| {
                let source = path.is_file().then(|| Source::open(path).ok()).flatten();
                source.and_then(|s| elf::machine(s.whole())) == Some(machine)
            })
            .collect();
        loaders.sort();
        loaders.into_iter().next()
    })
}

/// The agent runs where the tests run.
fn this_machine() -> u16 {
    match std::env::consts::ARCH {
        "x86" => EM_386,
        "aarch64" => EM_AARCH64,
        "arm" => EM_ARM,
        "riscv64" | "riscv32" => EM_RISCV,
        "powerpc64" => EM_PPC64,
        "s390x" => EM_S390,
        "loongarch64" => EM_LOONGARCH,
        _ => EM_X86_64,
    }
}
