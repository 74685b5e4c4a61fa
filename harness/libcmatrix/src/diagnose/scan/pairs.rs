//! What failed assertions compared, in the forms of the common test harnesses.

use std::sync::OnceLock;

use regex::Regex;

use super::{
    super::facts::{Facts, Pair},
    KEPT, KEPT_LINE_BYTES, hit,
};

/// Words of which a line of a failed assertion has one.
pub(super) const WORDS: &[&str] = &[
    "left", "Left", "LEFT", "right", "Right", "RIGHT", "expected", "Expected", "EXPECTED",
    "actual", "Actual", "ACTUAL", "received", "Received", "RECEIVED", "want", "Want", "WANT",
    "got", "Got", "GOT", " != ", "- ", "+ ",
];

/// Half of a pair, waiting for the other.
#[derive(Debug, Default)]
pub(super) struct Collector {
    first: Option<(Half, String, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Half {
    Expected,
    Actual,
    /// Rust's `left` and `right`: either may be the expected one.
    Left,
    Right,
    /// Lines of a difference.
    Minus,
    Plus,
}

/// How many lines the second half may be behind the first.
const FAR: u64 = 4;

impl Collector {
    pub(super) fn line(&mut self, text: &str, number: u64, facts: &mut Facts) {
        if facts.pairs.len() >= KEPT || text.len() > KEPT_LINE_BYTES * 4 {
            return;
        }
        if let Some((expected, actual, ordered)) = on_one_line(text) {
            facts.pairs.push(Pair { expected, actual, ordered, hit: hit(number, text) });
            return;
        }
        let Some((half, value)) = half_of(text) else { return };
        match self.first.take() {
            Some((first, other, at)) if first.other() == half && number - at <= FAR => {
                let (expected, actual) =
                    if half == Half::Expected { (value, other) } else { (other, value) };
                let ordered = matches!(half, Half::Expected | Half::Actual);
                facts.pairs.push(Pair { expected, actual, ordered, hit: hit(number, text) });
            }
            _ => self.first = Some((half, value, number)),
        }
    }
}

impl Half {
    fn other(self) -> Self {
        match self {
            Self::Expected => Self::Actual,
            Self::Actual => Self::Expected,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Minus => Self::Plus,
            Self::Plus => Self::Minus,
        }
    }
}

fn on_one_line(text: &str) -> Option<(String, String, bool)> {
    static FORMS: OnceLock<[(Regex, bool); 3]> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        let form = |text: &str| Regex::new(text).expect("a form of a failed assertion");
        [
            (form(r"(?i)\bgot:? (?P<a>.+?)[,;] (?:want|wanted|expected):? (?P<e>.+)$"), true),
            (
                form(r"(?i)\bexpected:? (?P<e>.+?),? (?:but )?(?:got|received|was):? (?P<a>.+)$"),
                true,
            ),
            (form(r"AssertionError: (?P<e>.+?) != (?P<a>.+)$"), false),
        ]
    });
    forms.iter().find_map(|(form, ordered)| {
        let found = form.captures(text)?;
        Some((bare(&found["e"]), bare(&found["a"]), *ordered))
    })
}

fn half_of(text: &str) -> Option<(Half, String)> {
    static NAMED: OnceLock<Regex> = OnceLock::new();
    static SIGN: OnceLock<Regex> = OnceLock::new();
    let named = NAMED.get_or_init(|| {
        Regex::new(r"(?:^|\s)(?P<name>(?i:left|right|expected|actual|received|got|want|wanted))\s*: ?(?P<value>.*)$")
            .expect("a named half")
    });
    if let Some(found) = named.captures(text) {
        let half = match found["name"].to_ascii_lowercase().as_str() {
            "left" => Half::Left,
            "right" => Half::Right,
            "expected" | "want" | "wanted" => Half::Expected,
            _ => Half::Actual,
        };
        return Some((half, bare(&found["value"])));
    }
    let sign = SIGN.get_or_init(|| {
        Regex::new(r"^\s*(?:\S+ )?(?P<sign>[-+]) (?P<value>\S.*)$").expect("a sign")
    });
    let found = sign.captures(text)?;
    let half = if &found["sign"] == "-" { Half::Minus } else { Half::Plus };
    Some((half, bare(&found["value"])))
}

/// A value without what harnesses put around it.
fn bare(text: &str) -> String {
    let text = text.trim().trim_end_matches(',');
    let text = text.strip_prefix("is equal to ").unwrap_or(text);
    let unquoted =
        ['"', '\'', '`'].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote));
    unquoted.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {

    fn read(text: &str) -> Vec<(String, String, bool)> {
        let facts = crate::diagnose::scan(text.as_bytes());
        facts.pairs.into_iter().map(|p| (p.expected, p.actual, p.ordered)).collect()
    }

    #[test]
    fn the_forms_of_the_common_harnesses() {
        let x_y = |ordered| vec![("x y".to_owned(), "z".to_owned(), ordered)];
        assert_eq!(read("  left: \"x y\"\n right: \"z\""), x_y(false));
        assert_eq!(read("  left: `x y`,\n right: `z`"), x_y(false));
        assert_eq!(read("Expected: is equal to \"x y\"\n  Actual: \"z\""), x_y(true));
        assert_eq!(read("    Expected: \"x y\"\n    Received: \"z\""), x_y(true));
        assert_eq!(read("  actual  : z\n  expected: x y"), x_y(true));
        assert_eq!(read("a_test.go:9: got \"z\", want \"x y\""), x_y(true));
        assert_eq!(read("expected 'x y' but got 'z'"), x_y(true));
        assert_eq!(read("AssertionError: 'x y' != 'z'"), x_y(false));
        assert_eq!(read("- x y\n?  ^\n\n+ z"), x_y(false));
    }

    #[test]
    fn halves_that_do_not_belong_together() {
        assert_eq!(read("left: 1\nleft: 2"), []);
        assert_eq!(read("left: 1\n\n\n\n\n\nright: 2"), []);
        assert_eq!(read("left: 1\nexpected: 2"), []);
    }
}
