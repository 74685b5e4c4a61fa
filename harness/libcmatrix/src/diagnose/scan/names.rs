//! What linkers, loaders, compilers, shells and programs that start programs say they did not find.

use std::{collections::HashSet, sync::OnceLock};

use regex::Regex;

use super::{
    super::facts::{Facts, Named, NamedKind},
    hit,
};

/// Names kept of each kind. Enough to decide by their set.
const KEPT: usize = 2000;

/// Words of which a line that names something has one.
pub(super) const WORDS: &[&str] = &[
    "undefined ",
    "not found",
    "Error loading shared library",
    "No such file or directory",
    "ENOENT",
    "can't execute",
    "not installed",
    "ind tool",
    "Symbol not found",
    "no such file or directory",
    "which: no ",
    "cannot find -l",
    "unable to find library -l",
    "could not find native static library",
    "No package '",
    " find directory of OpenSSL",
    "pkg-config ",
    "\"pkg-config\"",
];

/// Takes the names in this line.
pub(super) fn find(
    text: &str,
    number: u64,
    facts: &mut Facts,
    seen: &mut HashSet<(NamedKind, String)>,
) {
    for (kind, form) in forms() {
        let Some(found) = form.captures(text) else { continue };
        let Some(name) = found.iter().skip(1).flatten().next() else { continue };
        let mut name = name.as_str();
        if *kind == NamedKind::Tool {
            name = name.rsplit('/').next().unwrap_or(name);
        }
        if *kind == NamedKind::Undefined {
            // A version that the linker adds: pow@@GLIBC_2.2.5.
            name = name.split('@').next().unwrap_or(name);
        }
        let list = facts.named.entry(*kind).or_default();
        if list.len() < KEPT && seen.insert((*kind, name.to_owned())) {
            list.push(Named { name: name.to_owned(), hit: hit(number, text) });
        }
        return;
    }
}

/// In the order in which they are tried; the first that fits counts.
fn forms() -> &'static [(NamedKind, Regex)] {
    static FORMS: OnceLock<Vec<(NamedKind, Regex)>> = OnceLock::new();
    FORMS.get_or_init(|| {
        [
            // GNU ld, gold, lld.
            (NamedKind::Undefined, r"undefined reference to (?:symbol )?[`'‘]([^`'’]+)['’]"),
            (NamedKind::Undefined, r"more undefined references to [`'‘]([^`'’]+)['’] follow"),
            (NamedKind::Undefined, r"undefined (?:hidden |protected )?symbol: ([^\s,;]+)(?:$|\s*>>>)"),
            // musl's loader.
            (NamedKind::Unresolved, r"Error relocating [^:]+: ([^:\s]+): symbol not found"),
            (NamedKind::Unresolved, r"Symbol not found: (\S+)"),
            (NamedKind::Library, r"Error loading shared library ([^:\s]+): No such file"),
            // glibc's loader.
            (NamedKind::Library, r"error while loading shared libraries: ([^:\s]+): cannot open shared object"),
            // Linkers: GNU ld, lld, that of macOS; rustc.
            (NamedKind::Link, r"(?:cannot find|unable to find library|library not found for) -l([\w.+-]+)"),
            (NamedKind::Link, r"could not find native static library [`']([\w.+-]+)['`]"),
            // The `pkg-config` and `system-deps` crates, pkg-config and pkgconf, meson, `openssl-sys`.
            (NamedKind::Module, r"The system library [`']([\w.+-]+)['`] required by crate"),
            (NamedKind::Module, r"Package '?([\w.+-]+?)'? was not found in the pkg-config search path"),
            (NamedKind::Module, r"Package '([\w.+-]+)'(?:, required by '[^']*',)? not found"),
            (NamedKind::Module, r"No package '([\w.+-]+)' found"),
            (NamedKind::Module, r#"ERROR: Dependency [`'"]([\w.+-]+)[`'"] not found, tried .*pkg-?config"#),
            (NamedKind::Module, r#"[`" ]pkg-config"?(?: "?--[\w-]+"?)+ "?([A-Za-z][\w.+-]*?)"?(?: "?[\w.+-]+ [<>=]+ [\w.]+"?)?[`"]? (?:did not exit successfully|exited with)"#),
            (NamedKind::Module, r"Could not find directory of (OpenSSL) installation"),
            // GCC, clang.
            (NamedKind::Header, r"(?:fatal )?error: '?([\w./+-]+\.h(?:pp|xx|h)?)'?(?:: No such file or directory| file not found)"),
            // configure scripts and other checks that end the build.
            (NamedKind::Header, r"(?i:error): (?:.{0,30} )?(?:header )?[<'`\x22]?([\w./+-]+\.h)[>'`\x22]? (?:header )?(?:was )?not found"),
            // The `cc` and `cmake` crates, rustc, build scripts.
            (NamedKind::Tool, r#"[Ff]ailed to find tool "?([\w.+/-]+)"#),
            (NamedKind::Tool, r"[Ii]s `([\w.+-]+)` not installed\?|[Ii]s `([\w.+-]+)` installed\?"),
            (NamedKind::Tool, r"linker [`']([\w./+-]+)['`] not found"),
            // env of BusyBox and of coreutils.
            (NamedKind::Tool, r"can't execute '([^']+)': No such file"),
            (NamedKind::Tool, r"env: [‘'`]?([\w./+-]+)[’'`]?: (?:No such file or directory|not found)"),
            // make.
            (NamedKind::Tool, r"make(?:\[\d+\])?: ([\w./+-]+): (?:No such file or directory|not found)"),
            (NamedKind::Tool, r"make(?:\[\d+\])?: execvp: ([\w./+-]+): (?:No such file or directory|not found)"),
            // A script's first line.
            (NamedKind::Tool, r": ([\w./+-]+): bad interpreter: (?i:no such file)"),
            (NamedKind::Tool, r"bad interpreter: ([\w./+-]+): (?i:no such file)"),
            // which, meson, Java.
            (NamedKind::Tool, r"which: no ([\w.+-]+) in \("),
            (NamedKind::Tool, r"ERROR: Program [`']([\w./+-]+)['`] not found"),
            (NamedKind::Tool, r#"Cannot run program "([\w./+-]+)".*No such file"#),
            // Docker, Podman, Go.
            (NamedKind::Tool, r"executable file [`']([^`']+)[`'] not found"),
            (NamedKind::Tool, r"fork/exec ((?:/usr(?:/local)?)?/bin/(?:ba|z)?sh): no such file or directory"),
            (NamedKind::Tool, r#"exec: "([^"]+)": (?:executable file not found|stat \S+: no such file)"#),
            (NamedKind::Tool, r"exec ((?:/usr)?/bin/[\w.+-]+): no such file or directory"),
            // Node.
            (NamedKind::Tool, r"spawn(?:Sync)? (\S+) ENOENT"),
            // Shells: dash, ash, bash, zsh. A number, or `line N`, may stand before the name.
            (NamedKind::Tool, r"(?:sh|ash|bash|zsh|dash)(?:\[\d+\])?: (?:line )?(?:\d+: )?([\w./+-]+): (?:command )?not found"),
            (NamedKind::Tool, r"\.sh: (?:line )?(?:\d+: )?([\w./+-]+): (?:command )?not found"),
            (NamedKind::Tool, r": line \d+: ([\w./+-]+): (?:command )?not found"),
            (NamedKind::Tool, r"/[\w.-]+: \d+: ([\w./+-]+): not found"),
        ]
        .into_iter()
        .map(|(kind, form)| (kind, Regex::new(form).expect("a form of a message")))
        .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        let facts = crate::diagnose::scan(text.as_bytes());
        [
            (NamedKind::Undefined, "undefined"),
            (NamedKind::Unresolved, "unresolved"),
            (NamedKind::Library, "library"),
            (NamedKind::Header, "header"),
            (NamedKind::Tool, "tool"),
            (NamedKind::Module, "module"),
            (NamedKind::Link, "link"),
        ]
        .into_iter()
        .find_map(|(kind, word)| Some(format!("{word} {}", facts.named(kind).first()?.name)))
        .unwrap_or_default()
    }

    #[test]
    fn names_are_read_from_every_form() {
        for (text, name) in [
            ("a.c:(.text+0x1): undefined reference to `open64'", "undefined open64"),
            ("ld: x.o: undefined reference to symbol 'pow@@GLIBC_2.2.5'", "undefined pow"),
            ("ld.lld: error: undefined symbol: fstat64", "undefined fstat64"),
            ("ld: x.o: more undefined references to `stat64' follow", "undefined stat64"),
            ("Error relocating /app/x: __memcpy_chk: symbol not found", "unresolved __memcpy_chk"),
            (
                "Error loading shared library libgcc_s.so.1: No such file or directory (needed by x)",
                "library libgcc_s.so.1",
            ),
            ("x.c:3:10: fatal error: sys/cdefs.h: No such file or directory", "header sys/cdefs.h"),
            ("x.c:3:10: fatal error: 'fts.h' file not found", "header fts.h"),
            ("sh: 1: make: not found", "tool make"),
            ("/bin/sh: cmake: not found", "tool cmake"),
            ("./run.sh: line 3: usermod: command not found", "tool usermod"),
            ("env: can't execute 'bash': No such file or directory", "tool bash"),
            ("/usr/bin/env: 'python3': No such file or directory", "tool python3"),
            ("make: /bin/bash: No such file or directory", "tool bash"),
            ("exec: \"gcc\": executable file not found in $PATH", "tool gcc"),
            ("Error: spawnSync /bin/bash ENOENT", "tool bash"),
            ("/usr/bin/env: bash: not found", "tool bash"),
            (
                "exec: \"/bin/bash\": stat /bin/bash: no such file or directory: unknown",
                "tool bash",
            ),
            ("crun: executable file `bash` not found in $PATH", "tool bash"),
            ("bash: ./run: /bin/bash: bad interpreter: No such file or directory", "tool bash"),
            ("which: no cmake in (/usr/bin:/bin)", "tool cmake"),
            ("make[1]: execvp: g++: No such file or directory", "tool g++"),
            ("configure: error: argp.h not found", "header argp.h"),
            ("Failed to find tool. Is `musl-gcc` installed?", "tool musl-gcc"),
            ("error: linker `x86_64-linux-musl-gcc` not found", "tool x86_64-linux-musl-gcc"),
            (
                "failed to execute command: No such file or directory, is `cmake` not installed?",
                "tool cmake",
            ),
            ("/usr/bin/ld: cannot find -lpq: No such file or directory", "link pq"),
            ("ld.lld: error: unable to find library -lstdc++", "link stdc++"),
            (
                "error: could not find native static library `z`, perhaps an -L flag is missing?",
                "link z",
            ),
            (
                "The system library `dbus-1` required by crate `libdbus-sys` was not found.",
                "module dbus-1",
            ),
            ("Package alsa was not found in the pkg-config search path.", "module alsa"),
            ("Package 'gtk+-3.0', required by 'virtual:world', not found", "module gtk+-3.0"),
            ("No package 'libudev' found", "module libudev"),
            (
                "meson.build:9:0: ERROR: Dependency \"zlib\" not found, tried pkgconfig and cmake",
                "module zlib",
            ),
            (
                "`\"pkg-config\" \"--libs\" \"--cflags\" \"libpulse\"` did not exit successfully: exit status: 1",
                "module libpulse",
            ),
            ("Could not find directory of OpenSSL installation, and this", "module OpenSSL"),
        ] {
            assert_eq!(named(text), name, "{text}");
        }
    }

    #[test]
    fn ordinary_lines_name_nothing() {
        for text in [
            "404 not found",
            "test not_found ... ok",
            "cat: /etc/x: No such file or directory",
            "the package is not installed",
        ] {
            assert_eq!(named(text), "", "{text}");
        }
    }
}
