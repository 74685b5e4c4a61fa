//! One ELF file, read: [`Facts`] out of its headers and symbols. Pure, and made for hostile files: what
//! contradicts itself is left out, nothing is believed for its size, names and lists are bounded.

use std::collections::{BTreeSet, HashSet};

use object::{
    Endianness, FileKind, ReadRef, SectionIndex,
    elf::{
        DF_1_PIE, DF_STATIC_TLS, DT_FLAGS, DT_FLAGS_1, DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH,
        DT_SONAME, DT_STRSZ, DT_STRTAB, ET_DYN, ET_EXEC, ET_REL, FileHeader32, FileHeader64, PF_X,
        PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, PT_LOAD, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB,
        STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_FUNC, STV_DEFAULT, STV_PROTECTED,
    },
    read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym},
};

use super::{
    facts::{Facts, Kind, Name},
    uses::watched,
};

/// No path or library name is longer on Linux; mangled names of symbols are.
const LONGEST_NAME: usize = 4096;
/// Libraries that one file may ask for.
const MOST_NEEDED: usize = 256;
/// Versions that one file may ask for.
const MOST_VERSIONS: usize = 4096;
/// Entries of one dynamic table.
const MOST_ENTRIES: usize = 4096;
/// Symbols of one file.
const MOST_SYMBOLS: usize = 1 << 20;

/// Reads a file; `None` if it is no ELF file that could be loaded or linked.
pub(crate) fn read<'a>(data: impl ReadRef<'a>) -> Option<Facts> {
    match FileKind::parse(data).ok()? {
        FileKind::Elf32 => read_as::<FileHeader32<Endianness>>(data),
        FileKind::Elf64 => read_as::<FileHeader64<Endianness>>(data),
        _ => None,
    }
}

/// The machine a file is for, without reading more than its header.
pub(crate) fn machine<'a>(data: impl ReadRef<'a>) -> Option<u16> {
    fn of<'a, H: FileHeader<Endian = Endianness>>(data: impl ReadRef<'a>) -> Option<u16> {
        let header = H::parse(data).ok()?;
        Some(header.e_machine(header.endian().ok()?))
    }
    match FileKind::parse(data).ok()? {
        FileKind::Elf32 => of::<FileHeader32<Endianness>>(data),
        FileKind::Elf64 => of::<FileHeader64<Endianness>>(data),
        _ => None,
    }
}

fn read_as<'a, H: FileHeader<Endian = Endianness>>(data: impl ReadRef<'a>) -> Option<Facts> {
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let mut facts = Facts { machine: header.e_machine(endian), ..Facts::default() };
    let segments = header.program_headers(endian, data).unwrap_or_default();
    for segment in segments {
        match segment.p_type(endian) {
            PT_INTERP => facts.interpreter = segment.data(endian, data).ok().and_then(text),
            PT_GNU_STACK => {
                facts.stack_bytes = Some(segment.p_memsz(endian).into());
                facts.executable_stack = segment.p_flags(endian) & PF_X != 0;
            }
            _ => {}
        }
    }
    let dynamic = Dynamic::read::<H, _>(segments, endian, data);
    facts.kind = match header.e_type(endian) {
        ET_REL => Kind::Relocatable,
        ET_EXEC => Kind::Executable,
        // A library may have an interpreter, too, as glibc's own have.
        ET_DYN if dynamic.is_pie || (facts.interpreter.is_some() && !dynamic.has_name) => {
            Kind::Executable
        }
        ET_DYN => Kind::SharedObject,
        _ => return None,
    };
    facts.needed = dynamic.needed;
    facts.runpath = dynamic.runpath;
    facts.rpath = dynamic.rpath;
    facts.static_tls = dynamic.static_tls;
    if let Ok(sections) = header.sections(endian, data) {
        facts.glibc = newest_glibc(&sections, endian, data);
        let table = if facts.kind == Kind::Relocatable { SHT_SYMTAB } else { SHT_DYNSYM };
        if let Some(symbols) = Symbols::read(&sections, endian, data, table) {
            facts.uses = symbols.undefined.iter().filter_map(|name| watched(name)).collect();
            facts.undefined = symbols.undefined;
            facts.exported = symbols.exported;
        }
        if facts.is_static_program() {
            facts.uses = linked_in(&sections, endian, data);
        }
    }
    Some(facts)
}

/// What the dynamic table says.
#[derive(Default)]
struct Dynamic {
    needed: Vec<String>,
    runpath: Option<String>,
    rpath: Option<String>,
    has_name: bool,
    is_pie: bool,
    static_tls: bool,
}

impl Dynamic {
    /// By the segments, as a loader finds it; sections may be stripped.
    fn read<'a, H: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
        segments: &'a [H::ProgramHeader],
        endian: Endianness,
        data: R,
    ) -> Self {
        let mut dynamic = Self::default();
        let Some(table) = segments.iter().find(|s| s.p_type(endian) == PT_DYNAMIC) else {
            return dynamic;
        };
        let Ok(Some(entries)) = table.dynamic(endian, data) else { return dynamic };
        let entries: Vec<(u32, u64)> = entries
            .iter()
            .take(MOST_ENTRIES)
            .filter_map(|e| Some((e.tag32(endian)?, e.d_val(endian).into())))
            .take_while(|(tag, _)| *tag != DT_NULL)
            .collect();
        let value = |tag| entries.iter().find(|(t, _)| *t == tag).map(|(_, value)| *value);
        dynamic.static_tls = value(DT_FLAGS).is_some_and(|f| f & u64::from(DF_STATIC_TLS) != 0);
        dynamic.is_pie = value(DT_FLAGS_1).is_some_and(|f| f & u64::from(DF_1_PIE) != 0);
        dynamic.has_name = value(DT_SONAME).is_some();
        let (Some(address), Some(bytes)) = (value(DT_STRTAB), value(DT_STRSZ)) else {
            return dynamic;
        };
        let strings = segments.iter().filter(|s| s.p_type(endian) == PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr(endian).into())?;
            let (offset, in_file) = segment.file_range(endian);
            let offset = (inside < in_file).then(|| offset.checked_add(inside))??;
            data.read_bytes_at(offset, bytes).ok()
        });
        let Some(strings) = strings else { return dynamic };
        let string = |at: u64| text(strings.get(usize::try_from(at).ok()?..)?);
        let named = entries.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        dynamic.needed = named.filter_map(|(_, at)| string(*at)).take(MOST_NEEDED).collect();
        dynamic.runpath = value(DT_RUNPATH).and_then(string);
        dynamic.rpath = value(DT_RPATH).and_then(string);
        dynamic
    }
}

/// The newest `GLIBC_` version that is asked for.
fn newest_glibc<'a, H: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
    sections: &SectionTable<'a, H, R>,
    endian: Endianness,
    data: R,
) -> Option<String> {
    let (needs, link) = sections.gnu_verneed(endian, data).ok()??;
    let strings = section_data(sections, endian, data, link)?;
    let versions = needs.flatten().flat_map(|(_, versions)| versions.flatten());
    versions
        .take(MOST_VERSIONS)
        .filter_map(|version| {
            let at = version.vna_name.get(endian);
            let name = text(strings.get(usize::try_from(at).ok()?..)?)?;
            let version = name.strip_prefix("GLIBC_")?;
            let numbers: Vec<u32> =
                version.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
            Some((numbers, version.to_owned()))
        })
        .max()
        .map(|(_, version)| version)
}

/// Watched functions that are part of a static program, by its symbol table. None of one that is stripped.
fn linked_in<'a, H: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
    sections: &SectionTable<'a, H, R>,
    endian: Endianness,
    data: R,
) -> BTreeSet<&'static str> {
    let read = || {
        let section = sections.iter().find(|s| s.sh_type(endian) == SHT_SYMTAB)?;
        let symbols: &[H::Sym] = section.data_as_array(endian, data).ok()?;
        let strings = section_data(sections, endian, data, section.link(endian))?;
        let defined = symbols
            .iter()
            .take(MOST_SYMBOLS)
            .filter(|symbol| symbol.st_type() == STT_FUNC && symbol.st_shndx(endian) != SHN_UNDEF);
        let names = defined.filter_map(|symbol| {
            until_zero(strings.get(usize::try_from(symbol.st_name(endian)).ok()?..)?)
        });
        Some(names.filter_map(watched).collect())
    };
    read().unwrap_or_default()
}

struct Symbols {
    undefined: HashSet<Name>,
    exported: HashSet<Name>,
}

impl Symbols {
    fn read<'a, H: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
        sections: &SectionTable<'a, H, R>,
        endian: Endianness,
        data: R,
        table: u32,
    ) -> Option<Self> {
        let section = sections.iter().find(|s| s.sh_type(endian) == table)?;
        let symbols: &[H::Sym] = section.data_as_array(endian, data).ok()?;
        let strings = section_data(sections, endian, data, section.link(endian))?;
        let mut found = Self { undefined: HashSet::new(), exported: HashSet::new() };
        for symbol in symbols.iter().take(MOST_SYMBOLS) {
            let binding = symbol.st_bind();
            if !matches!(binding, STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE) {
                continue;
            }
            let is_undefined = symbol.st_shndx(endian) == SHN_UNDEF;
            let is_visible = matches!(symbol.st_visibility(), STV_DEFAULT | STV_PROTECTED);
            // Hidden is hidden only once it is linked: inside an archive one member may use another's.
            let is_exported = !is_undefined && (is_visible || table == SHT_SYMTAB);
            let is_asked_for = is_undefined && binding != STB_WEAK;
            if !is_exported && !is_asked_for {
                continue;
            }
            let Some(name) = usize::try_from(symbol.st_name(endian))
                .ok()
                .and_then(|at| until_zero(strings.get(at..)?))
                .filter(|name| !name.is_empty())
            else {
                continue;
            };
            let names = if is_exported { &mut found.exported } else { &mut found.undefined };
            names.insert(name.into());
        }
        Some(found)
    }
}

fn section_data<'a, H: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
    sections: &SectionTable<'a, H, R>,
    endian: Endianness,
    data: R,
    index: SectionIndex,
) -> Option<&'a [u8]> {
    sections.section(index).ok()?.data(endian, data).ok()
}

/// The bytes before the first zero; `None` where there is none within the longest name.
fn until_zero(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = &bytes[..bytes.len().min(LONGEST_NAME)];
    bytes.iter().position(|b| *b == 0).map(|end| &bytes[..end])
}

fn text(bytes: &[u8]) -> Option<String> {
    let bytes = until_zero(bytes)?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}
