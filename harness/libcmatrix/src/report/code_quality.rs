//! Findings as GitLab's code quality report, which merge requests show. Pure: takes the record; gives JSON.
//!
//! The keys that GitLab reads: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use libcmatrix_schema::RunRecord;
use serde_json::{Value, json};

use super::{
    issue::{Issue, Level, issues},
    sanitise::sanitise_line,
};
use crate::failure::{Failure, Result};

/// Writes the report.
///
/// # Errors
/// It cannot be serialised: a bug.
pub fn render(record: &RunRecord) -> Result<String> {
    let all: Vec<Value> = issues(record).iter().map(entry).collect();
    serde_json::to_string_pretty(&all)
        .map(|text| text + "\n")
        .map_err(|e| Failure::bug("the code quality report cannot be written").because(e))
}

fn entry(issue: &Issue<'_>) -> Value {
    // `blocker` and `critical` are left to what stops a service.
    let severity = match issue.level {
        Level::Error => "major",
        Level::Warning => "minor",
        Level::Note => "info",
    };
    json!({
        "description": issue.text(),
        "check_name": sanitise_line(&issue.finding.code),
        "fingerprint": issue.fingerprint,
        "severity": severity,
        "location": { "path": issue.place.path, "lines": { "begin": issue.place.line } },
    })
}
