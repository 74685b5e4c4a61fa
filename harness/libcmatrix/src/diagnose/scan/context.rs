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
    " alpine sh",
    " alpine ash",
    " alpine /bin/sh",
    "Alpine 3.",
    // Where a debugger shows musl's own sources.
    "src/env/__libc_start_main.c",
    "src/malloc/mallocng/",
    "src/thread/pthread_create.c",
    "src/ldso/",
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

/// Words by which advice names systems: `On Debian: apt install x, on Alpine: apk add y`. Where a line
/// names both sides with them, they tell nothing of the system at hand.
const ADVICE: &[&str] = &[
    "apk add",
    "apk --no-cache",
    "Alpine Linux",
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

/// Adds what this line says.
pub(super) fn note(line: &[u8], context: &mut Context) {
    static WORDS: OnceLock<AhoCorasick> = OnceLock::new();
    if context.musl && context.glibc {
        return;
    }
    let words = WORDS
        .get_or_init(|| AhoCorasick::new(MUSL.iter().chain(GLIBC)).expect("a handful of words"));
    let mut told = Context::default();
    let mut advice = Context::default();
    for found in words.find_iter(line) {
        let said = if ADVICE.iter().any(|word| word.as_bytes() == &line[found.range()]) {
            &mut advice
        } else {
            &mut told
        };
        if found.pattern().as_usize() < MUSL.len() {
            said.musl = true;
        } else {
            said.glibc = true;
        }
    }
    let both = advice.musl && advice.glibc;
    context.musl |= told.musl || (advice.musl && !both);
    context.glibc |= told.glibc || (advice.glibc && !both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_told_apart() {
        let said = |line: &str| {
            let mut context = Context::default();
            note(line.as_bytes(), &mut context);
            (context.musl, context.glibc)
        };
        assert_eq!(said("FROM node:20-alpine3.19"), (true, false));
        assert_eq!(said("cat /etc/alpine-release"), (true, false));
        assert_eq!(said("installed: musl-1.2.5-r1"), (true, false));
        assert_eq!(said("RUN apt-get install -y gcc"), (false, true));
        assert_eq!(
            said("Debian: apt install libssl-dev, Alpine: apk add openssl-dev"),
            (false, false)
        );
        assert_eq!(said("ordinary words"), (false, false));
    }
}
