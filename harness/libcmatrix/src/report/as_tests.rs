//! The comparison, seen as test results: what is worse in the candidate is a failure, what could not be
//! compared an error. Pure: takes the record; gives a result for each compared test and each rule, for
//! the formats that tell of tests (JUnit, trials). Texts are hostile still.

use std::collections::HashMap;

use libcmatrix_schema::{
    Change, ChangeKind, Finding, Role, Rule, RuleStatus, RunRecord, Test, VerdictOutcome,
};

use super::{
    amount,
    excerpt::excerpt,
    terminal::changes::{Side, meaning},
};

/// Lines of output from each side.
const LINES: usize = 30;

/// What a test, or a rule, comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TestResult {
    /// Good.
    Success,
    /// Nothing that a move would change, or nothing that is counted.
    Skipped(Told),
    /// Worse in the candidate.
    Failure(Told),
    /// It could not be told.
    Error(Told),
}

/// Why it is no success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// In a word.
    pub(super) kind: String,
    /// In a line.
    pub(super) message: String,
}

/// What is known of the tests that changed.
pub(super) struct Judge<'a> {
    sides: [Side<'a>; 2],
    names: [&'a str; 2],
    causes: HashMap<&'a str, &'a Finding>,
    /// Tests whose difference is accepted, and why.
    accepted: HashMap<&'a str, &'a str>,
}

impl<'a> Judge<'a> {
    pub(super) fn of(record: &'a RunRecord) -> Self {
        let roles = [Role::Baseline, Role::Candidate];
        // The weightiest finding stands first; it is the one that is told.
        let causes = record.findings.iter().rev();
        let causes = causes.flat_map(|f| f.tests.iter().map(move |test| (test.as_str(), f)));
        let accepted = record.verdict.iter().flat_map(|verdict| &verdict.acceptances);
        let accepted = accepted
            .filter(|acceptance| !acceptance.expired)
            .flat_map(|a| a.covers.iter().map(move |id| (id.as_str(), a.reason.as_str())));
        Self {
            sides: roles.map(|role| Side::of(record, role)),
            names: roles.map(|role| record.leg(role).map_or("-", |leg| leg.name.as_str())),
            causes: causes.collect(),
            accepted: accepted.collect(),
        }
    }

    /// What the candidate did in that test.
    pub(super) fn candidate(&self, change: &Change) -> Option<&'a Test> {
        self.sides[1].tests.get(change.id.as_str()).copied()
    }

    pub(super) fn result(&self, change: &Change) -> TestResult {
        let both = self.both(change);
        let told = |kind: &str, message: String| Told { kind: kind.to_owned(), message };
        if let Some(reason) = self.accepted.get(change.id.as_str()) {
            return TestResult::Skipped(told("accepted", format!("accepted: {reason}; {both}")));
        }
        let kind = change.change.to_string();
        match change.change {
            ChangeKind::Same if change.candidate.as_deref() == Some("passed") => {
                TestResult::Success
            }
            // Bad where the baseline does not run it: nobody knows that a move would not bring it.
            ChangeKind::Appeared if change.is_worse() => TestResult::Failure(told(&kind, both)),
            ChangeKind::Fixed | ChangeKind::Appeared => TestResult::Success,
            // Bad or not run on both sides alike: nothing that a move would change.
            ChangeKind::Same => {
                TestResult::Skipped(told("same", format!("the same on both sides: {both}")))
            }
            ChangeKind::Differs | ChangeKind::Unstable => {
                TestResult::Skipped(told(&kind, format!("{}: {both}", meaning(change.change))))
            }
            ChangeKind::Regressed | ChangeKind::Disappeared => {
                TestResult::Failure(told(&kind, both))
            }
            ChangeKind::Indeterminate => TestResult::Error(told(&kind, both)),
        }
    }

    /// `debian: passed; alpine: crashed by signal 11`.
    fn both(&self, change: &Change) -> String {
        let said = self.sides.iter().map(|side| side.said(&change.id).0);
        let said: Vec<String> =
            said.zip(self.names).map(|(said, name)| format!("{name}: {said}")).collect();
        let reason = change.reason.as_ref().map(|reason| format!(" ({reason})"));
        said.join("; ") + &reason.unwrap_or_default()
    }

    /// The cause, what to do, and what both sides printed.
    pub(super) fn description(&self, change: &Change) -> String {
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

/// A rule that fails is a failure, or an error where it only keeps the run from an answer.
pub(super) fn of_rule(rule: &Rule) -> TestResult {
    match rule.status {
        RuleStatus::Pass => TestResult::Success,
        RuleStatus::NotMeasured => TestResult::Skipped(Told {
            kind: rule.status.to_string(),
            message: rule.status.to_string(),
        }),
        RuleStatus::Fail => {
            let measured = rule.measured.map_or("not measured".into(), amount::number);
            let numbers = format!("measured {measured}, limit {}", amount::number(rule.limit));
            let message = match &rule.reason {
                Some(reason) => format!("{reason} ({numbers})"),
                // Records of before have the numbers alone.
                None => numbers,
            };
            let told = Told { kind: rule.on_failure.to_string(), message };
            match rule.on_failure {
                VerdictOutcome::Inconclusive => TestResult::Error(told),
                _ => TestResult::Failure(told),
            }
        }
    }
}
