//! `gnu_get_libc_version` is exported by glibc and by no other C library. Code that declares it
//! compiles for any target, because a declaration promises nothing, and fails when it is linked for
//! musl: `undefined reference`. Only the test target that calls it is lost; the unit tests of the
//! library do not, are built, and must still be compared.

/// The number of dots in a version.
pub fn dots(version: &str) -> usize {
    version.matches('.').count()
}

#[cfg(test)]
mod tests {
    use super::dots;

    #[test]
    fn counts_the_dots() {
        assert_eq!(dots("2.41"), 1);
    }

    #[test]
    fn counts_no_dots() {
        assert_eq!(dots("2"), 0);
    }
}
