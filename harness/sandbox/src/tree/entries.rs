//! The entries of a tar archive: old, ustar, GNU (long names, sparse files) and PAX.
//!
//! Takes a plain archive as a stream; gives one entry after the other, each with its whole name, and
//! its content on demand. Names, extension records and sparse maps are read only up to a limit:
//! an archive that unpacks to gigabytes of one file name must not fill the memory. That, PAX values
//! with line breaks, and numbers that do not fit being errors, is why the `tar` crate's own
//! iterator is not used; its header is.
//!
//! An archive that ends at the border of an entry without the two blocks of zeros is accepted, as
//! by GNU tar and Docker: some tools write such.

use std::io::{self, Read};

use tar::{EntryType, GnuExtSparseHeader, Header};

const BLOCK: u64 = 512;

/// The longest name that is read: the kernel's limit for a path with its end.
const LONGEST_NAME: u64 = 4096;

/// The most that the PAX records of one entry may hold. Extended attributes are part of them.
const LONGEST_RECORDS: u64 = 1 << 20;

/// The most blocks with the map of a sparse file; 21 pieces each.
const MOST_SPARSE_BLOCKS: usize = 16 * 1024;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    HardLink,
    Fifo,
    Device,
    /// About the archive, not about a file.
    Note,
}

/// A point in time: seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// A piece of a file that is not a hole: where it begins, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub at: u64,
    pub length: u64,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub kind: Kind,
    pub path: Vec<u8>,
    /// Where a link leads.
    pub target: Vec<u8>,
    /// Permissions with the setuid, setgid and sticky bits.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub modified: Time,
    /// Bytes of the file, with its holes.
    pub size: u64,
    /// What the archive holds of it, in order.
    pub pieces: Vec<Piece>,
}

/// A reader of entries.
pub(super) struct Entries<R> {
    input: R,
    /// Bytes of the current entry's content that were not read yet.
    content: u64,
    /// Bytes from there to the next header.
    padding: u64,
    ended: bool,
}

/// What precedes an entry and belongs to it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    records: Option<Records>,
}

/// The PAX records that count here.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    modified: Option<Time>,
    sparse: bool,
}

impl<R: Read> Entries<R> {
    pub fn new(input: R) -> Self {
        Self { input, content: 0, padding: 0, ended: false }
    }

    /// The next entry. What was not read of the last one's content is skipped.
    pub fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                let nothing = extensions.path.is_none()
                    && extensions.target.is_none()
                    && extensions.records.is_none();
                return if nothing { Ok(None) } else { Err(bad("it ends after a long name")) };
            };
            let stored = number(&header.as_old().size)?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    once(&mut extensions.path, self.long_name(stored)?)?;
                }
                EntryType::GNULongLink => {
                    once(&mut extensions.target, self.long_name(stored)?)?;
                }
                EntryType::XHeader => {
                    let text = self.small(stored, LONGEST_RECORDS)?;
                    once(&mut extensions.records, records(&text)?)?;
                }
                _ => return self.entry(&header, stored, extensions).map(Some),
            }
        }
    }

    /// Reads content of the current entry.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.content).unwrap_or(usize::MAX).min(buffer.len());
        let read = loop {
            match self.input.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 && most > 0 {
            return Err(cut());
        }
        self.content -= read as u64;
        Ok(read)
    }

    /// What comes after the archive, once it has ended.
    pub fn rest(self) -> R {
        self.input
    }

    fn entry(&mut self, header: &Header, stored: u64, extensions: Extensions) -> io::Result<Entry> {
        let records = extensions.records.unwrap_or_default();
        if records.sparse {
            return Err(bad("it has a sparse file in PAX format, which is not supported"));
        }
        let old = header.as_old();
        let path =
            records.path.or(extensions.path).unwrap_or_else(|| header.path_bytes().into_owned());
        let target = records.target.or(extensions.target).unwrap_or_else(|| {
            header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default()
        });
        let stored = records.size.unwrap_or(stored);
        let mut kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::Fifo => Kind::Fifo,
            EntryType::Char | EntryType::Block => Kind::Device,
            // Comments of the whole archive, and the name of the medium.
            EntryType::XGlobalHeader => Kind::Note,
            other if other.as_byte() == b'V' => Kind::Note,
            other => return Err(bad(&format!("it has an entry of kind {other:?}"))),
        };
        // So did archives say it before there was a kind for folders.
        if kind == Kind::File && path.ends_with(b"/") && stored == 0 {
            kind = Kind::Folder;
        }
        let (size, pieces) = if header.entry_type() == EntryType::GNUSparse {
            self.sparse(header, stored)?
        } else {
            (stored, vec![Piece { at: 0, length: stored }])
        };
        self.content = stored;
        self.padding = padding(stored)?;
        let mode = number(&old.mode)?;
        Ok(Entry {
            kind,
            path,
            target,
            mode: u32::try_from(mode & 0o7777).unwrap_or(0),
            uid: records.uid.map_or_else(|| number(&old.uid), Ok)?,
            gid: records.gid.map_or_else(|| number(&old.gid), Ok)?,
            modified: records.modified.map_or_else(|| header_time(&old.mtime), Ok)?,
            size: if kind == Kind::File { size } else { 0 },
            pieces: if kind == Kind::File { pieces } else { Vec::new() },
        })
    }

    /// Reads the map of a sparse file; gives its size and what the archive holds of it.
    fn sparse(&mut self, header: &Header, stored: u64) -> io::Result<(u64, Vec<Piece>)> {
        let gnu = header.as_gnu().ok_or_else(|| bad("a sparse file without GNU's header"))?;
        let size = number(&gnu.realsize)?;
        let mut pieces = Vec::new();
        let (mut end, mut held) = (0_u64, 0_u64);
        let mut add = |offset: &[u8], length: &[u8]| -> io::Result<()> {
            if offset[0] == 0 || length[0] == 0 {
                return Ok(());
            }
            let piece = Piece { at: number(offset)?, length: number(length)? };
            if piece.at < end {
                return Err(bad("the pieces of a sparse file overlap"));
            }
            end = piece.at.checked_add(piece.length).ok_or_else(too_big)?;
            held = held.checked_add(piece.length).ok_or_else(too_big)?;
            pieces.push(piece);
            Ok(())
        };
        for piece in &gnu.sparse {
            add(&piece.offset, &piece.numbytes)?;
        }
        let mut more = gnu.is_extended();
        let mut blocks = 0;
        while more {
            blocks += 1;
            if blocks > MOST_SPARSE_BLOCKS {
                return Err(bad("a sparse file has too many pieces"));
            }
            let mut block = GnuExtSparseHeader::new();
            read_exact(&mut self.input, block.as_mut_bytes())?;
            for piece in &block.sparse {
                add(&piece.offset, &piece.numbytes)?;
            }
            more = block.is_extended();
        }
        if end > size || held != stored {
            return Err(bad("the pieces of a sparse file do not add up"));
        }
        Ok((size, pieces))
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        if self.ended {
            return Ok(None);
        }
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        let mut filled = 0;
        while filled < bytes.len() {
            match self.input.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 => {
                    self.ended = true;
                    return Ok(None);
                }
                Ok(0) => return Err(cut()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if bytes.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(None);
        }
        // The sum is taken with blanks in its own place.
        let own = 148..156;
        let sum: u64 = (bytes.iter().enumerate())
            .map(|(at, byte)| if own.contains(&at) { u64::from(b' ') } else { u64::from(*byte) })
            .sum();
        if number(&header.as_old().cksum)? != sum {
            return Err(bad("the check sum of a header is wrong"));
        }
        Ok(Some(header))
    }

    /// Reads a long name, which ends with a zero byte.
    fn long_name(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut name = self.small(size, LONGEST_NAME)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    /// Reads content that belongs to the archive's own business.
    fn small(&mut self, size: u64, most: u64) -> io::Result<Vec<u8>> {
        if size > most {
            return Err(bad(&format!("a name or record has {size} bytes; the most is {most}")));
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| too_big())?];
        read_exact(&mut self.input, &mut bytes)?;
        self.padding = padding(size)?;
        Ok(bytes)
    }

    fn skip(&mut self) -> io::Result<()> {
        let mut left = self.content.checked_add(self.padding).ok_or_else(too_big)?;
        (self.content, self.padding) = (0, 0);
        let mut buffer = [0; 16 * 1024];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            read_exact(&mut self.input, &mut buffer[..most])?;
            left -= most as u64;
        }
        Ok(())
    }
}

fn read_exact(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<()> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => cut(),
        _ => error,
    })
}

fn once<T>(place: &mut Option<T>, value: T) -> io::Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(bad("an entry is named twice")),
    }
}

fn padding(size: u64) -> io::Result<u64> {
    size.checked_next_multiple_of(BLOCK).map(|whole| whole - size).ok_or_else(too_big)
}

/// Reads a number of a header: octal digits between blanks or zero bytes, or big-endian binary with
/// the highest bit set. Nothing at all is zero.
fn number(field: &[u8]) -> io::Result<u64> {
    let Some((first, rest)) = field.split_first() else { return Ok(0) };
    if first & 0x80 != 0 {
        if first & 0x40 != 0 {
            return Err(bad("a number is negative"));
        }
        return rest.iter().try_fold(u64::from(first & 0x3f), |sum, byte| {
            if sum >> 56 == 0 { Ok(sum << 8 | u64::from(*byte)) } else { Err(too_big()) }
        });
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field.iter().skip_while(|byte| blank(byte));
    let mut sum = 0_u64;
    let mut ended = false;
    for byte in digits {
        match byte {
            b'0'..=b'7' if !ended => {
                // A field of a header holds at most twelve digits.
                sum = sum << 3 | u64::from(byte - b'0');
            }
            // What comes after the first zero byte is no part of the number.
            0 => break,
            b' ' => ended = true,
            _ => return Err(bad("a number of a header is none")),
        }
    }
    Ok(sum)
}

/// Reads a time of a header. GNU tar writes times before 1970 as negative binary numbers.
fn header_time(field: &[u8; 12]) -> io::Result<Time> {
    let seconds = if field[0] == 0xff {
        let low: [u8; 8] = field[4..].try_into().map_err(|_| too_big())?;
        i64::from_be_bytes(low)
    } else {
        i64::try_from(number(field)?).map_err(|_| too_big())?
    };
    Ok(Time { seconds, nanoseconds: 0 })
}

/// Reads PAX records: `LENGTH KEY=VALUE\n`, where the length counts everything.
fn records(mut text: &[u8]) -> io::Result<Records> {
    let malformed = || bad("a PAX record is malformed");
    let mut records = Records::default();
    while !text.is_empty() {
        let blank = text.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
        let length = usize::try_from(decimal(&text[..blank])?).map_err(|_| too_big())?;
        if length <= blank || length > text.len() || text[length - 1] != b'\n' {
            return Err(malformed());
        }
        let record = text.get(blank + 1..length - 1).ok_or_else(malformed)?;
        text = &text[length..];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            // An empty value takes the record back.
            b"path" => records.path = name(value)?,
            b"linkpath" => records.target = name(value)?,
            b"size" => records.size = Some(decimal(value)?),
            b"uid" => records.uid = Some(decimal(value)?),
            b"gid" => records.gid = Some(decimal(value)?),
            b"mtime" => records.modified = Some(record_time(value)?),
            key if key.starts_with(b"GNU.sparse.") => records.sparse = true,
            _ => {}
        }
    }
    Ok(records)
}

fn name(value: &[u8]) -> io::Result<Option<Vec<u8>>> {
    if value.len() as u64 > LONGEST_NAME {
        return Err(bad(&format!("a name has {} bytes; the most is {LONGEST_NAME}", value.len())));
    }
    Ok(Some(value.to_vec()).filter(|value| !value.is_empty()))
}

fn decimal(text: &[u8]) -> io::Result<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    text.ok_or_else(|| bad("a number of a PAX record is none"))?.parse().map_err(|_| too_big())
}

/// Reads a time with a fraction.
fn record_time(value: &[u8]) -> io::Result<Time> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &[][..]),
    };
    let seconds = i64::try_from(decimal(whole)?).map_err(|_| too_big())?;
    let mut digits = [b'0'; 9];
    for (digit, given) in digits.iter_mut().zip(fraction) {
        *digit = *given;
    }
    let nanoseconds = u32::try_from(decimal(&digits)?).map_err(|_| too_big())?;
    Ok(match (negative, nanoseconds) {
        (false, _) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds },
        (true, _) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of an entry")
}

fn too_big() -> io::Error {
    bad("a number does not fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_headers() {
        let is = |field: &[u8], expected: u64| {
            assert_eq!(number(field).expect("a number"), expected, "{field:?}");
        };
        is(b"0000644\0", 0o644);
        is(b"   644 \0", 0o644);
        is(b"00000000017", 0o17);
        is(b"\0\0\0\0", 0);
        is(b"        ", 0);
        is(b"777777777777", 0o777_777_777_777);
        is(b"1\0junk", 1);
        is(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], 256);
        is(&[0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX);
        for field in
            [&b"9"[..], b"-1", b"1x", b"1 1", &[0xff; 12], &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert!(number(field).is_err(), "{field:?}");
        }
    }

    #[test]
    fn records_may_hold_anything() {
        let records = records(b"18 path=a\n17 b=c\xff\n19 mtime=-1.250000\n20 SCHILY.xattr.u=1\n");
        let records = records.expect("records");
        assert_eq!(records.path.as_deref(), Some(&b"a\n17 b=c\xff"[..]));
        assert_eq!(records.modified, Some(Time { seconds: -2, nanoseconds: 750_000_000 }));
        assert!(!records.sparse);
    }

    #[test]
    fn malformed_records_are_refused() {
        for text in [
            &b"5"[..],
            b"0 a=b\n",
            b"1 a=b\n",
            b"2 a=b\n",
            b"99 a=b\n",
            b"5 a=b\n",
            b"6 abc\n",
            b"-6 a=b\n",
            b"99999999999999999999999 a=b\n",
            b"11 size=-1\n",
            b"30 size=99999999999999999999\n",
            b"29 size=9999999999999999999999\n",
            b"10 uid=x1\n",
            b"12 mtime=x.\n",
        ] {
            assert!(records(text).is_err(), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn times() {
        let time = |text: &[u8]| record_time(text).map(|time| (time.seconds, time.nanoseconds));
        assert_eq!(time(b"12").ok(), Some((12, 0)));
        assert_eq!(time(b"12.5").ok(), Some((12, 500_000_000)));
        assert_eq!(time(b"12.1234567899").ok(), Some((12, 123_456_789)));
        assert_eq!(time(b"-3").ok(), Some((-3, 0)));
        assert!(time(b"").is_err() && time(b"1.x").is_err() && time(b"--1").is_err());
        let mut field = [0xff; 12];
        assert_eq!(header_time(&field).ok().map(|time| time.seconds), Some(-1));
        field[0] = 0x80;
        assert!(header_time(&field).is_err());
    }

    #[test]
    fn a_name_that_would_fill_the_memory() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let archive = header.as_bytes().chain(io::repeat(b'a'));
        let error = Entries::new(archive).next().expect_err("refused").to_string();
        assert!(error.contains("the most is"), "{error}");
    }
}
