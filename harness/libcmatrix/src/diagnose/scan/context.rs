//! Whether a text speaks of musl or of glibc systems.

use super::{
    super::facts::Context,
    readers::{Reader, Readers},
};

/// Words that only musl systems and builds for them use.
pub(super) const MUSL: &[&str] = &[
    "linux-musl",
    "ld-musl-",
    "libc.musl-",
    "musl-gcc",
    "musl-g++",
    "musllinux",
    "linuxmusl",
    "linux_musl",
    "86_64-musl",
    "aarch64-musl",
    "musl-clang",
    "musl libc",
    "APKINDEX",
    "alpinelinux",
    "FROM alpine",
    "-alpine",
    ":alpine",
    "alpine:",
    "BusyBox v",
    "Error relocating ",
    "Error loading shared library ",
    "/lib/apk/",
    "/etc/apk/",
    "/etc/alpine-release",
    "ID=alpine",
    "apk info",
    "apk update",
    "apk upgrade",
    "apk del ",
    "# apk ",
    "musl-dev",
    "musl-1.",
    "musl 1.",
    "(musl)",
    "alpine3.",
    "library/alpine",
    "/alpine@",
    "image: alpine",
    "=alpine",
    " alpine-",
    " alpine -- ",
    " alpine sh",
    " alpine ash",
    " alpine /bin/sh",
    "Alpine 3.",
    "alpine 3.",
    "Alpine v3.",
    // Where a debugger shows musl's own sources.
    "src/env/__libc_start_main.c",
    "src/malloc/mallocng/",
    "src/thread/pthread_create.c",
    "src/ldso/",
];

/// Words that only glibc systems and builds for them use. Not the name of glibc's loader: its absence
/// is what musl systems complain of.
pub(super) const GLIBC: &[&str] = &[
    "linux-gnu",
    "GLIBC_2.",
    "GLIBC 2.",
    "GNU libc",
    "dpkg",
    "manylinux_",
    "cannot open shared object file",
];

/// Words that name musl systems. Advice names several: `on Debian: apt install x, on Alpine: apk add y`.
/// Such a line tells nothing of the system at hand.
pub(super) const MUSL_SYSTEMS: &[&str] = &[
    "apk add",
    "apk --no-cache",
    "Alpine Linux",
    "Alpine linux",
    "alpine linux",
    "Alpine image",
    "alpine image",
    "Alpine container",
    "alpine container",
    "on Alpine",
    "on alpine",
    "on musl",
];

/// Words that name glibc systems, likewise.
pub(super) const GLIBC_SYSTEMS: &[&str] = &[
    "apt-get install",
    "apt install",
    "Ubuntu",
    "ubuntu",
    "Debian",
    "debian",
    "Fedora",
    "yum install",
    "dnf install",
];

/// Adds what a line says.
pub(super) fn note(readers: Readers, context: &mut Context) {
    let (musl, glibc) = (readers.has(Reader::MuslSystem), readers.has(Reader::GlibcSystem));
    let is_advice = musl && glibc;
    context.musl |= readers.has(Reader::Musl) || (musl && !is_advice);
    context.glibc |= readers.has(Reader::Glibc) || (glibc && !is_advice);
}

#[cfg(test)]
mod tests {
    #[test]
    fn systems_are_told_apart() {
        let said = |line: &str| {
            let context = crate::diagnose::scan(line.as_bytes()).context;
            (context.musl, context.glibc)
        };
        assert_eq!(said("FROM node:20-alpine3.19"), (true, false));
        assert_eq!(said("cat /etc/alpine-release"), (true, false));
        assert_eq!(said("installed: musl-1.2.5-r1"), (true, false));
        assert_eq!(said("=> xbps-src: building for aarch64-musl"), (true, false));
        assert_eq!(said("RUN apt-get install -y gcc"), (false, true));
        assert_eq!(
            said("Debian: apt install libssl-dev, Alpine: apk add openssl-dev"),
            (false, false)
        );
        assert_eq!(said("the same on Alpine as in Debian"), (false, false));
        assert_eq!(said("it does so on Alpine only"), (true, false));
        assert_eq!(said("ordinary words"), (false, false));
    }
}
