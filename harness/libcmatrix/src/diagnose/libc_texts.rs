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
        PairRelation::Dlerror | PairRelation::Assert | PairRelation::Getopt => {
            let forms = forms().iter().filter(|form| form.kind == relation);
            forms.fold(text.to_owned(), |text, form| {
                form.glibc.replace_all(&text, form.musl).into_owned()
            })
        }
        _ => text.to_owned(),
    }
}

/// A text with something in it: how glibc says it, and musl.
struct Form {
    kind: PairRelation,
    glibc: Regex,
    musl: &'static str,
}

fn forms() -> &'static [Form] {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    FORMS.get_or_init(|| {
        [
            (
                PairRelation::Dlerror,
                r"(\S+): cannot open shared object file: No such file or directory",
                "Error loading shared library $1: No such file or directory",
            ),
            (PairRelation::Dlerror, r"\S+: undefined symbol: (\S+)", "Symbol not found: $1"),
            (
                PairRelation::Assert,
                r"\S+: (\S+):(\d+): (\w+)[^:]*: Assertion `(.+)' failed\.",
                "Assertion failed: $4 ($1: $3: $2)",
            ),
            (
                PairRelation::Getopt,
                r"(?:invalid option -- '|unrecognized option '--)([^']+)'",
                "unrecognized option: $1",
            ),
            (
                PairRelation::Getopt,
                r"option (?:requires an argument -- '([^'])'|'--([^']+)' requires an argument)",
                "option requires an argument: $1$2",
            ),
        ]
        .map(|(kind, glibc, musl)| Form { kind, glibc: regex(glibc), musl })
        .into()
    })
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
