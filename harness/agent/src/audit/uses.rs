//! Functions of the C library that behave differently in glibc and musl, and that a program does not
//! have anyway: Rust's own library uses none of them. That a program has one is evidence for a
//! cause, never a cause by itself.

/// The functions that are looked for, in order.
const WATCHED: [&str; 42] = [
    "catopen",
    "dlclose",
    "dlopen",
    "fnmatch",
    "ftw",
    "getgrnam",
    "getlogin",
    "getopt",
    "getopt_long",
    "getpwnam",
    "getutxent",
    "glob",
    "gmtime_r",
    "iconv",
    "iconv_open",
    "localtime",
    "localtime_r",
    "malloc_usable_size",
    "mktime",
    "newlocale",
    "nftw",
    "nl_langinfo",
    "putenv",
    "qsort",
    "rand",
    "rand_r",
    "random",
    "regcomp",
    "regexec",
    "scandir",
    "setlocale",
    "srand",
    "srandom",
    "strcoll",
    "strftime",
    "strptime",
    "strtod",
    "strxfrm",
    "tzset",
    "wcsftime",
    "wcwidth",
    "wordexp",
];

/// The watched function of that name.
pub(crate) fn watched(name: &[u8]) -> Option<&'static str> {
    let name = std::str::from_utf8(name).ok()?;
    WATCHED.binary_search(&name).ok().map(|at| WATCHED[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_order() {
        assert!(WATCHED.is_sorted());
        assert_eq!(watched(b"iconv_open"), Some("iconv_open"));
        assert_eq!(watched(b"main"), None);
        assert_eq!(watched(b"\xff"), None);
    }
}
