//! Archives in the making. Names go in as they are, also those that the `tar` crate refuses.

use tar::{EntryType, Header};

/// An archive in the making. Names go in as they are, also those that the `tar` crate refuses.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn header(name: &[u8], kind: EntryType, mode: u32, size: u64, target: &[u8]) -> Header {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_cksum();
        header
    }

    pub fn raw(mut self, header: &mut Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn long(self, kind: EntryType, content: &[u8]) -> Self {
        let mut header = Self::header(b"././@LongLink", kind, 0, content.len() as u64, b"");
        self.raw(&mut header, content)
    }

    pub fn entry(
        mut self,
        name: &[u8],
        kind: EntryType,
        mode: u32,
        content: &[u8],
        to: &[u8],
    ) -> Self {
        let mut short = (name, to);
        if name.len() > 100 {
            self = self.long(EntryType::GNULongName, name);
            short.0 = &name[..100];
        }
        if to.len() > 100 {
            self = self.long(EntryType::GNULongLink, to);
            short.1 = &to[..100];
        }
        let mut header = Self::header(short.0, kind, mode, content.len() as u64, short.1);
        self.raw(&mut header, content)
    }

    pub fn file(self, name: impl AsRef<[u8]>, content: &str) -> Self {
        self.entry(name.as_ref(), EntryType::Regular, 0o644, content.as_bytes(), b"")
    }

    pub fn dir(self, name: impl AsRef<[u8]>, mode: u32) -> Self {
        self.entry(name.as_ref(), EntryType::Directory, mode, b"", b"")
    }

    pub fn symlink(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_ref(), EntryType::Symlink, 0o777, b"", to.as_ref())
    }

    pub fn link(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_ref(), EntryType::Link, 0o644, b"", to.as_ref())
    }

    /// The next entry's PAX records.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut text = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length += 1;
            }
            text.extend_from_slice(format!("{length} {key}=").as_bytes());
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        self.long(EntryType::XHeader, &text)
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}
