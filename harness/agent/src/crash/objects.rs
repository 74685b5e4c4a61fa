//! The ELF files that a process has mapped, mapped into this process as well.
//!
//! The files are hostile. Who changes one while it is mapped here ends this process: only a helper
//! (see `helper`) may use them.

use std::{cell::OnceCell, collections::HashMap, fs, ops::Deref, os::unix::fs::OpenOptionsExt};

use memmap2::Mmap;
use object::{
    Endianness, Object as _, ObjectSymbol, SymbolKind,
    elf::{FileHeader64, PF_X, PT_GNU_EH_FRAME, PT_LOAD, ProgramHeader64},
    read::elf::{FileHeader, ProgramHeader},
};

use super::{
    maps::{Map, Maps},
    memory::Memory,
};

/// More objects than this are not opened for one crash.
const MOST_OBJECTS: usize = 256;
/// The kernel's own code in the process is a few pages.
const LARGEST_VDSO: u64 = 64 << 10;

/// A mapped ELF file.
pub(super) struct Object {
    bytes: Bytes,
    segments: Vec<Segment>,
}

enum Bytes {
    File(Mmap),
    Memory(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::File(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }
}

/// A program header, in plain numbers.
#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// What is needed to unwind: both with the address that the object gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnwindTables<'a> {
    pub(super) index: (u64, &'a [u8]),
    /// The bytes of the segment that the index is in, which holds the tables.
    pub(super) around: (u64, &'a [u8]),
}

impl Object {
    fn open(path: &str) -> Option<Self> {
        // What was mapped by this name may have become a pipe or a device.
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
            .open(path)
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        // SAFETY: a file that shrinks takes the process with it, never turns into undefined
        // behaviour of another kind: the bytes are only ever read, as plain bytes.
        let map = unsafe { Mmap::map(&file) }.ok()?;
        Self::parse(Bytes::File(map))
    }

    fn in_memory(map: &Map, memory: &Memory) -> Option<Self> {
        let size = (map.high - map.low).min(LARGEST_VDSO);
        let bytes = (0..size / 8)
            .map(|word| memory.word(map.low + word * 8).map(u64::to_le_bytes))
            .collect::<Option<Vec<_>>>()?;
        Self::parse(Bytes::Memory(bytes.concat()))
    }

    fn parse(bytes: Bytes) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(&*bytes).ok()?;
        let endian = header.endian().ok().filter(|e| *e == Endianness::Little)?;
        let headers = header.program_headers(endian, &*bytes).ok()?;
        let segment = |h: &ProgramHeader64<Endianness>| Segment {
            kind: h.p_type(endian),
            flags: h.p_flags(endian),
            offset: h.p_offset(endian),
            address: h.p_vaddr(endian),
            size: h.p_filesz(endian),
        };
        let segments = headers.iter().map(segment).collect();
        Some(Self { bytes, segments })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The address that the object has for what is mapped at `address` by `map`.
    pub(super) fn address_of(&self, map: &Map, address: u64) -> Option<u64> {
        let offset = map.offset.checked_add(address.checked_sub(map.low)?)?;
        let loaded = self.segments.iter().filter(|s| s.kind == PT_LOAD);
        // Segments may share a page of the file: the one that is mapped like this comes first.
        let mut holders: Vec<_> =
            loaded.filter(|s| offset.wrapping_sub(s.offset) < s.size).collect();
        holders.sort_by_key(|s| (s.flags & PF_X != 0) != map.is_executable());
        holders.first().map(|s| s.address.wrapping_add(offset - s.offset))
    }

    pub(super) fn unwind_tables(&self) -> Option<UnwindTables<'_>> {
        let index = self.segments.iter().find(|s| s.kind == PT_GNU_EH_FRAME)?;
        let around = self
            .segments
            .iter()
            .find(|s| s.kind == PT_LOAD && index.address.wrapping_sub(s.address) < s.size)?;
        Some(UnwindTables {
            index: (index.address, self.range(index)?),
            around: (around.address, self.range(around)?),
        })
    }

    /// Where the function at this address begins, by the symbol tables.
    pub(super) fn function_at(&self, address: u64) -> Option<u64> {
        let file = object::File::parse(self.bytes()).ok()?;
        let tables = [file.symbols(), file.dynamic_symbols()].into_iter().flatten();
        let starts = tables.filter(|s| s.kind() == SymbolKind::Text && !s.is_undefined());
        let holding = starts
            .filter(|s| address.checked_sub(s.address()).is_some_and(|d| d < s.size().max(1)));
        holding.map(|s| s.address()).max()
    }

    fn range(&self, segment: &Segment) -> Option<&[u8]> {
        let from = usize::try_from(segment.offset).ok()?;
        let to = from.checked_add(usize::try_from(segment.size).ok()?)?;
        self.bytes.get(from..to.min(self.bytes.len()))
    }
}

/// The objects of a process, opened when they are asked for.
pub(super) struct Objects<'a> {
    opened: HashMap<&'a str, OnceCell<Option<Object>>>,
}

impl<'a> Objects<'a> {
    /// Those of these mappings that hold code.
    pub(super) fn new(maps: &'a Maps) -> Self {
        let code = maps.all().iter().filter(|m| m.is_executable() && !m.name.is_empty());
        let names = code.map(|m| (m.name.as_str(), OnceCell::new()));
        Self { opened: names.take(MOST_OBJECTS).collect() }
    }

    /// The object that is mapped there, if it can be read.
    pub(super) fn get(&self, map: &Map, memory: &Memory) -> Option<&Object> {
        let open = || match map.name.as_str() {
            "[vdso]" => Object::in_memory(map, memory),
            path if map.is_file() => Object::open(path),
            _ => None,
        };
        self.opened.get(map.name.as_str())?.get_or_init(open).as_ref()
    }
}

/// Opens a file for its symbols.
pub(super) fn open(path: &str) -> Option<Object> {
    path.starts_with('/').then(|| Object::open(path)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_executable_is_understood_and_junk_is_not() {
        let path = std::env::current_exe().expect("this executable");
        let own = open(path.to_str().expect("a plain path")).expect("an ELF file");
        assert!(own.unwind_tables().is_some());
        let maps = Maps::of(rustix::process::getpid()).expect("our own mappings");
        let here = this_executable_is_understood_and_junk_is_not as fn() as usize as u64;
        let map = maps.find(here).expect("our own code");
        assert!(own.address_of(map, here).is_some_and(|at| at < here));
        assert!(open("/dev/null").is_none());
        assert!(open("/proc/self/status").is_none());
        assert!(
            Object::parse(Bytes::Memory(b"\x7fELF\x02\x01\x01 and then nonsense".repeat(9)))
                .is_none()
        );
    }
}
