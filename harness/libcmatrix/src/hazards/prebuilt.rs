//! Prebuilt programs, libraries and objects for glibc. Pure: takes the bytes of a file; gives what
//! ties it to glibc.

use std::collections::BTreeSet;

use libcmatrix_schema::Confidence;
use object::{
    Object, ObjectSymbol,
    read::{
        archive::ArchiveFile,
        elf::{ElfFile, FileHeader, ProgramHeader},
    },
};

use super::{hazard::Hazard, symbol};

/// What ties a file to glibc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// The loader it names, where that is glibc's.
    pub interpreter: Option<String>,
    /// Libraries of glibc that it needs.
    pub needed: Vec<String>,
    /// Symbols that only glibc has.
    pub symbols: BTreeSet<String>,
    /// The newest version of glibc that it names.
    pub newest: Option<String>,
    /// Whether it is an archive or an object, to be linked.
    pub is_linked: bool,
}

/// Members of an archive that are looked at.
const MOST_MEMBERS: usize = 20_000;

/// Reads a file for x86-64 Linux; `None` where it is none, or nothing ties it to glibc.
#[must_use]
pub fn ties(bytes: &[u8]) -> Option<Ties> {
    let mut ties = Ties::default();
    if bytes.starts_with(b"!<arch>\n") {
        ties.is_linked = true;
        let archive = ArchiveFile::parse(bytes).ok()?;
        for member in archive.members().take(MOST_MEMBERS) {
            let Ok(data) = member.and_then(|m| m.data(bytes)) else { break };
            let _ = of_elf(data, &mut ties);
        }
    } else {
        of_elf(bytes, &mut ties)?;
    }
    let is_tied = ties.interpreter.is_some() || !ties.needed.is_empty() || !ties.symbols.is_empty();
    is_tied.then_some(ties)
}

fn of_elf(bytes: &[u8], ties: &mut Ties) -> Option<()> {
    use object::elf::{EM_X86_64, ET_REL, FileHeader64, PT_INTERP};
    let file: ElfFile<'_, FileHeader64<object::Endianness>> = ElfFile::parse(bytes).ok()?;
    let endian = file.endian();
    let header = file.elf_header();
    if header.e_machine(endian) != EM_X86_64 {
        return None;
    }
    ties.is_linked |= header.e_type(endian) == ET_REL;
    for program in file.elf_program_headers() {
        if program.p_type(endian) == PT_INTERP
            && let Ok(Some(path)) = program.interpreter(endian, bytes)
        {
            let path = String::from_utf8_lossy(path).into_owned();
            ties.interpreter = Some(path).filter(|p| p.contains("ld-linux"));
        }
    }
    ties.needed.extend(needed(&file).into_iter().filter(|n| is_of_glibc(n)));
    let symbols = file.symbols().chain(file.dynamic_symbols()).filter(|s| s.is_undefined());
    for symbol in symbols.filter(|s| !s.is_weak()) {
        if let Ok(name) = symbol.name()
            && symbol::is_glibc_only(name)
        {
            ties.symbols.insert(name.split('@').next().unwrap_or(name).to_owned());
        }
    }
    if let Some(newest) = newest_version(&file) {
        ties.newest = Some(newest);
    }
    Some(())
}

type Elf<'a> = ElfFile<'a, object::elf::FileHeader64<object::Endianness>>;

/// `DT_NEEDED`.
fn needed(file: &Elf<'_>) -> Vec<String> {
    use object::read::elf::{Dyn, SectionHeader};
    let (endian, bytes) = (file.endian(), file.data());
    let sections = file.elf_section_table();
    let mut names = Vec::new();
    for section in sections.iter() {
        let Ok(Some((entries, link))) = section.dynamic(endian, bytes) else { continue };
        let Ok(strings) = sections.strings(endian, bytes, link) else { continue };
        for entry in entries.iter().filter(|e| e.tag32(endian) == Some(object::elf::DT_NEEDED)) {
            if let Ok(name) = entry.string(endian, strings) {
                names.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        let _ = section.name(endian, strings);
    }
    names
}

fn is_of_glibc(library: &str) -> bool {
    let names =
        ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"];
    names.contains(&library) || library.starts_with("ld-linux")
}

/// The newest `GLIBC_x.y` among the versions that are needed.
fn newest_version(file: &Elf<'_>) -> Option<String> {
    let (endian, bytes) = (file.endian(), file.data());
    let sections = file.elf_section_table();
    let (mut records, link) = sections.gnu_verneed(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, link).ok()?;
    let mut newest: Option<(u32, u32)> = None;
    // What a broken file says further on is not read.
    while let Ok(Some((_, mut versions))) = records.next() {
        while let Ok(Some(version)) = versions.next() {
            let name = version.name(endian, strings).unwrap_or_default();
            let number = std::str::from_utf8(name).ok().and_then(|n| n.strip_prefix("GLIBC_"));
            let parsed = number.and_then(|n| {
                let mut parts = n.split('.').map(str::parse);
                Some((parts.next()?.ok()?, parts.next()?.ok()?))
            });
            newest = newest.max(parsed);
        }
    }
    newest.map(|(major, minor)| format!("glibc {major}.{minor}"))
}

/// The hazard that a file is. Whether anything uses the file is not known.
#[must_use]
pub fn hazard(ties: &Ties, package: &str) -> Hazard {
    let version = ties.newest.as_ref().map(|v| format!(", {v} or newer")).unwrap_or_default();
    let first: Vec<&str> = ties.symbols.iter().map(String::as_str).take(4).collect();
    let more = ties.symbols.len().saturating_sub(first.len());
    let symbols = match (first.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("; only glibc has {}", first.join(", ")),
        (false, n) => format!("; only glibc has {} and {n} more", first.join(", ")),
    };
    let (code, text) = if let Some(interpreter) = &ties.interpreter {
        ("elf-interp-missing", format!("a program that names {interpreter}{version}{symbols}"))
    } else if ties.is_linked {
        let code = ties.symbols.first().map_or("reloc-glibc-symbol", |s| symbol::code(s));
        (code, format!("an archive or object built against glibc{symbols}"))
    } else {
        let needs = ties.needed.join(", ");
        let needs = if needs.is_empty() { String::new() } else { format!(" that needs {needs}") };
        ("shared-lib-ld-linux", format!("a library{needs}{version}{symbols}"))
    };
    Hazard::new(code, Confidence::Possible, package, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// This test itself is a program for the machine it runs on.
    fn this_program() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("a path")).expect("a file")
    }

    #[test]
    #[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
    fn a_program_for_glibc() {
        let ties = ties(&this_program()).expect("it is tied");
        assert_eq!(ties.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
        assert!(ties.needed.contains(&"libc.so.6".to_owned()));
        assert!(ties.newest.as_deref().is_some_and(|v| v.starts_with("glibc 2.")));
        assert_eq!(hazard(&ties, "p").code, "elf-interp-missing");
    }

    #[test]
    fn what_is_no_object() {
        assert_eq!(ties(b""), None);
        assert_eq!(ties(b"\x7fELF"), None);
        assert_eq!(ties(b"!<arch>\n"), None);
        assert_eq!(ties(b"#!/bin/sh\n"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn broken_files_are_survived(changes in proptest::collection::vec((0..200_000usize, any::<u8>()), 1..60)) {
            let mut bytes = this_program();
            bytes.truncate(400_000);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at % 4096 + (at / 4096) * 7) {
                    *byte = value;
                }
            }
            let _ = ties(&bytes);
        }
    }
}
