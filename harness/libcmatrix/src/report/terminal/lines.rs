//! Lines that keep to a width, counted in columns as a terminal has them: a letter of Chinese takes two.
//! Takes text that does nothing; appends lines.

use std::{borrow::Cow, fmt::Write};

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::super::sanitise::{sanitise, sanitise_line};

pub(in crate::report) const BOLD: Style = Style::new().bold();
pub(in crate::report) const DIM: Style = Style::new().dimmed();

/// A longer line or word of a tested program is cut.
const ROWS_OF_A_LINE: usize = 4;
/// However narrow the terminal is.
const LEAST_ROOM: usize = 20;

/// A paragraph behind a bullet, which may be styled, broken between words. A word that is too long for a line,
/// as a path may be, stays whole up to a few lines.
pub(in crate::report) fn wrapped(out: &mut String, bullet: &str, text: &str, width: usize) {
    let indent = anstream::adapter::strip_str(bullet).to_string().width();
    let room = width.saturating_sub(indent).max(LEAST_ROOM);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ').map(|word| cut(word, room * ROWS_OF_A_LINE)) {
        let last = lines.last_mut().expect("there is always a line");
        let has = last.width();
        if has > 0 && has + 1 + word.width() > room {
            lines.push(word.into_owned());
        } else {
            if has > 0 {
                last.push(' ');
            }
            last.push_str(&word);
        }
    }
    for (n, line) in lines.iter().enumerate() {
        let lead = if n == 0 { bullet.to_owned() } else { " ".repeat(indent) };
        let _ = writeln!(out, "{lead}{line}");
    }
}

/// The name of a test, on a line of its own so that it can be copied.
pub(super) fn heading(out: &mut String, name: &str, width: usize) {
    let _ = writeln!(out, "\n  {BOLD}{}{BOLD:#}", short(&sanitise_line(name), width));
}

/// A name, up to a few lines of it.
pub(super) fn short(name: &str, width: usize) -> Cow<'_, str> {
    cut(name, width * ROWS_OF_A_LINE)
}

/// Lines of a tested program, behind a bar, so that none of them can be taken for the report's own.
pub(super) fn quote<'a>(
    out: &mut String,
    lines: impl IntoIterator<Item = &'a str>,
    indent: &str,
    width: usize,
) {
    let room = width.saturating_sub(indent.width() + 2).max(LEAST_ROOM);
    for line in lines {
        for line in sanitise(line).lines() {
            let mut rest = &*cut(line, room * ROWS_OF_A_LINE);
            loop {
                let (shown, more) = rest.split_at(fitting(rest, room));
                let _ = writeln!(out, "{indent}{DIM}|{DIM:#} {shown}");
                if more.is_empty() {
                    break;
                }
                rest = more;
            }
        }
    }
}

/// Says what is not shown, and where it is.
pub(in crate::report) fn more(out: &mut String, n: usize, what: &str, place: Option<&str>) {
    if n > 0 {
        let plural = if n == 1 { "" } else { "s" };
        let place = place.map(|p| format!(": see {}", sanitise_line(p))).unwrap_or_default();
        let _ = writeln!(out, "  {DIM}and {n} more {what}{plural}{place}{DIM:#}");
    }
}

/// The beginning of a text that is wider than that, with an ellipsis.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return text.into();
    }
    format!("{}\u{2026}", &text[..fitting(text, width - 1)]).into()
}

/// Bytes of a text that fit into so many columns; a character at least, so that whoever goes on gets to the
/// end.
fn fitting(text: &str, width: usize) -> usize {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > width && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        let mut out = String::new();
        quote(&mut out, ["\u{30c6}".repeat(25).as_str()], "  ", 44);
        let line = format!("  {DIM}|{DIM:#} ");
        assert_eq!(
            out,
            format!("{line}{}\n{line}{}\n", "\u{30c6}".repeat(20), "\u{30c6}".repeat(5))
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_it_may_be(text in any::<String>(), width in 30usize..100) {
            let text = sanitise_line(&text);
            let mut out = String::new();
            quote(&mut out, [text.as_str()], "  ", width);
            wrapped(&mut out, &format!("  {DIM}-{DIM:#} "), &text, width);
            for line in anstream::adapter::strip_str(&out).to_string().lines() {
                let has_spaces = line.trim_start_matches([' ', '-', '|']).contains(' ');
                let most = if has_spaces || line.contains('|') { width } else { width * 4 };
                prop_assert!(line.width() <= most, "{width}: {line:?}");
            }
        }
    }
}
