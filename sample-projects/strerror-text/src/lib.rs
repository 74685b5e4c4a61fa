//! The text of an error number comes from the C library (`strerror_r`), and the two libraries word
//! many of them differently: ETIMEDOUT is `Connection timed out` on glibc and `Operation timed out`
//! on musl. A test that compares the text fails on musl; one that compares the number or the kind
//! of the error does not.

use std::io;

/// What the program tells its user when the other side does not answer.
pub fn no_answer() -> io::Error {
    const ETIMEDOUT: i32 = 110;
    io::Error::from_raw_os_error(ETIMEDOUT)
}

#[cfg(test)]
mod tests {
    use super::no_answer;
    use std::io::ErrorKind;

    #[test]
    fn text_of_a_timeout() {
        assert_eq!(
            no_answer().to_string(),
            "Connection timed out (os error 110)"
        );
    }

    #[test]
    fn kind_of_a_timeout() {
        assert_eq!(no_answer().kind(), ErrorKind::TimedOut);
    }
}
