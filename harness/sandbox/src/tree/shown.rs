//! Names from archives and trees as errors show them.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

/// How much of a name an error shows.
const SHOWN: usize = 200;

/// A name from an archive as an error shows it: on one line, without control characters, not too long.
pub(super) fn shown(name: &[u8]) -> String {
    let start = &name[..name.len().min(SHOWN)];
    let more = if name.len() > SHOWN { "..." } else { "" };
    format!("{:?}{more}", OsStr::from_bytes(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_line() {
        assert_eq!(shown(b"a\nb\x1b[31m\xff"), r#""a\nb\u{1b}[31m\xFF""#);
        let long = shown(&[b'x'; 5000]);
        assert!(long.len() < 300 && long.ends_with("..."), "{long}");
    }
}
