//! The mappings of a process, as `/proc/PID/maps` lists them.

use std::{fs, io::Read};

use libcmatrix_schema::{Mapping, Place};
use rustix::process::Pid;

/// More than the kernel lets a process have, by default (`vm.max_map_count`) and at some 100 bytes each.
const MOST_BYTES: u64 = 8 << 20;

/// One mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) low: u64,
    pub(super) high: u64,
    /// `rwxp`.
    pub(super) permissions: String,
    /// Where it begins in its file.
    pub(super) offset: u64,
    /// The file, or the kernel's name in brackets; empty for anonymous memory.
    pub(super) name: String,
}

impl Map {
    pub(super) fn is_executable(&self) -> bool {
        self.permissions.as_bytes().get(2) == Some(&b'x')
    }

    pub(super) fn is_read_write(&self) -> bool {
        self.permissions.starts_with("rw")
    }

    /// Whether nothing can be done with it, as with a guard.
    pub(super) fn is_inaccessible(&self) -> bool {
        self.permissions.starts_with("---")
    }

    pub(super) fn is_file(&self) -> bool {
        self.name.starts_with('/')
    }

    /// Whether it could be a stack: memory of no file. A name that a program gave it is in brackets.
    pub(super) fn is_anonymous(&self) -> bool {
        !self.is_file()
    }
}

/// All mappings of a process, in the order of their addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Maps(Vec<Map>);

impl Maps {
    pub(super) fn of(process: Pid) -> std::io::Result<Self> {
        let mut text = Vec::new();
        fs::File::open(format!("/proc/{}/maps", process.as_raw_nonzero()))?
            .take(MOST_BYTES)
            .read_to_end(&mut text)?;
        Ok(Self::parse(&String::from_utf8_lossy(&text)))
    }

    /// Lines that are not understood are skipped.
    pub(super) fn parse(text: &str) -> Self {
        let mut maps: Vec<Map> = text.lines().filter_map(parse_line).collect();
        maps.sort_by_key(|m| m.low);
        Self(maps)
    }

    pub(super) fn find(&self, address: u64) -> Option<&Map> {
        self.position(address).map(|at| &self.0[at])
    }

    /// The mapping that ends where this one begins.
    pub(super) fn right_below(&self, map: &Map) -> Option<&Map> {
        self.find(map.low.checked_sub(1)?)
    }

    /// The mapping that begins where this one ends.
    pub(super) fn right_above(&self, map: &Map) -> Option<&Map> {
        self.find(map.high)
    }

    /// The nearest mapping that ends at this address or below.
    pub(super) fn nearest_below(&self, address: u64) -> Option<&Map> {
        self.0[..self.0.partition_point(|m| m.high <= address)].last()
    }

    pub(super) fn all(&self) -> &[Map] {
        &self.0
    }

    pub(super) fn named(&self, name: &str) -> Option<&Map> {
        self.0.iter().find(|m| m.name == name)
    }

    /// An address with what the record says of it.
    pub(super) fn place(&self, address: u64) -> Place {
        let mapping = self.find(address).map(|map| Mapping {
            low: map.low,
            high: map.high,
            permissions: map.permissions.clone(),
            object: (!map.name.is_empty()).then(|| map.name.clone()),
            offset: map.is_file().then(|| map.offset.wrapping_add(address - map.low)),
        });
        Place { address, mapping }
    }

    fn position(&self, address: u64) -> Option<usize> {
        let at = self.0.partition_point(|m| m.high <= address);
        self.0.get(at).filter(|m| m.low <= address).map(|_| at)
    }
}

/// `LOW-HIGH PERMISSIONS OFFSET MAJOR:MINOR INODE      NAME`. The name may hold spaces.
fn parse_line(line: &str) -> Option<Map> {
    let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
    let mut fields = line.splitn(6, ' ');
    let (low, high) = fields.next()?.split_once('-')?;
    let (low, high) = (hexadecimal(low)?, hexadecimal(high)?);
    let permissions = fields.next()?.to_owned();
    let offset = hexadecimal(fields.next()?)?;
    let name = fields.nth(2).unwrap_or("").trim_start();
    (low < high).then(|| Map { low, high, permissions, offset, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_kernel_writes_them() {
        let maps = Maps::parse(
            "5566a000-5566b000 r-xp 00002000 08:01 1234                       /tmp/a b (deleted)\n\
             nonsense\n\
             7f000000-7f001000 ---p 00000000 00:00 0 \n\
             7f001000-7f002000 rw-p 00000000 00:00 0\n",
        );
        let code = maps.find(0x5566_a010).expect("a mapping");
        assert_eq!((code.name.as_str(), code.offset), ("/tmp/a b (deleted)", 0x2000));
        assert!(code.is_executable() && code.is_file());
        let stack = maps.find(0x7f00_1fff).expect("a mapping");
        assert!(stack.is_read_write() && stack.is_anonymous());
        let guard = maps.right_below(stack).expect("a guard");
        assert!(guard.is_inaccessible());
        assert_eq!(maps.right_above(guard), Some(stack));
        assert_eq!(maps.nearest_below(0x7f00_0000), Some(code));
        assert_eq!(maps.nearest_below(0x1000), None);
        assert_eq!(maps.find(0x7f00_2000), None);
        assert_eq!(maps.place(0x5566_a010).mapping.and_then(|m| m.offset), Some(0x2010));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "([0-9a-f-]{0,12} ?){0,7}\n?") {
            let maps = Maps::parse(&text);
            maps.place(0x1000);
        }
    }
}
