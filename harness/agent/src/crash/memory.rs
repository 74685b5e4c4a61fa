//! Reading the memory of a stopped process.

use std::{cell::RefCell, collections::HashMap, fs, io, os::unix::fs::FileExt};

use rustix::process::Pid;

const PAGE: u64 = 4096;
/// Pages that are kept; beyond, they are read again.
const KEPT_PAGES: usize = 512;

/// The memory of a process. What was read once is kept: the process must not go on meanwhile.
pub(super) struct Memory {
    file: fs::File,
    /// `None`: cannot be read.
    pages: RefCell<HashMap<u64, Option<Box<[u8]>>>>,
}

impl Memory {
    /// Whoever may trace the process may do this; the open file outlives a `fork`.
    pub(super) fn of(process: Pid) -> io::Result<Self> {
        let file = fs::File::open(format!("/proc/{}/mem", process.as_raw_nonzero()))?;
        Ok(Self { file, pages: RefCell::default() })
    }

    /// A word.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.fill(address, &mut bytes)?;
        Some(u64::from_le_bytes(bytes))
    }

    /// Some bytes.
    pub(super) fn bytes<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(address, &mut bytes)?;
        Some(bytes)
    }

    fn fill(&self, address: u64, into: &mut [u8]) -> Option<()> {
        let mut pages = self.pages.borrow_mut();
        for (at, byte) in (0..).zip(into) {
            let address = address.checked_add(at)?;
            let number = address / PAGE;
            if pages.len() >= KEPT_PAGES && !pages.contains_key(&number) {
                pages.clear();
            }
            let page = pages.entry(number).or_insert_with(|| self.page(number));
            *byte = page.as_ref()?[usize::try_from(address % PAGE).ok()?];
        }
        Some(())
    }

    fn page(&self, number: u64) -> Option<Box<[u8]>> {
        let mut page = vec![0; usize::try_from(PAGE).ok()?].into_boxed_slice();
        self.file.read_exact_at(&mut page, number.checked_mul(PAGE)?).ok().map(|()| page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_what_is_not_there_is_not() {
        let memory = Memory::of(rustix::process::getpid()).expect("our own memory");
        let words = [0x1122_3344_5566_7788_u64, 7];
        let address = words.as_ptr() as u64;
        assert_eq!(memory.word(address), Some(0x1122_3344_5566_7788));
        assert_eq!(memory.word(address + 4), Some((7 << 32) | 0x1122_3344));
        assert_eq!(memory.word(8), None);
        assert_eq!(memory.word(u64::MAX - 3), None);
    }
}
