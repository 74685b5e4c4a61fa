//! Takes control sequences out of a line.

use std::borrow::Cow;

/// The line without terminal control sequences (ECMA-48: CSI, OSC and two-byte escapes) and other
/// control characters. Of a line that was overwritten by carriage returns all versions are kept.
pub(super) fn without_controls(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.iter().any(|&b| b < 0x20 && b != b'\t') {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            0x1b => match bytes.next() {
                Some(b'[') => while bytes.next().is_some_and(|b| !(0x40..=0x7e).contains(&b)) {},
                Some(b']') => {
                    // Ended by BEL, or by ESC and a backslash.
                    while let Some(b) = bytes.next() {
                        if b == 0x07 || (b == 0x1b && bytes.next_if_eq(&b'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            b'\t' => out.push(b'\t'),
            b'\r' => out.push(b' '),
            0..=0x1f => {}
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_is_left() {
        let clean =
            |line: &str| String::from_utf8(without_controls(line.as_bytes()).into()).unwrap();
        assert_eq!(clean("plain\ttext\r"), "plain\ttext");
        assert_eq!(clean("\x1b[1;31merror\x1b[0m: x"), "error: x");
        assert_eq!(clean("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07."), "link.");
        assert_eq!(clean("10%\r20%"), "10% 20%");
        assert_eq!(clean("\x1b["), "");
        assert_eq!(clean("\x1b]no end"), "");
    }
}
