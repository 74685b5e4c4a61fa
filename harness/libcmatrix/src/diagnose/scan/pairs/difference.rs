//! Differences of two texts, as `diff -u` and many harnesses print them.

use std::{collections::VecDeque, sync::OnceLock};

use regex::Regex;

use super::{Compared, bare};

/// Lines after a head that are looked at.
const LINES: u64 = 40;
/// A line of fewer characters says nothing by being elsewhere.
const TOLD_MOVED: usize = 3;

/// A difference that is being read.
#[derive(Debug, Default)]
pub(super) struct Difference {
    open_until: u64,
    last: u64,
    /// Whether what is taken away is what was expected, if that is known.
    minus_is_expected: Option<bool>,
    /// Lines with a sign that have no counterpart yet: `true` for added ones.
    alone: VecDeque<(bool, String)>,
    /// All lines with a sign.
    all: Vec<(bool, String)>,
}

/// What a line of a difference shows.
pub(super) enum Found {
    /// It stands in place of another.
    Changed(Compared),
    /// It only stands elsewhere.
    Moved(String),
    /// It is a part of it, and shows nothing yet.
    Nothing,
}

impl Difference {
    /// Whether the next line may be a part of it.
    pub(super) fn is_open(&self) -> bool {
        self.last < self.open_until
    }

    /// `None`: the line is no part of a difference.
    pub(super) fn line(&mut self, text: &str, number: u64) -> Option<Found> {
        self.last = number;
        if let Some(minus_is_expected) = head(text) {
            if minus_is_expected.is_some() || number > self.open_until {
                self.minus_is_expected = minus_is_expected;
            }
            self.open_until = number + LINES;
            self.alone.clear();
            self.all.clear();
            return Some(Found::Nothing);
        }
        if number > self.open_until {
            return None;
        }
        let (added, value) = signed(text)?;
        let is_counterpart = |(other_added, other): &(bool, String)| {
            *other_added != added && *other == value && value.len() >= TOLD_MOVED
        };
        if self.all.iter().any(is_counterpart) {
            self.alone.retain(|other| !is_counterpart(other));
            return Some(Found::Moved(value));
        }
        self.all.push((added, value.clone()));
        match self.alone.front() {
            Some((other_added, _)) if *other_added != added => {
                let (_, other) = self.alone.pop_front()?;
                let (minus, plus) = if added { (other, value) } else { (value, other) };
                let (expected, actual) = if self.minus_is_expected == Some(false) {
                    (plus, minus)
                } else {
                    (minus, plus)
                };
                let ordered = self.minus_is_expected.is_some();
                Some(Found::Changed(Compared { expected, actual, ordered }))
            }
            _ => {
                self.alone.push_back((added, value));
                Some(Found::Nothing)
            }
        }
    }
}

/// Whether a difference begins here; and if it says so, whether what is taken away was expected.
fn head(text: &str) -> Option<Option<bool>> {
    static HEAD: OnceLock<Regex> = OnceLock::new();
    let head = HEAD.get_or_init(|| {
        Regex::new(
            r"(?P<yes>^\s*(?:\S+ )*--- (?:\S*/)?(?i:[\w.-]*expect)|\+ actual - expected|=DIFF=)|(?P<no>^\s*(?:\S+ )*--- (?:\S*/)?(?i:actual|received|output)|\+ expected - actual)|^\s*(?:\S+ )*(?:@@ (?:-\d\S* \+\d\S* )?@@|\+\+\+ \S)",
        )
        .expect("a head")
    });
    let found = head.captures(text)?;
    let yes = found.name("yes").map(|_| true);
    Some(yes.or_else(|| found.name("no").map(|_| false)))
}

/// A line that was added or taken away; what CI systems put before it is left aside.
fn signed(text: &str) -> Option<(bool, String)> {
    static SIGN: OnceLock<Regex> = OnceLock::new();
    let sign = SIGN.get_or_init(|| {
        Regex::new(
            r"^\s*(?:#\d+ \d+\.\d+ |\d+-\d+-\d+T\S+ |\[[^\]]*\] |\d+|E\s+)?(?P<sign>[-+])(?P<value>.*)$",
        )
        .expect("a sign")
    });
    let found = sign.captures(text)?;
    Some((&found["sign"] == "+", bare(&found["value"])))
}
