//! The comparison for a test harness (the crate `libcmatrix-test`): an object a line, one for each test that
//! was compared, and a last one for the verdict. Pure: takes the record; gives JSON lines.
//!
//! `name` is the test's id; `status` is `passed`, or `failed` where it is worse in the candidate; `text`, of
//! those that failed, says why. All of it is harmless text for terminals. A test that could not be compared has no
//! line: the verdict tells of it.

use libcmatrix_schema::{RunRecord, VerdictOutcome};
use serde::Serialize;

use super::{
    as_tests::{Judge, TestResult},
    cut,
    sanitise::{sanitise, sanitise_line},
};
use crate::failure::{Failure, Result};

/// Name of the last one, which no test can have: ids of tests have a package's name.
const VERDICT: &str = "the verdict is go";
/// Bytes of one text.
const TEXT: usize = 16 << 10;

#[derive(Serialize)]
struct Line {
    name: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Passed,
    Failed,
}

impl Line {
    fn new(name: &str, failure: Option<String>) -> Self {
        let status = if failure.is_some() { Status::Failed } else { Status::Passed };
        let text = failure.map(|text| sanitise(&cut::middle(&text, TEXT)));
        Self { name: sanitise_line(name), status, text }
    }
}

/// Writes them.
///
/// # Errors
/// One cannot be serialised: a bug.
pub fn render(record: &RunRecord) -> Result<String> {
    let judge = Judge::of(record);
    let changes = record.comparison.iter().flat_map(|comparison| &comparison.changes);
    let tests = changes.filter_map(|change| match judge.result(change) {
        TestResult::Success | TestResult::Skipped(_) => Some(Line::new(&change.id, None)),
        TestResult::Failure(told) => {
            let text = format!("{}: {}\n{}", told.kind, told.message, judge.description(change));
            Some(Line::new(&change.id, Some(text)))
        }
        TestResult::Error(_) => None,
    });
    let mut out = String::new();
    for line in tests.chain([verdict(record)]) {
        out += &serde_json::to_string(&line)
            .map_err(|e| Failure::bug("a trial cannot be serialised").because(e))?;
        out.push('\n');
    }
    Ok(out)
}

fn verdict(record: &RunRecord) -> Line {
    let failure = match &record.verdict {
        Some(verdict) if verdict.outcome == VerdictOutcome::Go => None,
        Some(verdict) => {
            let reasons =
                verdict.reasons.iter().map(|reason| format!("- {}", sanitise_line(reason)));
            let answer = format!("the answer is {}", verdict.outcome);
            let run = format!("run {}", record.run_id);
            Some([answer].into_iter().chain(reasons).chain([run]).collect::<Vec<_>>().join("\n"))
        }
        None => Some("there is no answer: the run did not come to its end".to_owned()),
    };
    Line::new(VERDICT, failure)
}
