//! The job `audit`: what ELF files say, and what of what they need this image does not have.
//!
//! ```text
//! files, folders ─> candidates ─> bounded ─> elf | archive ─> facts ─┐
//! the image: search_path ─> libraries (musl) ────────────────────────┴─> missing ─> reports
//! ```
//!
//! Everything is read from the files themselves, in the image in which the tests run; no program of
//! the image is started. The files are hostile: reading is bounded in bytes, names, files and time.

mod archive;
mod bounded;
mod candidates;
mod elf;
mod facts;
pub(crate) mod glibc_only;
mod libraries;
mod missing;
mod musl;
mod search_path;
#[cfg(test)]
mod tests;
mod uses;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use libcmatrix_schema::{Elf, Libc};
use object::ReadRef;

use crate::protocol::{AuditRoot, Report};
use bounded::Source;
use facts::Facts;
use libraries::Libraries;

/// Objects of all folders together that are told; the ones that miss something come first.
const MOST_TOLD: usize = 300;
/// Objects of all folders together that are read.
const MOST_READ: usize = 20_000;

/// An ELF file that was found below a folder.
struct Found {
    root: usize,
    path: String,
    bytes: u64,
    elf: Elf,
}

/// Reads `files`, then what is below `roots`, as the loader of the image at `/` would.
pub(crate) fn audit(
    libc: Libc,
    files: &[String],
    roots: &[AuditRoot],
    library_path: &[String],
    time: Duration,
    say: impl FnMut(&Report),
) {
    audit_image(Path::new("/"), libc, files, roots, library_path, time, say);
}

fn audit_image(
    image: &Path,
    libc: Libc,
    files: &[String],
    roots: &[AuditRoot],
    library_path: &[String],
    time: Duration,
    mut say: impl FnMut(&Report),
) {
    let until = Instant::now() + time;
    let mut libraries = Libraries::of(libc, image, library_path);
    let mut left_out = 0;
    for path in files {
        if Instant::now() > until {
            left_out += 1;
        } else if let Some((bytes, elf)) = read(Path::new(path), &mut libraries) {
            say(&Report::Audited { path: path.clone(), root: None, bytes, elf: Box::new(elf) });
        }
    }
    let (mut found, mut is_complete, mut count) = (Vec::new(), left_out == 0, 0);
    for (root, folder) in roots.iter().enumerate() {
        let (paths, all) = candidates::below(Path::new(&folder.path), until);
        is_complete &= all;
        for path in paths {
            count += 1;
            if count > MOST_READ || Instant::now() > until {
                is_complete = false;
                break;
            }
            let Some((bytes, elf)) = read(&path, &mut libraries) else { continue };
            if !folder.only_faulty || is_faulty(&elf) {
                found.push(Found { root, path: path.to_string_lossy().into_owned(), bytes, elf });
            }
        }
    }
    found.sort_by_key(|f| !is_faulty(&f.elf));
    left_out += found.len().saturating_sub(MOST_TOLD);
    for Found { root, path, bytes, elf } in found.into_iter().take(MOST_TOLD) {
        say(&Report::Audited { path, root: Some(root), bytes, elf: Box::new(elf) });
    }
    say(&Report::AuditEnded {
        c_library_found: libraries.c_library().is_some(),
        left_out: left_out as u64,
        is_complete,
    });
}

/// Whether it cannot do here what it was made for.
fn is_faulty(elf: &Elf) -> bool {
    elf.interpreter_missing || !elf.missing_libraries.is_empty() || !elf.missing_symbols.is_empty()
}

/// Reads one file; `None` if it is no ELF file, or one for another machine.
fn read(path: &Path, libraries: &mut Libraries) -> Option<(u64, Elf)> {
    let (bytes, facts) = facts_of(path)?;
    (facts.machine == libraries.machine())
        .then(|| (bytes, missing::complete(&facts, path, libraries)))
}

/// Its size, and what it says.
fn facts_of(path: &Path) -> Option<(u64, Facts)> {
    let source = Source::open(path).ok()?;
    let magic = source.whole().read_bytes_at(0, 8).ok()?;
    let facts = if magic == object::archive::MAGIC {
        archive::read(source.whole())?
    } else {
        elf::read(source.whole())?
    };
    Some((source.bytes(), facts))
}

/// Reads an ELF file or archive where there is no image to hold it against: its missing symbols are
/// those that only glibc has, and no library is known to be missing. `None` if it is none.
#[must_use]
pub fn read_elf(path: &Path) -> Option<Elf> {
    facts_of(path).map(|(_, facts)| missing::without_image(&facts))
}

/// The same of an ELF file's content.
#[must_use]
pub fn read_elf_content(content: &[u8]) -> Option<Elf> {
    elf::read(content).map(|facts| missing::without_image(&facts))
}

/// Whether an ELF file asks for one of these symbols. A static program asks for none.
#[must_use]
pub fn asks_for(content: &[u8], symbols: &[&str]) -> bool {
    let asks = |facts: Facts| symbols.iter().any(|name| facts.undefined.contains(name.as_bytes()));
    elf::read(content).is_some_and(asks)
}
