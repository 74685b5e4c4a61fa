//! The comparison: what is worse in the candidate is a failure, what could not be compared an error.

use std::collections::HashMap;

use libcmatrix_schema::{
    Change, ChangeKind, Finding, Role, Rule, RuleStatus, RunRecord, VerdictOutcome,
};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Outputs, case, longest, message, text};
use crate::{
    failure::Result,
    report::{
        excerpt::excerpt,
        sanitise::sanitise_line,
        terminal::changes::{Side, meaning},
    },
};

/// Lines of output from each side.
const LINES: usize = 30;

/// Name of their suite, which no crate can have.
const RULES: &str = "rules of the verdict";

/// Writes the file: a suite for the rules of the verdict, and one for each test binary.
///
/// # Errors
/// It cannot be serialised: a bug.
pub fn render(record: &RunRecord) -> Result<String> {
    let mut report = Report::new(sanitise_line(&format!("{}: comparison", record.project.name)));
    report.add_test_suite(rules(record));
    let comparer = Comparer::of(record);
    let mut outputs = Outputs::new();
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut at: HashMap<&str, usize> = HashMap::new();
    for change in record.comparison.iter().flat_map(|comparison| &comparison.changes) {
        let binary = change.id.split_once('$').map_or(change.id.as_str(), |(binary, _)| binary);
        let n = *at.entry(binary).or_insert_with(|| {
            suites.push(TestSuite::new(sanitise_line(binary)));
            suites.len() - 1
        });
        suites[n].add_test_case(comparer.case(change, &mut outputs));
    }
    report.add_test_suites(suites);
    text(&report)
}

/// What is known of the tests that changed.
struct Comparer<'a> {
    sides: [Side<'a>; 2],
    names: [&'a str; 2],
    causes: HashMap<&'a str, &'a Finding>,
    /// Tests whose difference is accepted, and why.
    accepted: HashMap<&'a str, &'a str>,
}

impl<'a> Comparer<'a> {
    fn of(record: &'a RunRecord) -> Self {
        let roles = [Role::Baseline, Role::Candidate];
        let name =
            |role| record.legs.iter().find(|leg| leg.role == role).map(|leg| leg.name.as_str());
        // The weightiest finding stands first; it is the one that is told.
        let causes = record.findings.iter().rev();
        let causes = causes.flat_map(|f| f.tests.iter().map(move |test| (test.as_str(), f)));
        let accepted = record.verdict.iter().flat_map(|verdict| &verdict.acceptances);
        let accepted = accepted
            .filter(|acceptance| !acceptance.expired)
            .flat_map(|a| a.covers.iter().map(move |id| (id.as_str(), a.reason.as_str())));
        Self {
            sides: roles.map(|role| Side::of(record, role)),
            names: roles.map(|role| name(role).unwrap_or("-")),
            causes: causes.collect(),
            accepted: accepted.collect(),
        }
    }

    fn case(&self, change: &Change, outputs: &mut Outputs) -> TestCase {
        let mut case = case(&change.id, self.status(change, outputs));
        let candidate = self.sides[1].tests.get(change.id.as_str());
        if let Some(time) = candidate.and_then(|test| longest(test)) {
            case.set_time(time);
        }
        case
    }

    fn status(&self, change: &Change, outputs: &mut Outputs) -> TestCaseStatus {
        let id = change.id.as_str();
        let both = self.both(change);
        let skipped = |kind: &str, text: &str| {
            let mut status = TestCaseStatus::skipped();
            message(&mut status, kind, text);
            status
        };
        if let Some(reason) = self.accepted.get(id) {
            return skipped("accepted", &format!("accepted: {reason}; {both}"));
        }
        let kind = change.change.to_string();
        let is = match change.change {
            ChangeKind::Same if change.candidate.as_deref() == Some("passed") => {
                return TestCaseStatus::success();
            }
            // Bad where the baseline does not run it: nobody knows that a move would not bring it.
            ChangeKind::Appeared if change.is_worse() => NonSuccessKind::Failure,
            ChangeKind::Fixed | ChangeKind::Appeared => return TestCaseStatus::success(),
            // Bad or not run on both sides alike: nothing that a move would change.
            ChangeKind::Same => return skipped("same", &format!("the same on both sides: {both}")),
            ChangeKind::Differs | ChangeKind::Unstable => {
                return skipped(&kind, &format!("{}: {both}", meaning(change.change)));
            }
            ChangeKind::Regressed | ChangeKind::Disappeared => NonSuccessKind::Failure,
            ChangeKind::Indeterminate => NonSuccessKind::Error,
        };
        let mut status = TestCaseStatus::non_success(is);
        message(&mut status, &kind, &both);
        status.set_description(outputs.tell(&self.description(change)));
        status
    }

    /// `debian: passed; alpine: crashed by signal 11`.
    fn both(&self, change: &Change) -> String {
        let said = self.sides.iter().map(|side| side.said(&change.id).0);
        let said: Vec<String> =
            said.zip(self.names).map(|(said, name)| format!("{name}: {said}")).collect();
        let reason = change.reason.as_ref().map(|reason| format!(" ({reason})"));
        said.join("; ") + &reason.unwrap_or_default()
    }

    fn description(&self, change: &Change) -> String {
        let mut out = Vec::new();
        if let Some(finding) = self.causes.get(change.id.as_str()) {
            out.push(format!("{} ({}): {}", finding.code, finding.confidence, finding.title));
            out.extend(finding.remedies.iter().map(|remedy| format!("- {remedy}")));
        }
        for (side, name) in self.sides.iter().zip(self.names) {
            if let (_, Some(output)) = side.said(&change.id) {
                let lines = excerpt(output, LINES);
                let said = if lines.is_empty() { "it printed nothing" } else { "it printed" };
                out.push(format!("\n{name}: {said}"));
                out.extend(lines.into_iter().map(str::to_owned));
            }
        }
        out.join("\n")
    }
}

/// The rules: one that fails is a failure, or an error where it only keeps the run from an answer.
fn rules(record: &RunRecord) -> TestSuite {
    let mut suite = TestSuite::new(RULES);
    for rule in record.verdict.iter().flat_map(|verdict| &verdict.rules) {
        let mut case = TestCase::new(sanitise_line(&rule.id), rule_status(rule));
        case.set_classname(RULES);
        suite.add_test_case(case);
    }
    suite
}

fn rule_status(rule: &Rule) -> TestCaseStatus {
    let kind = match rule.on_failure {
        VerdictOutcome::Inconclusive => NonSuccessKind::Error,
        _ => NonSuccessKind::Failure,
    };
    match rule.status {
        RuleStatus::Pass => TestCaseStatus::success(),
        RuleStatus::NotMeasured => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("not measured");
            status
        }
        RuleStatus::Fail => {
            let mut status = TestCaseStatus::non_success(kind);
            let measured = rule.measured.map_or("not measured".into(), |m| m.to_string());
            let text = format!("{measured}, limit {}", rule.limit);
            message(&mut status, &rule.on_failure.to_string(), &text);
            status
        }
    }
}
