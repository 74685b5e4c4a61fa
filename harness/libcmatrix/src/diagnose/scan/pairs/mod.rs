//! What failed assertions compared, in the forms of the common test harnesses.
//!
//! Takes lines; adds pairs to the facts. A pair stands on one line, on two lines that each name their half,
//! or in a difference of two texts.

mod difference;
mod halves;
mod one_line;

use super::{
    super::facts::{Facts, Pair},
    KEPT, KEPT_LINE_BYTES, hit,
};

/// Words of which a line of a failed assertion has one.
pub(super) const WORDS: &[&str] = &[
    "left",
    "Left",
    "LEFT",
    "right",
    "Right",
    "RIGHT",
    "expected",
    "Expected",
    "EXPECTED",
    "actual",
    "Actual",
    "ACTUAL",
    "received",
    "Received",
    "RECEIVED",
    "want",
    "Want",
    "WANT",
    "got",
    "Got",
    "GOT",
    " != ",
    " == ",
    "- ",
    "+ ",
    "@@ ",
    "=DIFF",
    "│-",
    "│+",
    "Result was:",
    "Result should have been",
    "Passed in:",
    "to equal",
    "to contain substring",
    "not equal to",
    "instead found this",
    "' failed",
];

/// Two texts that were compared.
struct Compared {
    expected: String,
    actual: String,
    /// Whether it is known which is which.
    ordered: bool,
}

/// Reads line by line.
#[derive(Debug, Default)]
pub(super) struct Collector {
    halves: halves::Halves,
    difference: difference::Difference,
    is_full: bool,
}

impl Collector {
    /// Whether something has begun, so that every line is of interest.
    pub(super) fn is_reading(&self) -> bool {
        !self.is_full && (self.halves.is_waiting() || self.difference.is_open())
    }

    pub(super) fn line(&mut self, text: &str, number: u64, facts: &mut Facts) {
        self.is_full = facts.pairs.len() >= KEPT;
        if self.is_full || text.len() > KEPT_LINE_BYTES * 4 {
            return;
        }
        let mut add = |compared: Compared, moved| {
            let Compared { expected, actual, ordered } = compared;
            facts.pairs.push(Pair { expected, actual, ordered, moved, hit: hit(number, text) });
        };
        if let Some(compared) = one_line::read(text) {
            add(compared, false);
        } else if let Some(found) = self.difference.line(text, number) {
            match found {
                difference::Found::Changed(compared) => add(compared, false),
                difference::Found::Moved(line) => {
                    let compared =
                        Compared { expected: line.clone(), actual: line, ordered: false };
                    add(compared, true);
                }
                difference::Found::Nothing => {}
            }
        } else if let Some(compared) = self.halves.line(text, number) {
            add(compared, false);
        }
    }
}

/// A value without what harnesses put around it.
fn bare(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', '␃']);
    let text = ["is equal to ", "(string) ", "<string>: "]
        .iter()
        .find_map(|before| text.strip_prefix(before))
        .unwrap_or(text);
    let inner = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    let quotes = [('"', '"'), ('\'', '\''), ('`', '`'), ('<', '>')];
    quotes.into_iter().find_map(|(open, close)| inner(open, close)).unwrap_or(text).to_owned()
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
        for (text, ordered) in [
            // Rust, Elixir.
            ("  left: \"x y\"\n right: \"z\"", false),
            ("  left: `x y`,\n right: `z`", false),
            // GoogleTest, Jest, TAP, Go, Haskell, Python's unittest.
            ("Expected: is equal to \"x y\"\n  Actual: \"z\"", true),
            ("    Expected: \"x y\"\n    Received: \"z\"", true),
            ("  actual  : z\n  expected: x y", true),
            ("a_test.go:9: got \"z\", want \"x y\"", true),
            ("expected 'x y' but got 'z'", true),
            ("AssertionError: 'x y' != 'z'", false),
            ("- x y\n?  ^\n\n+ z", false),
            // GoogleTest, the value first or last.
            ("Expected equality of these values:\n  f(1)\n    Which is: \"x y\"\n  \"z\"", false),
            ("Expected equality of these values:\n  \"x y\"\n  f(1)\n    Which is: \"z\"", false),
            // Catch2, doctest, Boost, GLib, cmocka, Check.
            ("with expansion:\n  \"x y\" == \"z\"", false),
            ("  values: CHECK( x y == z )", false),
            ("t.cc(19): error: in \"a\": check s == t has failed [x y != z]", false),
            ("ERROR:t.c:4:f: assertion failed (a == \"b\"): (\"x y\" == \"z\")", false),
            ("\"x y\" != \"z\"", false),
            ("Assertion 'a == b' failed: a == \"x y\", b == \"z\"", false),
            // pytest, Julia, XCTest, Chai, JUnit, EUnit, clojure.test.
            ("E   AssertionError: assert 'x y' == 'z'", false),
            ("   Evaluated: \"x y\" == \"z\"", false),
            ("XCTAssertEqual failed: (\"x y\") is not equal to (\"z\")", false),
            ("AssertionError: expected 'z' to equal 'x y'", true),
            ("org.junit.ComparisonFailure: expected:<x y> but was:<z>", true),
            ("{expected,\"x y\"},{value,\"z\"}", true),
            ("  actual: (not (= \"x y\" \"z\"))", true),
            // Tcl, busted, Gomega, Zig, Bats.
            ("---- Result was:\nz\n---- Result should have been (exact matching):\nx y", true),
            ("Passed in:\n(string) 'z'\nExpected:\n(string) 'x y'", true),
            ("  Expected\n      <string>: z\n  to equal\n      <string>: x y", true),
            ("= expected this output: =\nx y␃\n= instead found this: =\nz␃", true),
            ("#   `[ \"$output\" = \"x y\" ]' failed\n# z", true),
            // Differences.
            ("@@ -1 +1 @@\n-x y\n+z", false),
            ("--- Expected\n+++ Actual\n@@ @@\n-'x y'\n+'z'", true),
            ("========DIFF========\n001- x y\n001+ z", true),
            ("+ expected - actual\n\n-z\n+x y", true),
            ("    1       │-x y\n          1 │+z", false),
        ] {
            assert_eq!(read(text), x_y(ordered), "{text}");
        }
    }

    #[test]
    fn nothing_is_a_value() {
        assert_eq!(read("expected : x\nactual   :\n--"), [("x".into(), String::new(), true)]);
        assert_eq!(read("--- expect\n@@ -1 +1 @@\n-x\n+"), [("x".into(), String::new(), true)]);
    }

    #[test]
    fn a_line_that_only_moved_is_told() {
        let moved = |text: &str| {
            let facts = crate::diagnose::scan(text.as_bytes());
            facts.pairs.into_iter().map(|p| (p.expected, p.moved)).collect::<Vec<_>>()
        };
        assert_eq!(moved("@@ -1,3 +1,3 @@\n-one\n two\n+one"), [("one".to_owned(), true)]);
        assert_eq!(moved("@@ -1,3 +1,3 @@\n+one\n two\n-one"), [("one".to_owned(), true)]);
        assert_eq!(moved("@@ -1 +1 @@\n-one\n+two"), [("one".to_owned(), false)]);
    }

    #[test]
    fn halves_that_do_not_belong_together() {
        assert_eq!(read("left: 1\nleft: 2"), []);
        assert_eq!(read("left: 1\n\n\n\n\n\nright: 2"), []);
        assert_eq!(read("left: 1\nexpected: 2"), []);
        assert_eq!(read("-x\n+y"), [], "no difference has begun");
    }
}
