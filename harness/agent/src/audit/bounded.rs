//! A file that is read in parts, up to a number of bytes in all. A test binary may have gigabytes of
//! debug information, and a hostile file may claim anything: neither may fill the memory.

use std::{
    cell::Cell,
    fs::{self, File},
    io,
    ops::Range,
    path::Path,
};

use object::{ReadCache, ReadRef};

/// Symbol tables and their names fit many times; debug information, which is never asked for, does not.
const MOST_BYTES: u64 = 256 << 20;

/// An open file with what may still be read of it.
pub(crate) struct Source {
    cache: ReadCache<File>,
    bytes: u64,
    left: Cell<u64>,
}

impl Source {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // To open a pipe would be to wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { cache: ReadCache::new(file), bytes, left: Cell::new(MOST_BYTES) })
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Part<'_> {
        Part { source: self, offset: 0, bytes: self.bytes }
    }
}

/// A range of a file, as the crate `object` reads it.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    source: &'a Source,
    offset: u64,
    bytes: u64,
}

impl Part<'_> {
    /// A range of this range; `None` where it does not lie inside.
    pub(crate) fn part(self, offset: u64, bytes: u64) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        let offset = self.offset.checked_add(offset)?;
        (end <= self.bytes).then_some(Self { offset, bytes, ..self })
    }
}

#[allow(clippy::result_unit_err, reason = "as the trait has it")]
impl<'a> ReadRef<'a> for Part<'a> {
    fn len(self) -> Result<u64, ()> {
        Ok(self.bytes)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        let part = self.part(offset, size).ok_or(())?;
        let left = self.source.left.get().checked_sub(size).ok_or(())?;
        self.source.left.set(left);
        (&self.source.cache).read_bytes_at(part.offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let size = range.end.checked_sub(range.start).ok_or(())?;
        let part = self.part(range.start, size).ok_or(())?;
        let end = part.offset.checked_add(size).ok_or(())?;
        (&self.source.cache).read_bytes_at_until(part.offset..end, delimiter)
    }
}
