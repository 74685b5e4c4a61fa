//! The codes of hazards: the same as those of findings, with a title and what to do. Pure data.

/// What is said about a code.
pub struct Known {
    /// The code.
    pub code: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What to do, the best first.
    pub remedies: &'static [&'static str],
}

/// What is said about a code; a code that is none says nothing.
#[must_use]
pub fn known(code: &str) -> &'static Known {
    const NOTHING: Known = Known { code: "", title: "", remedies: &[] };
    ALL.iter().find(|k| k.code == code).unwrap_or(&NOTHING)
}

const DYNAMIC: &str = "link dynamically: `RUSTFLAGS=\"-C target-feature=-crt-static\"`, in Alpine (a glibc host would link glibc)";

/// All.
pub const ALL: &[Known] = &[
    Known {
        code: "rust-libc-missing-item",
        title: "an item of the libc crate that the musl target lacks",
        remedies: &[
            "put it behind `#[cfg(target_env = \"gnu\")]` and give musl another way, e.g. \
             `libc::syscall(libc::SYS_..)` or the crate rustix",
            "of a dependency: `cargo update -p NAME`; newer releases may do so already",
        ],
    },
    Known {
        code: "lfs64-link",
        title: "names of the old large-file interface, gone from musl 1.2.4",
        remedies: &[
            "use the plain names (`open`, `stat`, ...): on musl they take large files",
            "`cargo update -p libc` to 0.2.146 or newer",
        ],
    },
    Known {
        code: "reloc-glibc-symbol",
        title: "a symbol that only glibc has",
        remedies: &[
            "put it behind `#[cfg(target_env = \"gnu\")]`; of a prebuilt object: take its musl build, or build it from source",
        ],
    },
    Known {
        code: "glibc-internal-link",
        title: "an internal symbol of glibc",
        remedies: &[
            "use the public function instead, or put it behind `#[cfg(target_env = \"gnu\")]`",
        ],
    },
    Known {
        code: "backtrace-missing",
        title: "glibc's backtrace() and execinfo.h",
        remedies: &[
            "put it behind `#[cfg(target_env = \"gnu\")]` (C: `#if defined(__GLIBC__)`)",
            "use the crate backtrace, or libunwind (`apk add libunwind-dev`)",
        ],
    },
    Known {
        code: "ucontext-missing",
        title: "getcontext() and its family",
        remedies: &[
            "`apk add libucontext-dev` and link with `ucontext`",
            "use a crate that switches stacks itself, e.g. corosensei",
        ],
    },
    Known {
        code: "resolver-ninit",
        title: "glibc's reentrant resolver functions",
        remedies: &["use `res_query`, or a resolver of its own, e.g. the crate hickory-resolver"],
    },
    Known {
        code: "malloc-introspection",
        title: "glibc's functions about its allocator",
        remedies: &[
            "put it behind `#[cfg(target_env = \"gnu\")]`: musl's allocator has nothing of the kind",
        ],
    },
    Known {
        code: "fortify-chk-link",
        title: "checked functions of glibc's headers",
        remedies: &["build the object with musl's headers, in Alpine or with a musl compiler"],
    },
    Known {
        code: "isoc23-symbols",
        title: "functions that newer glibc headers put in for C23",
        remedies: &["build the object with musl's headers, in Alpine or with a musl compiler"],
    },
    Known {
        code: "missing-header-gnu",
        title: "a header or a library that musl does not come with",
        remedies: &[
            "`apk add musl-fts-dev` (fts.h), `argp-standalone` (argp.h), `musl-obstack-dev` (obstack.h), \
             `bsd-compat-headers` (sys/cdefs.h, sys/queue.h)",
            "C: put it behind `#if defined(__GLIBC__)` or `__has_include`",
        ],
    },
    Known {
        code: "linux-headers-missing",
        title: "headers of the Linux kernel, a package of their own on Alpine",
        remedies: &["`apk add linux-headers`"],
    },
    Known {
        code: "elf-interp-missing",
        title: "a prebuilt program for glibc",
        remedies: &[
            "take its musl or static build, or build it from source; `apk add gcompat` is a stop-gap",
        ],
    },
    Known {
        code: "shared-lib-ld-linux",
        title: "a prebuilt library for glibc",
        remedies: &[
            "take its musl build, or build it from source; `apk add gcompat` is a stop-gap",
        ],
    },
    Known {
        code: "rust-cdylib-crt-static",
        title: "a shared library, which a static musl target cannot make",
        remedies: &[DYNAMIC, "where only Rust code uses it: `crate-type = [\"rlib\"]`"],
    },
    Known {
        code: "rust-bindgen-static-dlopen",
        title: "bindgen opens libclang at run time, which a static build script cannot",
        remedies: &[
            "build on Debian for the musl target: the build script is a glibc program there",
            "in Alpine: `apk add clang-dev`, and `RUSTFLAGS=\"-C target-feature=-crt-static\"` without `--target`, or Alpine's own rustc",
            "bindgen's feature `static` with `apk add clang-static llvm-static`, or bindings made before",
        ],
    },
    Known {
        code: "static-lib-missing",
        title: "a native library that must be there for musl, as a static archive",
        remedies: &["build in Alpine with the library's -dev and -static packages", DYNAMIC],
    },
    Known {
        code: "rust-openssl-not-found",
        title: "OpenSSL for musl",
        remedies: &[
            "Alpine: `apk add openssl-dev openssl-libs-static pkgconf`; Debian has OpenSSL for glibc only",
            "the feature `vendored` of the crate openssl (needs perl, make and a C compiler for musl), or rustls",
        ],
    },
    Known {
        code: "rust-linker-not-found",
        title: "C code that needs a C compiler for musl",
        remedies: &[
            "Alpine: `apk add build-base`; Debian: `apt-get install musl-tools` (C only, no C++)",
        ],
    },
    Known {
        code: "rust-jemalloc-musl",
        title: "jemalloc on musl",
        remedies: &[
            "`JEMALLOC_SYS_WITH_LG_PAGE=16` for machines with other page sizes; or mimalloc on musl",
        ],
    },
    Known {
        code: "dlopen-static",
        title: "libraries opened at run time, which a static program cannot",
        remedies: &[DYNAMIC, "a feature that links the library instead, where there is one"],
    },
    Known {
        code: "rust-static-pie-musl-gcc",
        title: "musl-gcc as the linker makes programs that crash at their start",
        remedies: &[
            "take `linker = \"musl-gcc\"` out: rustc brings what it needs",
            "`-C relocation-model=static`",
        ],
    },
    Known {
        code: "no-bash",
        title: "bash, which Alpine does not come with",
        remedies: &["`apk add bash` where the tests run", "a script for `/bin/sh`"],
    },
    Known {
        code: "env-dash-S",
        title: "`env -S`, which BusyBox does not know",
        remedies: &["`apk add coreutils` where the tests run", "name the interpreter itself"],
    },
    Known {
        code: "busybox-tool-flags",
        title: "options that BusyBox's tools do not know",
        remedies: &[
            "`apk add` the GNU tool where the tests run: coreutils, findutils, grep, sed, tar, diffutils, procps-ng",
        ],
    },
    Known {
        code: "glibc-cli-tools-missing",
        title: "tools that come with glibc",
        remedies: &["leave the test out where the tool is missing"],
    },
    Known {
        code: "user-management-tools",
        title: "tools for user accounts that Alpine does not come with",
        remedies: &["`apk add shadow` where the tests run", "BusyBox's `adduser -D`"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_once_and_fully() {
        for (n, known) in ALL.iter().enumerate() {
            assert!(!known.title.is_empty() && !known.remedies.is_empty(), "{}", known.code);
            assert!(ALL[n + 1..].iter().all(|other| other.code != known.code), "{}", known.code);
        }
    }

    #[test]
    fn every_symbol_has_a_known_code() {
        for symbol in crate::hazards::symbol::glibc_only() {
            let code = crate::hazards::symbol::code(symbol);
            assert_eq!(known(code).code, code, "{symbol}");
        }
    }
}
