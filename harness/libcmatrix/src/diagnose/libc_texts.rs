//! Texts that the two libcs have for the same thing, and making them alike.
//!
//! Takes two texts; says whether they are equal once each glibc text in one is put into musl's words.

use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use super::rule::PairRelation;

/// The table is `rules/tables/libc-texts.toml`.
#[derive(Deserialize)]
struct Table {
    text: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    kind: PairRelation,
    glibc: String,
    musl: String,
}

/// Whether the texts differ, and only by what the two libcs say for the same thing.
pub(super) fn differ_only_by(relation: PairRelation, a: &str, b: &str) -> bool {
    a != b && (as_musl(relation, a, b) == b || as_musl(relation, b, a) == a)
}

/// `text` in musl's words, as far as the other text has them.
fn as_musl(relation: PairRelation, text: &str, other: &str) -> String {
    match relation {
        PairRelation::Errno | PairRelation::Gai | PairRelation::Signal => {
            let mut text = text.to_owned();
            if relation == PairRelation::Errno {
                static UNKNOWN: OnceLock<Regex> = OnceLock::new();
                let unknown = UNKNOWN.get_or_init(|| regex(r"Unknown error -?\d+"));
                text = unknown.replace_all(&text, "No error information").into_owned();
            }
            for entry in texts().iter().filter(|entry| entry.kind == relation) {
                if text.contains(&entry.glibc) && other.contains(&entry.musl) {
                    text = text.replace(&entry.glibc, &entry.musl);
                }
            }
            text
        }
        PairRelation::Dlerror => replace_all(
            text,
            &[
                (
                    r"(\S+): cannot open shared object file: No such file or directory",
                    "Error loading shared library $1: No such file or directory",
                ),
                (r"\S+: undefined symbol: (\S+)", "Symbol not found: $1"),
            ],
        ),
        PairRelation::Assert => replace_all(
            text,
            &[(
                r"\S+: (\S+):(\d+): (\w+)[^:]*: Assertion `(.+)' failed\.",
                "Assertion failed: $4 ($1: $3: $2)",
            )],
        ),
        PairRelation::Getopt => replace_all(
            text,
            &[
                (r"invalid option -- '(.)'", "unrecognized option: $1"),
                (r"unrecognized option '--([^']+)'", "unrecognized option: $1"),
                (r"option requires an argument -- '(.)'", "option requires an argument: $1"),
                (r"option '--([^']+)' requires an argument", "option requires an argument: $1"),
            ],
        ),
        _ => text.to_owned(),
    }
}

fn replace_all(text: &str, forms: &[(&str, &str)]) -> String {
    let replace =
        |text: String, (from, to): &(&str, &str)| regex(from).replace_all(&text, *to).into_owned();
    forms.iter().fold(text.to_owned(), replace)
}

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the form is part of the executable, and tested")
}

fn texts() -> &'static [Text] {
    static TEXTS: OnceLock<Vec<Text>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let table: Table = toml::from_str(include_str!("../../rules/tables/libc-texts.toml"))
            .expect("the table is part of the executable, and tested");
        table.text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_in_two_texts() {
        let alike = |relation, a, b| {
            assert!(differ_only_by(relation, a, b), "{a} / {b}");
            assert!(differ_only_by(relation, b, a), "{b} / {a}");
        };
        alike(
            PairRelation::Errno,
            "cannot lock: Cannot allocate memory",
            "cannot lock: Out of memory",
        );
        alike(PairRelation::Errno, "(Unknown error 987)", "(No error information)");
        alike(PairRelation::Gai, "Name or service not known", "Name does not resolve");
        alike(PairRelation::Signal, "Floating point exception", "Arithmetic exception");
        alike(
            PairRelation::Dlerror,
            "libx.so: cannot open shared object file: No such file or directory",
            "Error loading shared library libx.so: No such file or directory",
        );
        alike(
            PairRelation::Assert,
            "prog: t.c:2: main: Assertion `1==2' failed.",
            "Assertion failed: 1==2 (t.c: main: 2)",
        );
        alike(PairRelation::Getopt, "x: invalid option -- 'Z'", "x: unrecognized option: Z");
    }

    #[test]
    fn another_thing_is_another_thing() {
        for (a, b) in [
            ("cannot lock: Cannot allocate memory", "cannot lock: I/O error"),
            ("1: Cannot allocate memory", "2: Out of memory"),
            ("same", "same"),
            ("", "Out of memory"),
        ] {
            assert!(!differ_only_by(PairRelation::Errno, a, b), "{a} / {b}");
        }
    }
}
