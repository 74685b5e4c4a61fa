//! An archive (`.a`), read: its ELF members together, as a linker may take them all. Pure.

use object::{ReadRef, read::archive::ArchiveFile};

use super::{
    bounded::Part,
    elf,
    facts::{Facts, Kind},
};

/// Members of one archive.
const MOST_MEMBERS: usize = 100_000;

/// Reads an archive; `None` if it is none, has no ELF members for one machine, or cannot be read to
/// its end: of a part it could not be said what is defined nowhere in it.
pub(crate) fn read(data: Part<'_>) -> Option<Facts> {
    let archive = ArchiveFile::parse(data).ok()?;
    if archive.is_thin() {
        return None;
    }
    let mut all = Facts { kind: Kind::Archive, ..Facts::default() };
    for (count, member) in archive.members().enumerate() {
        let (offset, bytes) = member.ok()?.file_range();
        let part = data.part(offset, bytes)?;
        // Compilers put files of their own in, e.g. Rust its metadata.
        let Ok(magic) = part.read_bytes_at(0, 4.min(bytes)) else { return None };
        if magic != object::elf::ELFMAG {
            continue;
        }
        let member = elf::read(part)?;
        if count > MOST_MEMBERS || (all.machine != 0 && all.machine != member.machine) {
            return None;
        }
        all.machine = member.machine;
        all.undefined.extend(member.undefined);
        all.exported.extend(member.exported);
    }
    let Facts { undefined, exported, .. } = &mut all;
    undefined.retain(|name| !exported.contains(name));
    (all.machine != 0).then_some(all)
}
