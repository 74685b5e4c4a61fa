//! `iconv` is part of the C library, and musl's is a small one. It refuses glibc's extensions
//! `//TRANSLIT` and `//IGNORE` (`iconv_open` fails with EINVAL), writes `*` for a character that the
//! target charset lacks where glibc reports EILSEQ, and writes UTF-16 big-endian without a byte
//! order mark where glibc writes little-endian with one. Plain conversions agree. None of these
//! tests depends on locale data or on charset modules that a Debian base might lack.

use std::ffi::CStr;
use std::io;

/// Converts a text from UTF-8 to a charset.
pub fn encode(text: &str, charset: &CStr) -> io::Result<Vec<u8>> {
    let mut input = text.as_bytes().to_vec();
    let mut output = vec![0_u8; 4 * text.len() + 8];
    let mut from = input.as_mut_ptr().cast();
    let mut from_left = input.len();
    let mut to = output.as_mut_ptr().cast();
    let mut to_left = output.len();

    // SAFETY: the pointers and lengths describe the two buffers, which outlive the calls.
    let failure = unsafe {
        let converter = libc::iconv_open(charset.as_ptr(), c"UTF-8".as_ptr());
        if converter as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        let converted = libc::iconv(converter, &mut from, &mut from_left, &mut to, &mut to_left);
        let failure = (converted == usize::MAX).then(io::Error::last_os_error);
        libc::iconv_close(converter);
        failure
    };
    if let Some(failure) = failure {
        return Err(failure);
    }
    output.truncate(output.len() - to_left);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn encodes_latin_1() {
        assert_eq!(encode("né", c"ISO-8859-1").unwrap(), b"n\xe9");
    }

    #[test]
    fn transliterates() {
        assert_eq!(
            encode("Straße ©", c"ASCII//TRANSLIT").unwrap(),
            b"Strasse (C)"
        );
    }

    #[test]
    fn refuses_what_the_charset_lacks() {
        const EILSEQ: i32 = 84;
        let error = encode("né", c"ASCII").expect_err("an é in ASCII");
        assert_eq!(error.raw_os_error(), Some(EILSEQ));
    }

    #[test]
    fn marks_the_byte_order() {
        assert_eq!(encode("a", c"UTF-16").unwrap(), b"\xff\xfea\0");
    }
}
