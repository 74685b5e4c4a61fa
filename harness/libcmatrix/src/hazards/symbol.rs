//! Symbols that glibc has and musl lacks, and the finding each belongs to. Pure.

use std::{collections::HashSet, sync::LazyLock};

static NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| libcmatrix_agent::glibc_only_symbols().collect());

/// Whether glibc exports it and musl does not. A version after `@` counts for nothing.
#[must_use]
pub fn is_glibc_only(symbol: &str) -> bool {
    NAMES.contains(symbol.split('@').next().unwrap_or(symbol))
}

/// All of them.
pub fn glibc_only() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

/// Whether nobody but glibc would define it: other names may be functions of another library.
#[must_use]
pub fn is_reserved(symbol: &str) -> bool {
    symbol.starts_with('_') || symbol.starts_with("gnu_get_libc_")
}

/// The code of the finding that its lack gives.
#[must_use]
pub fn code(symbol: &str) -> &'static str {
    let symbol = symbol.split('@').next().unwrap_or(symbol);
    let bare = symbol.trim_start_matches('_');
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| bare.starts_with(p));
    if bare.starts_with("backtrace") {
        "backtrace-missing"
    } else if ["getcontext", "setcontext", "makecontext", "swapcontext"].contains(&bare) {
        "ucontext-missing"
    } else if symbol.starts_with("__") && symbol.ends_with("_chk") {
        "fortify-chk-link"
    } else if starts(&["isoc23_"]) {
        "isoc23-symbols"
    } else if starts(&["res_", "libc_res_"]) {
        "resolver-ninit"
    } else if starts(&[
        "mallinfo",
        "malloc_",
        "mallopt",
        "mallwatch",
        "mcheck",
        "mprobe",
        "mtrace",
        "muntrace",
    ]) {
        "malloc-introspection"
    } else if starts(&["fts_", "fts64_", "argp_", "obstack_"]) {
        "missing-header-gnu"
    } else if is_lfs64(symbol) {
        "lfs64-link"
    } else if symbol.starts_with('_') {
        "glibc-internal-link"
    } else {
        "reloc-glibc-symbol"
    }
}

/// Whether it is a name of the old interface for large files, whose plain name musl has.
#[must_use]
pub fn is_lfs64(name: &str) -> bool {
    let plain = name.strip_suffix("64_r").map(|p| format!("{p}_r"));
    let plain = plain.or_else(|| name.strip_suffix("64").map(ToOwned::to_owned));
    plain.is_some_and(|p| LFS.contains(&p.as_str()))
}

/// The plain names.
const LFS: [&str; 56] = [
    "aio_cancel",
    "aio_error",
    "aio_fsync",
    "aio_read",
    "aio_return",
    "aio_suspend",
    "aio_write",
    "alphasort",
    "creat",
    "fallocate",
    "fcntl",
    "fgetpos",
    "fopen",
    "freopen",
    "fseeko",
    "fsetpos",
    "fstat",
    "fstatat",
    "fstatfs",
    "fstatvfs",
    "ftello",
    "ftruncate",
    "ftw",
    "getdents",
    "getrlimit",
    "glob",
    "globfree",
    "lio_listio",
    "lockf",
    "lseek",
    "lstat",
    "mkostemp",
    "mkostemps",
    "mkstemp",
    "mkstemps",
    "mmap",
    "nftw",
    "open",
    "openat",
    "posix_fadvise",
    "posix_fallocate",
    "pread",
    "preadv",
    "prlimit",
    "pwrite",
    "pwritev",
    "readdir",
    "readdir_r",
    "scandir",
    "sendfile",
    "setrlimit",
    "stat",
    "statfs",
    "statvfs",
    "tmpfile",
    "truncate",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_libraries_were_asked() {
        for symbol in [
            "gnu_get_libc_version",
            "backtrace",
            "__memcpy_chk",
            "open64",
            "getcontext@GLIBC_2.2.5",
        ] {
            assert!(is_glibc_only(symbol), "{symbol}");
        }
        for symbol in [
            "open",
            "getauxval",
            "__errno_location",
            "gettid",
            "crypt",
            "qsort_r",
            "statx",
            "_Unwind_Resume",
        ] {
            assert!(!is_glibc_only(symbol), "{symbol}");
        }
    }

    #[test]
    fn every_symbol_has_a_family() {
        for (symbol, expected) in [
            ("backtrace_symbols_fd", "backtrace-missing"),
            ("readdir64_r", "lfs64-link"),
            ("swapcontext", "ucontext-missing"),
            ("__res_ninit", "resolver-ninit"),
            ("res_nsearch", "resolver-ninit"),
            ("mallinfo2", "malloc-introspection"),
            ("__printf_chk", "fortify-chk-link"),
            ("fts_open", "missing-header-gnu"),
            ("__isoc23_strtol", "isoc23-symbols"),
            ("__libc_malloc", "glibc-internal-link"),
            ("gnu_get_libc_version", "reloc-glibc-symbol"),
        ] {
            assert_eq!(code(symbol), expected, "{symbol}");
        }
    }

    #[test]
    fn every_symbol_has_the_code_of_a_rule() {
        for symbol in glibc_only() {
            let code = code(symbol);
            assert!(crate::diagnose::rulebook().get(code).is_some(), "{symbol}: {code}");
        }
    }
}
