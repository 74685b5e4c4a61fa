//! How what a failed assertion expected is related to what it got.

use std::sync::OnceLock;

use regex::Regex;

use super::super::{facts::Pair, libc_texts, rule::PairRelation};

/// Numbers this close differ in their last digits only: some units of the last place of a double,
/// which has 53 bits.
const LAST_DIGITS: f64 = 1e-12;

/// Whether the pair is in that relation.
pub(super) fn are(pair: &Pair, relation: PairRelation) -> bool {
    let (a, b) = (pair.expected.as_str(), pair.actual.as_str());
    match relation {
        PairRelation::Hours => hours_apart(a, b),
        PairRelation::LastDigits => last_digits(a, b),
        PairRelation::Order => pair.moved || other_order(a, b),
        PairRelation::Decimal => decimal_point(a, b) || (!pair.ordered && decimal_point(b, a)),
        PairRelation::Asterisks => asterisks(a, b) || (!pair.ordered && asterisks(b, a)),
        PairRelation::Nil => nil(a, b) || nil(b, a),
        PairRelation::Empty => pair.ordered && is_empty(b) && !is_empty(a),
        _ => libc_texts::differ_only_by(relation, a, b),
    }
}

/// Numbers with a comma in one text, and with a point in the other; equal but for that.
fn decimal_point(comma: &str, point: &str) -> bool {
    static COMMA: OnceLock<Regex> = OnceLock::new();
    let is_comma = COMMA.get_or_init(|| Regex::new(r"\d,\d").expect("a decimal comma"));
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '.' | ',' | '\'' | ' ' | '\u{a0}' | '\u{202f}'))
            .collect()
    };
    is_comma.is_match(comma)
        && comma != point
        && point.contains('.')
        && plain(comma) == plain(point)
        && comma.rfind(',') > comma.rfind('.')
}

/// Equal but for asterisks where the other has letters that are not ASCII, question marks for them, or a
/// plain letter or two.
fn asterisks(letters: &str, stars: &str) -> bool {
    let is_like = |(a, b): (char, char)| a == b || (b == '*' && (a == '?' || !a.is_ascii()));
    let is_sign_by_sign = letters != stars
        && letters.chars().count() == stars.chars().count()
        && letters.chars().zip(stars.chars()).all(is_like);
    is_sign_by_sign || stand_for_letters(letters, stars)
}

/// Whether asterisks within words stand for a letter or two. One after anything but a letter is a pattern for
/// files, and a row of them is a mask.
fn stand_for_letters(letters: &str, stars: &str) -> bool {
    let mut pieces = stars.split('*').peekable();
    let mut rest = letters;
    while let Some(piece) = pieces.next() {
        let Some(after) = rest.strip_prefix(piece) else { return false };
        let Some(next) = pieces.peek() else { return after.is_empty() && stars.contains('*') };
        let is_gap = |n: &usize| {
            after.get(..*n).is_some_and(|gap| gap.bytes().all(|b| b.is_ascii_alphabetic()))
                && after[*n..].starts_with(next)
        };
        let Some(gap) = (1..=2).find(is_gap) else { return false };
        if !piece.ends_with(char::is_alphabetic) {
            return false;
        }
        rest = &after[gap..];
    }
    false
}

/// Equal but for how the null pointer is written.
fn nil(a: &str, b: &str) -> bool {
    a.contains("(nil)") && ["0x0", "0", "(null)"].iter().any(|null| a.replace("(nil)", null) == b)
}

fn is_empty(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'').is_empty()
}

/// Two times of day with the same minutes and seconds, or two equal texts but for one number of hours.
fn hours_apart(a: &str, b: &str) -> bool {
    static TIME: OnceLock<Regex> = OnceLock::new();
    let time = TIME.get_or_init(|| {
        Regex::new(r"\b([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\b").expect("a time of day")
    });
    let (Some(x), Some(y)) = (time.captures(a), time.captures(b)) else { return false };
    let part =
        |captures: &regex::Captures<'_>, n: usize| captures.get(n).map(|m| m.as_str().to_owned());
    part(&x, 1) != part(&y, 1) && part(&x, 2) == part(&y, 2) && part(&x, 3) == part(&y, 3)
}

fn numbers(text: &str) -> (Vec<f64>, String) {
    static NUMBER: OnceLock<Regex> = OnceLock::new();
    let number = NUMBER
        .get_or_init(|| Regex::new(r"-?\d+\.\d+(?:[eE][-+]?\d+)?").expect("a decimal number"));
    let found = number.find_iter(text).filter_map(|m| m.as_str().parse().ok()).collect();
    (found, number.replace_all(text, "#").into_owned())
}

fn last_digits(a: &str, b: &str) -> bool {
    let ((x, around_x), (y, around_y)) = (numbers(a), numbers(b));
    let near = |(x, y): (&f64, &f64)| (x - y).abs() <= LAST_DIGITS * x.abs().max(y.abs());
    a != b
        && !x.is_empty()
        && x.len() == y.len()
        && around_x == around_y
        && x.iter().zip(&y).all(near)
}

fn other_order(a: &str, b: &str) -> bool {
    let items = |text: &str| -> Vec<String> {
        text.split(|c: char| c == ',' || c == '[' || c == ']' || c.is_whitespace())
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (mut x, mut y) = (items(a), items(b));
    let differ = x != y;
    x.sort_unstable();
    y.sort_unstable();
    differ && x.len() > 1 && x == y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_told_apart() {
        assert!(hours_apart("2024-01-05 16:30:00 PST", "2024-01-05 17:30:00 PDT"));
        assert!(!hours_apart("16:30", "16:30"));
        assert!(!hours_apart("16:30", "17:31"));
        assert!(last_digits("[0.1, 2.000000000000001]", "[0.1, 2.000000000000002]"));
        assert!(!last_digits("0.1", "0.2"));
        assert!(!last_digits("1", "1"));
        assert!(other_order("[a, b, c]", "[a, c, b]"));
        assert!(!other_order("[a, b]", "[a, b]"));
        assert!(!other_order("[a, b]", "[a, d]"));
        assert!(!other_order("a", "a"));
        assert!(decimal_point("1.234,56", "1,234.56"));
        assert!(decimal_point("12,34", "12.34"));
        assert!(!decimal_point("1,234.56", "1.234,56"));
        assert!(!decimal_point("12,34", "12.35"));
        assert!(asterisks("caf\u{e9}", "caf*"));
        assert!(asterisks("caf?", "caf*"));
        assert!(!asterisks("caf\u{e9}", "tea*"));
        assert!(asterisks("cafe", "caf*"));
        assert!(asterisks("Mueller, Strasse", "M*ller, Stra*e"));
        assert!(!asterisks("notes.txt", "notes.*"));
        assert!(!asterisks("secret", "s*****"));
        assert!(!asterisks("cafeteria", "caf*"));
        assert!(!asterisks("cafe", "cafe"));
        assert!(!asterisks("*", "*"));
        assert!(nil("at (nil)", "at 0"));
        assert!(!nil("at (nil)", "at 0x1"));
    }
}
