//! What the tests of one leg did, whatever the other one did.

use std::{collections::HashMap, time::Duration};

use libcmatrix_schema::{AttemptStatus, Binary, Leg, Outcome, RunRecord, Step, StepStatus, Test};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Outputs, case, longest, message, text};
use crate::{
    failure::Result,
    report::{
        excerpt::diagnostic,
        sanitise::sanitise_line,
        terminal::changes::{in_words, outcome_in_words, telling},
    },
};

/// Lines of a compiler's message.
const LINES: usize = 40;
/// Name of the steps' suite, which no crate can have.
const STEPS: &str = "steps of this leg";

/// Writes the file of a leg: a suite for its steps, and one for each test binary.
///
/// # Errors
/// It cannot be serialised: a bug.
pub fn render(record: &RunRecord, leg: &Leg) -> Result<String> {
    let name = format!("{} on {}", record.project.name, leg.name);
    let mut report = Report::new(sanitise_line(&name));
    let mut outputs = Outputs::new();
    // Without it, a leg that was not built would look as if all were well.
    report.add_test_suite(steps(leg, &mut outputs));
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut at: HashMap<&str, usize> = HashMap::new();
    let mut suite_of = |suites: &mut Vec<TestSuite>, binary| {
        *at.entry(binary).or_insert_with(|| {
            suites.push(TestSuite::new(sanitise_line(binary)));
            suites.len() - 1
        })
    };
    for binary in &leg.binaries {
        let n = suite_of(&mut suites, binary.id.as_str());
        if let Some(case) = listing(binary, &mut outputs) {
            suites[n].add_test_case(case);
        }
    }
    for test in &leg.tests {
        let binary = test.id.split_once('$').map_or(test.id.as_str(), |(binary, _)| binary);
        let n = suite_of(&mut suites, binary);
        suites[n].add_test_case(of_test(test, &mut outputs));
    }
    for mut suite in suites {
        suite.extra.insert("timestamp".into(), sanitise_line(&record.started_at).into());
        report.add_test_suite(suite);
    }
    text(&report)
}

fn of_test(test: &Test, outputs: &mut Outputs) -> TestCase {
    let mut case = case(&test.id, status(test));
    if let Some(time) = longest(test) {
        case.set_time(time);
    }
    if let Some(attempt) = telling(test) {
        case.set_system_out(outputs.tell(&attempt.output));
    }
    case
}

fn status(test: &Test) -> TestCaseStatus {
    let mut status = match &test.outcome {
        // That processes were left behind is no failure of the test; the comparison tells of it.
        Outcome::Passed | Outcome::Leaked => return TestCaseStatus::success(),
        Outcome::Ignored => TestCaseStatus::skipped(),
        // Nobody tried, on purpose or since the run was stopped.
        Outcome::NotRun { .. } if test.attempts.is_empty() => TestCaseStatus::skipped(),
        Outcome::NotRun { .. } => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    message(&mut status, test.outcome.name(), &in_words(test));
    status
}

/// A binary that did not tell its tests.
fn listing(binary: &Binary, outputs: &mut Outputs) -> Option<TestCase> {
    let bad = binary.listing.as_ref().filter(|status| **status != AttemptStatus::Passed)?;
    let outcome = Outcome::from(bad);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let words = outcome_in_words(&outcome);
    message(&mut status, outcome.name(), &format!("its tests could not be listed: {words}"));
    let mut case = case(&binary.id, status);
    case.set_system_out(outputs.tell(&binary.listing_output));
    Some(case)
}

fn steps(leg: &Leg, outputs: &mut Outputs) -> TestSuite {
    let mut suite = TestSuite::new(STEPS);
    for step in &leg.steps {
        let mut case = TestCase::new(step.name.to_string(), step_status(step, outputs));
        case.set_classname(STEPS);
        if let Ok(time) = Duration::try_from_secs_f64(step.wall_s) {
            case.set_time(time);
        }
        suite.add_test_case(case);
    }
    suite
}

fn step_status(step: &Step, outputs: &mut Outputs) -> TestCaseStatus {
    let mut status = match step.status {
        StepStatus::Passed => return TestCaseStatus::success(),
        StepStatus::Skipped => return TestCaseStatus::skipped(),
        _ => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let detail = step.detail.as_deref().unwrap_or_default();
    message(&mut status, &step.status.to_string(), detail);
    if !step.diagnostics.is_empty() {
        let told = step.diagnostics.iter().map(|text| diagnostic(text, LINES).join("\n"));
        status.set_description(outputs.tell(&told.collect::<Vec<_>>().join("\n\n")));
    }
    status
}
