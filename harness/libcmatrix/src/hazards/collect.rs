//! Reads the files of a project and of its dependencies, and gives them to the modules that know a
//! hazard when they see one.
//!
//! Of a dependency, only packages whose sources hold a word that matters are parsed: that is what
//! makes hundreds of them a matter of seconds.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use cargo_metadata::{TargetKind, semver::Version};

use super::{
    bindgen, c_header, cargo_config, command, crate_type, foreign,
    hazard::{Hazard, HazardReport},
    libc_item::{self, LibcCrate, Names},
    native, old_version, prebuilt,
    script::{self, Script},
    source::{
        condition::Conditions,
        libc_items,
        modules::{self, Crate},
        parse,
        seen::Seen,
    },
    symbol, text,
};
use crate::{
    failure::{Failure, Result},
    project::resolved::{MUSL_TARGET, Resolved, ResolvedPackage, walk},
};

const GNU_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Finds all hazards. `doing` hears what is looked at.
///
/// # Errors
/// The machine gives no thread to parse in.
pub fn find(
    resolved: &Resolved,
    project: &str,
    doing: &mut dyn FnMut(&str),
) -> Result<HazardReport> {
    let mut hazards = native::find(resolved);
    hazards.extend(crate_type::find(resolved));
    hazards.extend(bindgen::find(resolved));
    let mut found = rust_sources(resolved, doing)?;
    hazards.append(&mut found.hazards);
    // What uses an old libc has been named; the release alone says less.
    let is_named = hazards.iter().any(|h| h.code == "lfs64-link");
    let old = old_version::find(resolved).into_iter();
    hazards.extend(old.filter(|h| !(is_named && h.package.starts_with("libc@"))));
    doing("files of the project");
    hazards.extend(files(resolved, project, &found.literals));
    for package in resolved.packages.iter().filter(|p| !p.is_member && p.is_for_target) {
        hazards.extend(prebuilt_files(package));
    }
    hazards.sort_by_key(|h| {
        (Reverse(h.confidence), h.code.clone(), h.package.clone(), h.file.clone(), h.line)
    });
    Ok(HazardReport {
        schema_version: 1,
        project: project.to_owned(),
        target: MUSL_TARGET.to_owned(),
        hazards,
        notes: found.notes,
    })
}

/// What the Rust sources gave.
#[derive(Default)]
struct Found {
    hazards: Vec<Hazard>,
    /// Literals of the project's code.
    literals: HashSet<String>,
    notes: Vec<String>,
}

/// Reads all Rust sources, in a thread whose stack is enough for them.
fn rust_sources(resolved: &Resolved, doing: &mut dyn FnMut(&str)) -> Result<Found> {
    let (say, heard) = mpsc::channel();
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("sources".into())
            .stack_size(parse::STACK)
            .spawn_scoped(scope, move || SourceReader::new(resolved).read(&say))
            .map_err(|e| {
                Failure::environment("a thread to read sources in cannot be started")
                    .because(e)
                    .hint("allow more memory to be mapped (`ulimit -v`)")
            })?;
        for text in heard {
            doing(&text);
        }
        reader.join().map_err(|_| Failure::bug("the sources could not be read"))
    })
}

struct SourceReader<'a> {
    resolved: &'a Resolved,
    /// The libc crates of the project, by version.
    libcs: BTreeMap<Version, LibcCrate>,
    /// Names that are symbols of glibc alone.
    symbols: HashSet<&'static str>,
}

impl<'a> SourceReader<'a> {
    fn new(resolved: &'a Resolved) -> Self {
        Self { resolved, libcs: BTreeMap::new(), symbols: symbol::glibc_only().collect() }
    }

    fn read(mut self, say: &mpsc::Sender<String>) -> Found {
        let mut found = Found::default();
        for package in self.resolved.packages.iter().filter(|p| p.name == "libc") {
            // Whoever listened may be gone; the work is done for its result.
            let _ = say.send(format!("libc {}", package.version));
            if let Some(libc) = self.libc_crate(package) {
                self.libcs.insert(package.version.clone(), libc);
            }
        }
        let total = self.resolved.packages.len();
        for (n, package) in self.resolved.packages.iter().enumerate() {
            let _ = say.send(format!("sources of {} ({} of {total})", package.id(), n + 1));
            // A text that breaks the parser costs its package, not the others.
            let read = catch_unwind(AssertUnwindSafe(|| self.package(package, &mut found)));
            if read.is_err() {
                found.notes.push(format!("the sources of {} cannot be read", package.id()));
            }
            // The parser keeps the text of all that it has read, for its lines.
            proc_macro2::extra::invalidate_current_thread_spans();
        }
        found
    }

    fn libc_crate(&self, package: &ResolvedPackage) -> Option<LibcCrate> {
        let root = &package.targets.iter().find(|t| is_library(&t.kinds))?.root;
        let names = |triple| {
            let conditions = Conditions::new(triple, package.features.clone(), false)?;
            Some(libc_items::defined(root, &conditions, &|path| text::read(path, &package.folder)))
        };
        let (gnu, musl) = (names(GNU_TARGET)?, names(MUSL_TARGET)?);
        // Sources that are not understood are no ground for anything.
        if !musl.contains("open") || !gnu.contains("open") {
            return None;
        }
        let missing = gnu.into_iter().filter(|n| !musl.contains(n)).collect();
        Some(LibcCrate { version: package.version.clone(), missing })
    }

    /// The libc crate that a package's code has, itself or through nix, and by which names.
    fn libc_of(&self, package: &ResolvedPackage) -> Option<(&LibcCrate, Vec<String>)> {
        let direct: Vec<_> =
            package.dependencies.iter().filter(|d| d.package == "libc" && !d.is_build).collect();
        if let Some(first) = direct.first() {
            let version = first.version.parse().ok()?;
            return Some((
                self.libcs.get(&version)?,
                direct.iter().map(|d| d.extern_name.clone()).collect(),
            ));
        }
        let through_nix = package.dependencies.iter().any(|d| d.package == "nix");
        let newest = self.libcs.range(..Version::new(1, 0, 0)).next_back()?;
        through_nix.then(|| (newest.1, vec!["libc".to_owned()]))
    }

    fn package(&self, package: &ResolvedPackage, found: &mut Found) {
        if package.name == "libc" {
            return;
        }
        let libc = self.libc_of(package);
        let wanted = libc.as_ref().map(|(libc, _)| libc.wanted(wanted_besides(package, libc)));
        let wanted = wanted.unwrap_or_default();
        if !package.is_member && !self.is_worth_reading(package, &wanted) {
            return;
        }
        let Some(conditions) =
            Conditions::new(MUSL_TARGET, package.features.clone(), package.is_member)
        else {
            return;
        };
        let within = if package.is_member { &self.resolved.root } else { &package.folder };
        let mut files: Vec<(PathBuf, Seen)> = Vec::new();
        let mut unread: BTreeSet<PathBuf> = BTreeSet::new();
        for target in &package.targets {
            let is_build = target.kinds.contains(&TargetKind::CustomBuild);
            let is_test =
                target.kinds.iter().any(|k| matches!(k, TargetKind::Test | TargetKind::Bench));
            if !package.is_member && !is_library(&target.kinds) {
                continue;
            }
            let krate =
                Crate { root: &target.root, conditions: &conditions, wanted: &wanted, is_test };
            let mut seen = modules::read(&krate, &|path| text::read(path, within));
            unread.extend(seen.unread);
            if package.is_member {
                let literals = seen.files.iter_mut().flat_map(|(_, s)| s.literals.drain());
                found.literals.extend(literals);
            }
            // A build script runs where the build runs.
            if !is_build {
                files.extend(seen.files);
            }
        }
        if package.is_member {
            let root = &self.resolved.root;
            found.hazards.extend(command::find(&package.id(), &files, root));
            found.notes.extend(unread.iter().map(|file| {
                format!(
                    "{} cannot be read as Rust",
                    file.strip_prefix(root).unwrap_or(file).display()
                )
            }));
        }
        if let Some((libc, extern_names)) = &libc {
            let names = Names { extern_names, libc };
            let items = libc_item::find(package, &files, &names, &self.resolved.root);
            found.hazards.extend(items);
        }
        found.hazards.extend(foreign::find(package, &files, &self.resolved.root));
    }

    /// Whether a source of a dependency holds a word that matters.
    fn is_worth_reading(&self, package: &ResolvedPackage, wanted: &HashSet<String>) -> bool {
        let sources = walk(&package.folder).filter(|e| e.file_type().is_file());
        let mut sources = sources.filter(|e| e.path().extension().is_some_and(|e| e == "rs"));
        sources.any(|entry| {
            let Some(text) = text::read(entry.path(), &package.folder) else { return false };
            let has_libc = !wanted.is_empty();
            let has_extern = text.contains("extern \"C") || text.contains("extern {");
            (has_libc || has_extern)
                && words(&text).any(|word| {
                    has_libc && wanted.contains(word) || has_extern && self.symbols.contains(word)
                })
        })
    }
}

/// Names to look for besides the missing ones.
fn wanted_besides(package: &ResolvedPackage, libc: &LibcCrate) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if package.is_member {
        names.push("dlopen".into());
    }
    if libc.has_lfs64_symbols() {
        names.extend(symbol::glibc_only().filter(|s| symbol::is_lfs64(s)).map(ToOwned::to_owned));
    }
    names
}

/// Identifiers of a text, those in comments and strings as well.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| w.len() > 3)
}

fn is_library(kinds: &[TargetKind]) -> bool {
    kinds.iter().any(|k| {
        matches!(
            k,
            TargetKind::Lib
                | TargetKind::RLib
                | TargetKind::DyLib
                | TargetKind::CDyLib
                | TargetKind::StaticLib
                | TargetKind::ProcMacro
        )
    })
}

/// Scripts, C sources, prebuilt objects and configurations of the project.
fn files(resolved: &Resolved, project: &str, literals: &HashSet<String>) -> Vec<Hazard> {
    let root = &resolved.root;
    let named: HashSet<&str> = literals
        .iter()
        .map(|l| l.rsplit('/').next().unwrap_or(l))
        .filter(|l| !l.is_empty())
        .collect();
    let mut hazards = Vec::new();
    for entry in walk(root).filter(|e| e.file_type().is_file()) {
        let path = entry.path();
        let relative = path.strip_prefix(root).unwrap_or(path);
        let owner = owner(resolved, path);
        let package = owner.map_or(project.to_owned(), ResolvedPackage::id);
        let is_named = entry.file_name().to_str().is_some_and(|n| named.contains(n));
        // A package's own tests; those of sources that it carries along are not run.
        let is_among_tests = owner.is_some_and(|o| {
            path.starts_with(o.folder.join("tests")) || path.starts_with(o.folder.join("benches"))
        });
        if relative.parent().is_some_and(|p| p.ends_with(".cargo"))
            && matches!(entry.file_name().to_str(), Some("config" | "config.toml"))
        {
            let config = text::read(path, root).unwrap_or_default();
            hazards.extend(cargo_config::find(&config, path, root, project));
        } else if c_header::is_source(path) {
            let source = text::read(path, root).unwrap_or_default();
            hazards.extend(c_header::find(&source, path, root, &package, is_named));
        } else if path.extension().is_some_and(|e| e == "rs") {
            // Read already.
        } else if text::is_object(path, root) {
            hazards.extend(prebuilt_object(path, root, &package));
        } else if (is_named || is_among_tests)
            && let Some(text) = text::read(path, root)
        {
            let script = Script { file: path, text: &text, is_named };
            hazards.extend(script::find(&script, root, &package));
        }
    }
    hazards
}

/// The member whose folder holds a file, the innermost one.
fn owner<'a>(resolved: &'a Resolved, path: &Path) -> Option<&'a ResolvedPackage> {
    let members = resolved.packages.iter().filter(|p| p.is_member && path.starts_with(&p.folder));
    members.max_by_key(|p| p.folder.components().count())
}

/// Prebuilt objects that come with a dependency, other than those for its tests.
fn prebuilt_files(package: &ResolvedPackage) -> Vec<Hazard> {
    const FOR_TESTS: [&str; 6] = ["tests", "test", "testdata", "benches", "examples", "fixtures"];
    let is_for_tests = |path: &Path| {
        path.components().any(|c| c.as_os_str().to_str().is_some_and(|n| FOR_TESTS.contains(&n)))
    };
    let is_object = |path: &Path| {
        let extension = path.extension().and_then(|e| e.to_str());
        matches!(extension, Some("so" | "a" | "o"))
            || path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.contains(".so."))
    };
    walk(&package.folder)
        .filter(|e| e.file_type().is_file() && is_object(e.path()))
        .filter(|e| !is_for_tests(e.path().strip_prefix(&package.folder).unwrap_or(e.path())))
        .filter(|e| text::is_object(e.path(), &package.folder))
        .filter_map(|e| prebuilt_object(e.path(), &package.folder, &package.id()))
        .collect()
}

fn prebuilt_object(path: &Path, root: &Path, package: &str) -> Option<Hazard> {
    let hazard = prebuilt::hazard(&libcmatrix_agent::read_elf(path)?, package)?;
    Some(hazard.at(path, root, None))
}
