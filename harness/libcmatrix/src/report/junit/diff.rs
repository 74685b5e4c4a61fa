//! The comparison: what is worse in the candidate is a failure, what could not be compared an error.

use std::collections::HashMap;

use libcmatrix_schema::{Change, RunRecord};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Outputs, case, longest, message, text};
use crate::{
    failure::Result,
    report::{
        as_tests::{self, Judge, TestResult},
        sanitise::sanitise_line,
    },
};

/// Name of their suite, which no crate can have.
const RULES: &str = "rules of the verdict";

/// Writes the file: a suite for the rules of the verdict, and one for each test binary.
///
/// # Errors
/// It cannot be serialised: a bug.
pub fn render(record: &RunRecord) -> Result<String> {
    let mut report = Report::new(sanitise_line(&format!("{}: comparison", record.project.name)));
    report.add_test_suite(rules(record));
    let judge = Judge::of(record);
    let mut outputs = Outputs::new();
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut at: HashMap<&str, usize> = HashMap::new();
    for change in record.comparison.iter().flat_map(|comparison| &comparison.changes) {
        let binary = change.id.split_once('$').map_or(change.id.as_str(), |(binary, _)| binary);
        let n = *at.entry(binary).or_insert_with(|| {
            suites.push(TestSuite::new(sanitise_line(binary)));
            suites.len() - 1
        });
        suites[n].add_test_case(compared(&judge, change, &mut outputs));
    }
    report.add_test_suites(suites);
    text(&report)
}

fn compared(judge: &Judge<'_>, change: &Change, outputs: &mut Outputs) -> TestCase {
    let result = judge.result(change);
    let is_told = matches!(result, TestResult::Failure(_) | TestResult::Error(_));
    let mut status = status(result);
    if is_told {
        status.set_description(outputs.tell(&judge.description(change)));
    }
    let mut case = case(&change.id, status);
    if let Some(time) = judge.candidate(change).and_then(longest) {
        case.set_time(time);
    }
    case
}

fn rules(record: &RunRecord) -> TestSuite {
    let mut suite = TestSuite::new(RULES);
    for rule in record.verdict.iter().flat_map(|verdict| &verdict.rules) {
        let mut case = TestCase::new(sanitise_line(&rule.id), status(as_tests::of_rule(rule)));
        case.set_classname(RULES);
        suite.add_test_case(case);
    }
    suite
}

fn status(result: TestResult) -> TestCaseStatus {
    let (mut status, told) = match result {
        TestResult::Success => return TestCaseStatus::success(),
        TestResult::Skipped(told) => (TestCaseStatus::skipped(), told),
        TestResult::Failure(told) => (TestCaseStatus::non_success(NonSuccessKind::Failure), told),
        TestResult::Error(told) => (TestCaseStatus::non_success(NonSuccessKind::Error), told),
    };
    message(&mut status, &told.kind, &told.message);
    status
}
