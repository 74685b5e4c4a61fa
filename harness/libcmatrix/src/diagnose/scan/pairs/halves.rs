//! Failed assertions that tell each value on a line of its own, or on the line after its name.

use std::sync::OnceLock;

use regex::Regex;

use super::{Compared, bare};

/// How many lines the second half may be behind the first.
const FAR: u64 = 4;

/// Which value a half tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Half {
    Expected,
    Actual,
    /// Rust's `left` and `right`: either may be the expected one.
    Left,
    Right,
    /// Lines of a difference without a head.
    Minus,
    Plus,
    /// `GoogleTest` shows both values, and calls neither expected.
    Shown,
}

/// Half of a pair, waiting for the other.
#[derive(Debug, Default)]
pub(super) struct Halves {
    first: Option<(Half, String, u64)>,
    /// The value of this one stands on the next line.
    awaited: Option<Half>,
    /// Until this line values are shown.
    shown_until: u64,
}

impl Halves {
    /// Whether the next line is a value, or may be one.
    pub(super) fn is_waiting(&self) -> bool {
        self.awaited.is_some() || self.shown_until > 0
    }

    pub(super) fn line(&mut self, text: &str, number: u64) -> Option<Compared> {
        if self.shown_until > 0 {
            if number > self.shown_until {
                self.shown_until = 0;
            } else if let Some(value) = shown(text) {
                return self.half(Half::Shown, value, number);
            }
        }
        if text.contains("Expected equality of these values") {
            (self.shown_until, self.first) = (number + FAR + 1, None);
            return None;
        }
        if let Some(expected) = bats(text) {
            self.first = Some((Half::Expected, expected, number));
            self.awaited = Some(Half::Actual);
            return None;
        }
        let awaited = self.awaited.take();
        if let Some(half) = name_alone(text) {
            self.awaited = Some(half);
        }
        let named = if self.awaited.is_some() { None } else { named(text) };
        match (awaited, self.awaited.is_some() || named.is_some()) {
            (Some(half), true) => {
                // The name of the other half follows at once: the value is empty.
                let pair = self.half(half, String::new(), number);
                let Some((half, value)) = named else { return pair };
                pair.or_else(|| self.half(half, value, number))
            }
            (Some(half), false) => {
                let value = text.trim().trim_start_matches("# ");
                let is_end = value.chars().all(|c| c == '-' || c == '=');
                self.half(half, if is_end { String::new() } else { bare(value) }, number)
            }
            (None, _) => {
                let (half, value) = named?;
                self.half(half, value, number)
            }
        }
    }

    fn half(&mut self, half: Half, value: String, number: u64) -> Option<Compared> {
        match self.first.take() {
            Some((first, other, at)) if first.other() == half && number - at <= FAR => {
                let (expected, actual) =
                    if half == Half::Expected { (value, other) } else { (other, value) };
                self.shown_until = 0;
                let ordered = matches!(half, Half::Expected | Half::Actual);
                Some(Compared { expected, actual, ordered })
            }
            _ => {
                self.first = Some((half, value, number));
                None
            }
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
            Self::Shown => Self::Shown,
        }
    }
}

/// The value that `GoogleTest` shows: of an expression, or of itself.
fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    let value = text.strip_prefix("Which is: ");
    let is_literal = || {
        (text.len() > 1 && text.starts_with('"') && text.ends_with('"'))
            || text.parse::<f64>().is_ok()
    };
    value.or_else(|| is_literal().then_some(text)).map(bare)
}

/// What a comparison in the shell expected, as Bats tells it; the output is on the next line.
fn bats(text: &str) -> Option<String> {
    let (comparison, _) =
        text.split_once(" ]' failed").or_else(|| text.split_once(" ]]' failed"))?;
    let (_, expected) = comparison.split_once("= \"")?;
    expected.strip_suffix('"').map(str::to_owned)
}

/// A line that says only whose value the next line is.
fn name_alone(text: &str) -> Option<Half> {
    static FORM: OnceLock<Regex> = OnceLock::new();
    let form = FORM.get_or_init(|| {
        Regex::new(
            r"(?:Result should have been\b.*:|\b(?i:expected|want|wanted)\s*:|expected this output:.*|^\s*to (?:equal|contain substring))(?P<expected>)$|(?:Result was:|Passed in:|\b(?i:actual|received|got)\s*:|instead found this:.*|^\s*(?:\[FAILED\] )?Expected)$",
        )
        .expect("a name alone")
    });
    let text = text.trim_end();
    if let Some(found) = form.captures(text) {
        return Some(if found.name("expected").is_some() { Half::Expected } else { Half::Actual });
    }
    None
}

fn named(text: &str) -> Option<(Half, String)> {
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
        Regex::new(r"^\s*(?:\S+\s+)?(?:(?P<sign>[-+])\s+|\S*\s*│(?P<bar>[-+]))(?P<value>\S.*)$")
            .expect("a sign")
    });
    let found = sign.captures(text)?;
    let sign = found.name("sign").or_else(|| found.name("bar"))?.as_str();
    Some((if sign == "-" { Half::Minus } else { Half::Plus }, bare(&found["value"])))
}
