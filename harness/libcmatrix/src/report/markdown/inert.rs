//! Text of tested programs as Markdown that does nothing: no markup, no HTML, no link, nobody's name
//! called, no reference to an issue or a commit.
//!
//! Escaping by backslashes would not do: GitHub and GitLab look for `@name`, `#1`, URLs and commits in
//! the text that is left *after* Markdown was read. They do not look into code. So a text is let out as
//! words that are known to be harmless, and everything else as code.

use std::fmt::Write;

use super::super::{cut, sanitise::sanitise, sanitise::sanitise_line};

/// Bytes of one line of output that are shown.
const LINE: usize = 500;
/// Words behind the one that opens a bracket, among which the one is looked for that closes it.
const WORDS_IN_BRACKETS: usize = 8;

/// As inline code, all of it.
pub(super) fn code(text: &str) -> String {
    let text = sanitise_line(text);
    if text.is_empty() {
        return "` `".into();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // Of a space at both ends, Markdown takes one away; a backtick must not touch the delimiter.
    let touches = |c: Option<char>| matches!(c, Some('`' | ' '));
    let is_blank = text.chars().all(|c| c == ' ');
    let needs_room = touches(text.chars().next()) || touches(text.chars().next_back());
    let room = if needs_room && !is_blank { " " } else { "" };
    format!("{ticks}{room}{text}{room}{ticks}")
}

/// As a sentence: harmless words stay words, the rest becomes code, and so does what stands between
/// backticks.
pub(super) fn prose(text: &str) -> String {
    let text = sanitise_line(text);
    let mut pieces: Vec<Piece> = Vec::new();
    let has_pairs = text.matches('`').count().is_multiple_of(2);
    let parts: Vec<&str> = if has_pairs { text.split('`').collect() } else { vec![text.as_str()] };
    let mut spaced = false;
    for (n, part) in parts.into_iter().enumerate() {
        let is_quoted = n % 2 == 1;
        if is_quoted {
            pieces.push(Piece { text: part.to_owned(), kind: Kind::Quoted, spaced });
            spaced = false;
            continue;
        }
        for (m, word) in words(part).into_iter().enumerate() {
            spaced |= m > 0;
            if !word.is_empty() {
                add_word(&mut pieces, &word, spaced);
                spaced = false;
            }
        }
    }
    let mut out = String::new();
    for piece in pieces.iter().filter(|piece| !piece.text.is_empty()) {
        let is_code = piece.kind != Kind::Word;
        // Two pieces of code that touch would be read as one with other delimiters.
        if !out.is_empty() && (piece.spaced || (is_code && out.ends_with('`'))) {
            out.push(' ');
        }
        out.push_str(&if is_code { code(&piece.text) } else { piece.text.clone() });
    }
    if out.is_empty() { code("") } else { out }
}

/// The words of a part; what stands in brackets that a word opens in its middle belongs to that word, as
/// `realpath(path, NULL)` does.
fn words(part: &str) -> Vec<String> {
    let all: Vec<&str> = part.split(' ').collect();
    let mut words = Vec::new();
    let mut rest = all.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let mut open = open_brackets(first);
        let mut more = 0;
        while open > 0 && more < WORDS_IN_BRACKETS && more < after.len() {
            open += balance(after[more]);
            more += 1;
        }
        let taken = if open > 0 { 0 } else { more };
        words.push(rest[..=taken].join(" "));
        rest = &after[taken..];
    }
    words
}

/// Brackets that a word opens and does not close. A parenthesis before a word is the sentence's.
fn open_brackets(word: &str) -> i32 {
    let inner = word.strip_prefix('(').unwrap_or(word);
    // What the sentence opens, it closes; `(*)(int` closes its own.
    balance(if lowest_balance(inner) < 0 { word } else { inner })
}

/// How many more brackets are opened than closed.
fn balance(text: &str) -> i32 {
    text.chars().map(bracket).sum()
}

/// The lowest of these numbers on the way.
fn lowest_balance(text: &str) -> i32 {
    let mut open = 0;
    text.chars().map(bracket).fold(0, |lowest, step| {
        open += step;
        lowest.min(open)
    })
}

fn bracket(c: char) -> i32 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}

/// A piece of a sentence.
struct Piece {
    text: String,
    kind: Kind,
    /// Whether a space stands before it.
    spaced: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Harmless.
    Word,
    /// Harmless as code only.
    Odd,
    /// Was between backticks.
    Quoted,
}

fn add_word(pieces: &mut Vec<Piece>, word: &str, spaced: bool) {
    let piece = |text: &str, kind, spaced| Piece { text: text.to_owned(), kind, spaced };
    if is_harmless(word, pieces.is_empty()) {
        return pieces.push(piece(word, Kind::Word, spaced));
    }
    let (open, bare, marks) = without_marks(word);
    match pieces.last_mut() {
        // Right behind what was between backticks.
        Some(last) if bare.is_empty() && !spaced && last.kind == Kind::Quoted => {
            pieces.push(piece(word, Kind::Word, false));
        }
        _ if bare.is_empty() => pieces.push(piece(word, Kind::Odd, spaced)),
        // Odd words in a row are one piece; punctuation around them stays outside.
        Some(last) if open.is_empty() && spaced && last.kind == Kind::Odd => {
            last.text.push(' ');
            last.text.push_str(bare);
            pieces.push(piece(marks, Kind::Word, false));
        }
        _ => {
            pieces.push(piece(open, Kind::Word, spaced));
            pieces.push(piece(bare, Kind::Odd, spaced && open.is_empty()));
            pieces.push(piece(marks, Kind::Word, false));
        }
    }
    pieces.retain(|piece| !piece.text.is_empty() || piece.kind == Kind::Quoted);
}

/// A parenthesis that the sentence opens, the word itself with its own brackets, and a few marks that end
/// it.
fn without_marks(word: &str) -> (&str, &str, &str) {
    let end = word.trim_end_matches([')', ',', '.', ';', ':', '?']).len();
    let bare = &word[..end];
    let is_sentences = bare.starts_with('(') && lowest_balance(&bare[1..]) >= 0;
    let (open, bare) = bare.split_at(usize::from(is_sentences));
    // Parentheses that the word has opened are its own.
    let own = usize::try_from(balance(bare)).unwrap_or(0);
    let mut closing = word[end..].char_indices().filter(|(_, c)| *c == ')');
    let end = match own.checked_sub(1).and_then(|last| closing.nth(last)) {
        Some((at, _)) => end + at + 1,
        None => end,
    };
    let (bare, marks) = (&word[open.len()..end], &word[end..]);
    if marks.len() > 3 { ("", word, "") } else { (open, bare, marks) }
}

/// Whether a word can do nothing, wherever it stands; `first`: at the beginning of a block, too.
fn is_harmless(word: &str, first: bool) -> bool {
    if first && word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['.', ')']) {
        // It would begin a list.
        return false;
    }
    let (_, bare, _) = without_marks(word);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic());
    // 7 hexadecimal digits or more may be a commit.
    let is_commit = bare.len() >= 7 && bare.bytes().all(|b| b.is_ascii_hexdigit());
    let is_plain = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric());
    // A number, with a sign, with points: `-89`, `0.05`, `1.96.0`.
    let is_number = bare.strip_prefix(['-', '+']).unwrap_or(bare).split('.').all(is_digits);
    // `GH-1` and the like are references; words with hyphens have letters on both sides.
    let is_compound = bare.split(['-', '\'']).all(is_letters);
    bare == "%" || (!is_commit && (is_plain || is_number || is_compound))
}

/// A line out of a log as code, a sentence as a sentence. Which of both it is shows in its quotes, braces
/// and the like.
pub(super) fn evidence(text: &str) -> String {
    if text.contains(['{', '}', '"', '<', '>', '=', '|', '\\', '\'']) {
        code(text)
    } else {
        prose(text)
    }
}

/// As a cell of a table.
pub(super) fn cell(text: &str) -> String {
    // A bar ends a cell, in code as well.
    prose(&cut::line(&sanitise_line(text).replace('|', "\u{a6}"), LINE))
}

/// As a name in the head of a table.
pub(super) fn name_in_cell(text: &str) -> String {
    code(&cut::line(&sanitise_line(text).replace('|', "\u{a6}"), LINE))
}

/// Lines as a block of code.
pub(super) fn block<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let text: Vec<String> = lines
        .into_iter()
        .flat_map(|line| sanitise(line).lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| cut::line(&line, LINE))
        .collect();
    let text = text.join("\n");
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    let mut out = String::new();
    let _ = write!(out, "{fence}text\n{text}\n{fence}\n");
    out
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What Markdown makes of it: the text, and whether there is anything but words and code.
    fn read(markdown: &str) -> (String, Vec<String>) {
        let (mut text, mut other) = (String::new(), Vec::new());
        for event in Parser::new_ext(markdown, Options::ENABLE_GFM | Options::ENABLE_TABLES) {
            match event {
                Event::Text(words) | Event::Code(words) => text.push_str(&words),
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                event => other.push(format!("{event:?}")),
            }
        }
        (text, other)
    }

    fn outside_of_code(markdown: &str) -> String {
        let events = Parser::new(markdown);
        events
            .filter_map(|e| if let Event::Text(t) = e { Some(t.to_string()) } else { None })
            .collect()
    }

    fn squeezed(text: &str) -> String {
        text.chars().filter(|c| !matches!(c, '`' | ' ')).collect()
    }

    #[test]
    fn sentences_are_readable() {
        let said = "1 test regressed: thread-stack$overflows_the_stack (0.01 s), 5 of 7 alike";
        let shown = "1 test regressed: `thread-stack$overflows_the_stack` (0.01 s), 5 of 7 alike";
        assert_eq!(prose(said), shown);
        let said = "the 130 KiB stack of thread `overflows_the_s`, in descend (/work/src/c/t.c:13)";
        let shown =
            "the 130 KiB stack of thread `overflows_the_s`, in descend (`/work/src/c/t.c:13`)";
        assert_eq!(prose(said), shown);
    }

    #[test]
    fn names_links_and_references_become_code() {
        for odd in [
            "@octocat",
            "#12",
            "GH-12",
            "a/b#1",
            "https://x.example/",
            "www.x.example",
            "a@b.example",
            "<img/src=x>",
            "**",
            "-",
            "+",
            "#",
            ">",
            "0badcafe1",
            "!7",
            "~x",
            ":tada",
            "$x$",
            "JIRA-12",
            "|",
            "\\",
            "&lt",
        ] {
            assert_eq!(prose(odd), format!("`{odd}`"));
            assert_eq!(prose(&format!("see {odd}")), format!("see `{odd}`"));
        }
        // What would begin a list, where a list could begin.
        assert_eq!((prose("1. a"), prose("a 1.")), ("`1`. a".into(), "a 1.".into()));
        assert_eq!(prose("-89 % (+1.50 %), rustc 1.96.0"), "-89 % (+1.50 %), rustc 1.96.0");
        assert_eq!(prose("a/b, c/d; (e/f)."), "`a/b`, `c/d`; (`e/f`).");
        assert_eq!(prose("a/b c/d"), "`a/b c/d`");
        assert_eq!(prose("[a](b) &lt;"), "`[a](b) &lt`;");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!((prose(""), code("")), ("` `".into(), "` `".into()));
    }

    #[test]
    fn brackets_stay_with_their_words() {
        for (said, shown) in [
            ("In [features], add x.", "In `[features]`, add x."),
            ("(see [features])", "(see `[features]`)"),
            ("call f(), or g(x).", "call `f()`, or `g(x)`."),
            ("take realpath(path, NULL) for it", "take `realpath(path, NULL)` for it"),
            ("libc [\"musl\", \"glibc\"].", "libc `[\"musl\", \"glibc\"]`."),
            ("void (*)(int) for it", "void `(*)(int)` for it"),
            ("(f(x)) and (yes)", "(`f(x)`) and (yes)"),
            ("open( and nothing", "`open(` and nothing"),
        ] {
            assert_eq!(prose(said), shown);
        }
    }

    #[test]
    fn a_block_cannot_be_left() {
        let lines = ["```", "</details>", "~~~", "````text", "::error::x"];
        assert_eq!(block(lines), "`````text\n```\n</details>\n~~~\n````text\n: :error::x\n`````\n");
    }

    proptest! {
        #[test]
        fn any_text_is_inert(text in any::<String>()) {
            inert(&text)?;
        }

        #[test]
        fn text_built_to_break_out_is_inert(
            text in "(`|``|\\*|_|\\(|\\)|\\[|\\]|f\\(|<b>|</details>|@a|#1|\\[x\\]\\(y\\)| |  |\\\\|\\||\n|\\.|,|a|1|www\\.a\\.b|:|http://a|&amp;){0,20}"
        ) {
            inert(&text)?;
        }
    }

    fn inert(text: &str) -> Result<(), TestCaseError> {
        let clean = squeezed(&sanitise_line(text));
        for shown in [prose(text), code(text)] {
            let (read_text, other) = read(&shown);
            prop_assert!(other.is_empty(), "{shown:?}: {other:?}");
            prop_assert_eq!(&squeezed(&read_text), &clean, "{}", shown);
            let words = outside_of_code(&shown);
            prop_assert!(
                !words.contains(['@', '#', '/', '<', '&', '!', '~', '$', '|', '[', '*', '_']),
                "{words}"
            );
            prop_assert!(!words.contains("www."));
        }
        let (read_block, other) = read(&block([text]));
        prop_assert_eq!(other.len(), 2, "{:?}", other);
        prop_assert!(other[0].starts_with("Start(CodeBlock"), "{:?}", other);
        prop_assert!(read_block.len() <= sanitise(text).len() + 1);
        Ok(())
    }
}
