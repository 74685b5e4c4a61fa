//! Rust source made into a syntax tree. Pure, and safe on anything: a text whose tree would be too
//! deep for the stack is refused before it is parsed.
//!
//! The parser and everything that walks a tree call themselves once a level. What makes levels is
//! brackets, and within them what stands between two separators: each of `!!!!x`, `a + a + a` and
//! `else if` is one level a token.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A larger file is generated, or no source.
const LARGEST: usize = 8 << 20;
/// Tokens on the way from the root of the tree to a leaf. [`STACK`] is enough for it.
const DEEPEST: usize = 6_000;
/// Brackets in brackets: the lexer's own limit of comfort.
const BRACKETS: usize = 120;
/// What a thread needs that parses: measured, with room, for `DEEPEST` without optimisation.
pub const STACK: usize = 512 << 20;

/// Lexes a text; `None` where it is no Rust, or nothing that can be walked.
#[must_use]
pub fn tokens(text: &str) -> Option<TokenStream> {
    if text.len() > LARGEST || brackets(text) > BRACKETS {
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let stream: TokenStream = without_shebang(text).parse().ok()?;
    (depth(stream.clone()) <= DEEPEST).then_some(stream)
}

/// Parses a file.
#[must_use]
pub fn file(text: &str) -> Option<syn::File> {
    syn::parse2(tokens(text)?).ok()
}

/// A first line `#!` that is no attribute; it stays as an empty line, so that the others keep their numbers.
fn without_shebang(text: &str) -> &str {
    let is_shebang = text.starts_with("#!") && !text[2..].trim_start().starts_with('[');
    match text.find('\n').filter(|_| is_shebang) {
        Some(end) => &text[end..],
        None => text,
    }
}

/// The most brackets that are open at once, those in strings and comments counted as well.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// The longest way from the root to a leaf, counted in tokens.
fn depth(stream: TokenStream) -> usize {
    let mut deepest = 0;
    let mut pending = vec![(stream, 0)];
    while let Some((stream, above)) = pending.pop() {
        let mut run = above;
        let mut rest = stream.into_iter().peekable();
        while let Some(token) = rest.next() {
            run += 1;
            deepest = deepest.max(run);
            let ends = match &token {
                TokenTree::Punct(p) => matches!(p.as_char(), ',' | ';'),
                // What follows a block begins something new, unless it goes on with it.
                TokenTree::Group(g) => {
                    g.delimiter() == Delimiter::Brace
                        && match rest.peek() {
                            Some(TokenTree::Ident(next)) => next != "else" && next != "as",
                            Some(TokenTree::Punct(next)) => next.as_char() == '#',
                            Some(TokenTree::Group(_)) => false,
                            _ => true,
                        }
                }
                _ => false,
            };
            if let TokenTree::Group(group) = token {
                pending.push((group.stream(), run));
            }
            if ends {
                run = above;
            }
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread};

    use proptest::prelude::*;

    use super::*;
    use crate::hazards::source::{
        condition::{Conditions, Truth},
        uses,
    };

    /// Parses and walks, as it is done for real.
    fn parses(text: String) -> bool {
        let parse = move || {
            let conditions =
                Conditions::new("x86_64-unknown-linux-musl", BTreeSet::new(), true).expect("known");
            let tree = file(&text);
            let wanted = ["open64".to_owned()].into();
            tree.map(|t| uses::seen(&t, &conditions, &wanted, Truth::Yes, false)).is_some()
        };
        let thread = thread::Builder::new().stack_size(STACK).spawn(parse).expect("a thread");
        thread.join().expect("no panic")
    }

    #[test]
    fn ordinary_files() {
        assert!(parses("#!/usr/bin/env run\nfn main() { println!(\"{}\", 1); }".into()));
        assert!(parses("#![allow(dead_code)]\npub struct A;".into()));
        assert!(!parses("fn (".into()));
        let table = format!("pub const T: [u8; 50000] = [{}];", "1,".repeat(50_000));
        assert!(parses(table));
        let items = "#[test] fn f() { if a { b() } else { c() } }\n".repeat(5_000);
        assert!(parses(items));
    }

    #[test]
    fn what_is_deep_is_refused_or_survived() {
        let around = |s: String| format!("fn f() {{ let x = {s}; }}");
        for n in [50, 1_400, 5_900, 60_000] {
            for text in [
                around(format!("{}1{}", "(".repeat(n), ")".repeat(n))),
                around(format!("{}1", "!".repeat(n))),
                around(format!("{}1", "&".repeat(n))),
                around(format!("1{}", " + 1".repeat(n))),
                around(format!("1{}", " as u8".repeat(n))),
                around(format!("a{}", ".b()".repeat(n))),
                around(format!("a{}", "?".repeat(n))),
                around(format!("{} {{}}", "if a {} else".repeat(n))),
                around(format!("{}1", "|x| ".repeat(n))),
                around(format!("{}1", "return ".repeat(n))),
                around(format!("{}u8{}", "Vec::<".repeat(n), ">".repeat(n))),
                around(format!("{{}}{}", " - {}".repeat(n))),
                format!("m!({}1)", "m!(".repeat(n)),
                format!("m! {{ {} }}", "a + ".repeat(n)),
                format!("cfg_if! {{ if #[cfg({}unix)] {{}} }}", "not(".repeat(n)),
                format!("type T = {}u8;", "&".repeat(n)),
                format!("type T = {}u8;", "fn() -> ".repeat(n)),
                format!("use {}a;", "a::".repeat(n)),
                format!("fn f() {{ match x {{ {}1 => (), }} }}", "1 | ".repeat(n)),
                format!("{}{}", "mod a {".repeat(n), "}".repeat(n)),
                "{".repeat(n),
                "/*".repeat(n),
            ] {
                parses(text);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn anything_may_come(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parses(String::from_utf8_lossy(&bytes).into_owned());
        }

        #[test]
        fn pieces_of_rust_in_any_order(
            text in "(fn |use |libc|::|\\*|\\{|\\}|\\(|\\)|extern |\"C\" |#\\[cfg\\(|\\)\\]|unix|;|,|=|mod |a |1|'a|\"|!|cfg_if!|if |else ){0,60}"
        ) {
            parses(text);
        }
    }
}
