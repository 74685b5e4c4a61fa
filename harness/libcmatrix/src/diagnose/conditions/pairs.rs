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
        PairRelation::Order => other_order(a, b),
        PairRelation::Empty => pair.ordered && is_empty(b) && !is_empty(a),
        _ => libc_texts::differ_only_by(relation, a, b),
    }
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
    }
}
