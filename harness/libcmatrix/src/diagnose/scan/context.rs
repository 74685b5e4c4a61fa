//! Whether a text speaks of musl or of glibc systems.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::super::facts::Context;

/// Words that only musl systems and builds for them use.
const MUSL: &[&str] = &[
    "linux-musl",
    "ld-musl-",
    "libc.musl-",
    "musl-gcc",
    "musl-g++",
    "musllinux",
    "linuxmusl",
    "linux_musl",
    "musl libc",
    "apk add",
    "apk --no-cache",
    "APKINDEX",
    "alpinelinux",
    "Alpine Linux",
    "FROM alpine",
    "-alpine",
    "alpine:",
    "BusyBox v",
    "Error relocating ",
    "Error loading shared library ",
    "/lib/apk/",
    "/etc/apk/",
];

/// Words that only glibc systems and builds for them use. Not the name of glibc's loader: its absence
/// is what musl systems complain of.
const GLIBC: &[&str] = &[
    "linux-gnu",
    "GLIBC_2.",
    "GLIBC 2.",
    "GNU libc",
    "apt-get install",
    "apt install",
    "dpkg",
    "Ubuntu",
    "ubuntu",
    "Debian",
    "debian",
    "Fedora",
    "yum install",
    "dnf install",
    "manylinux_",
    "cannot open shared object file",
];

/// Adds what this line says.
pub(super) fn note(line: &[u8], context: &mut Context) {
    static WORDS: OnceLock<AhoCorasick> = OnceLock::new();
    if context.musl && context.glibc {
        return;
    }
    let words = WORDS
        .get_or_init(|| AhoCorasick::new(MUSL.iter().chain(GLIBC)).expect("a handful of words"));
    for found in words.find_iter(line) {
        if found.pattern().as_usize() < MUSL.len() {
            context.musl = true;
        } else {
            context.glibc = true;
        }
    }
}
