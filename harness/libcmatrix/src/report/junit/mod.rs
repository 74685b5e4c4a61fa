//! Test results as JUnit XML, which every CI service shows: a file for each leg with what its tests did,
//! and one for the comparison, in which a regression is a failure. Pure: takes the record; gives XML.
//!
//! `classname` is the id of the test binary, `name` the test's own. Output is told of tests that did not
//! pass, and cut: GitLab takes 30 MB of a file (<https://docs.gitlab.com/ci/testing/unit_test_reports/>).
//! Control characters, most of which XML does not allow in any form, are shown as their pictures.

mod diff;
mod leg;

use libcmatrix_schema::{Leg, RunRecord, Test};
use quick_junit::{Report, TestCase, TestCaseStatus};

use super::{cut, sanitise::sanitise, sanitise::sanitise_line};
use crate::failure::{Failure, Result};

pub use diff::render as diff;
pub use leg::render as leg;

/// Bytes of one test's output.
const OUTPUT: usize = 16 << 10;
/// Bytes of all outputs of a file.
const OUTPUTS: usize = 8 << 20;
/// Bytes of a message.
const MESSAGE: usize = 1_000;

/// The legs that have a file of their own; those of experiments have none.
pub fn legs(record: &RunRecord) -> impl Iterator<Item = &Leg> {
    record.sides()
}

/// The file of a leg, `junit-<leg>.xml`.
#[must_use]
pub fn file_name(leg: &Leg) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = cut::head(&leg.name, 100).chars().map(plain).collect();
    // The comparison has the name `diff`.
    let end = if name == "diff" { "-leg" } else { "" };
    format!("junit-{name}{end}.xml")
}

/// Outputs as they are told, until there is no more room.
struct Outputs {
    left: usize,
}

impl Outputs {
    fn new() -> Self {
        Self { left: OUTPUTS }
    }

    fn tell(&mut self, output: &str) -> String {
        let text = sanitise(&cut::middle(output, OUTPUT));
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                text
            }
            None => "[left out: this file would be too long; run.json has it]".into(),
        }
    }
}

/// A case; of an id without a test's name it is about the whole binary.
fn case(id: &str, status: TestCaseStatus) -> TestCase {
    let (binary, name) = id.split_once('$').unwrap_or((id, "(the binary itself)"));
    let mut case = TestCase::new(sanitise_line(name), status);
    case.set_classname(sanitise_line(binary));
    case
}

fn message(status: &mut TestCaseStatus, kind: &str, text: &str) {
    status.set_type(sanitise_line(kind)).set_message(cut::line(&sanitise_line(text), MESSAGE));
}

/// The longest attempt, in seconds.
fn longest(test: &Test) -> Option<std::time::Duration> {
    let times = test.attempts.iter().filter_map(|attempt| attempt.wall_s);
    let longest = times.fold(None, |most: Option<f64>, s| Some(most.map_or(s, |most| most.max(s))));
    longest.and_then(|s| std::time::Duration::try_from_secs_f64(s).ok())
}

fn text(report: &Report) -> Result<String> {
    let xml = report
        .to_string()
        .map_err(|error| Failure::bug("the JUnit report cannot be written").because(error))?;
    // Jenkins' schema has this number of suites only, and its xUnit plugin keeps to the schema.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}
