//! Nothing here depends on a C library's own behaviour, so nothing may differ: a unit test, an
//! integration test and a documentation test, each passed on both sides. A run that reports
//! anything but "go" for this project has found a fault of its own.

/// Twice the number.
///
/// ```
/// assert_eq!(all_green::double(21), 42);
/// ```
pub fn double(number: u32) -> u32 {
    number * 2
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn doubles_a_number() {
        assert_eq!(double(4), 8);
    }

    #[test]
    fn zero_stays_zero() {
        assert_eq!(double(0), 0);
    }
}
