//! What a reviewer of the project's sources is to be told, place by place: the form that SARIF,
//! annotations and code quality reports share. Pure: findings of the record, read out.

use std::collections::HashMap;

use libcmatrix_schema::{
    Acceptance, Confidence, Finding, Role, RunRecord, Severity, VerdictOutcome,
};
use sha2::{Digest, Sha256};

use super::{
    cut,
    place::{Place, places},
    sanitise::sanitise_line,
};

/// Tests named in a text.
const TESTS: usize = 3;
/// Bytes of a text's parts.
const PART: usize = 300;

/// How much an issue matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is likely that this hurts.
    Error,
    /// It may, or is soon mended.
    Warning,
    /// Good to know.
    Note,
}

/// A finding at a place.
#[derive(Clone, Debug)]
pub struct Issue<'a> {
    /// What was found.
    pub finding: &'a Finding,
    /// How much it matters.
    pub level: Level,
    /// Where it shows.
    pub place: Place,
    /// The tests that show it there.
    pub tests: Vec<&'a str>,
    /// Why it is accepted, if the configuration says so.
    pub accepted: Option<&'a str>,
    /// The same in every run as long as the finding shows in that file; no two of a run are the same.
    pub fingerprint: String,
}

/// All of them, those that matter most first.
#[must_use]
pub fn issues(record: &RunRecord) -> Vec<Issue<'_>> {
    let is_go = record.verdict.as_ref().is_some_and(|v| v.outcome == VerdictOutcome::Go);
    let candidate = record.leg(Role::Candidate);
    let candidate = candidate.map_or("", |leg| leg.name.as_str());
    let mut all: Vec<Issue<'_>> = Vec::new();
    for finding in &record.findings {
        let mut seen: HashMap<String, u32> = HashMap::new();
        for (place, tests) in places(record, finding) {
            let nth = seen.entry(place.path.clone()).or_default();
            *nth += 1;
            let accepted = accepted(record, finding, &tests);
            let fingerprint = fingerprint(&finding.code, &place.path, candidate, *nth);
            let level = match accepted {
                Some(_) => Level::Note,
                // What did not keep the run from a go is no error.
                None if is_go => level(finding).max(Level::Warning),
                None => level(finding),
            };
            all.push(Issue { finding, level, place, tests, accepted, fingerprint });
        }
    }
    // Of one level the order of the findings stays: the surest first.
    all.sort_by_key(|issue| issue.level);
    all
}

/// How much a finding matters: its severity, one less where it is only possible.
#[must_use]
pub fn level(finding: &Finding) -> Level {
    match (finding.severity, finding.confidence) {
        (Severity::High, Confidence::Proven | Confidence::Likely) => Level::Error,
        (Severity::High, Confidence::Possible)
        | (Severity::Medium, Confidence::Proven | Confidence::Likely) => Level::Warning,
        _ => Level::Note,
    }
}

/// Why a difference is accepted: all its tests here are covered, or the finding itself is.
fn accepted<'a>(record: &'a RunRecord, finding: &Finding, tests: &[&str]) -> Option<&'a str> {
    let all = record.verdict.iter().flat_map(|verdict| &verdict.acceptances);
    let covers = |acceptance: &&Acceptance| {
        let is_covered = |test: &&str| acceptance.covers.iter().any(|id| id == test);
        let named = acceptance.finding.as_deref() == Some(finding.code.as_str());
        !acceptance.expired
            && ((!tests.is_empty() && tests.iter().all(is_covered))
                || (tests.is_empty() && named && acceptance.covers_finding))
    };
    all.filter(|acceptance| covers(acceptance)).map(|a| a.reason.as_str()).next()
}

/// Lines move; the code, the file and where the project moves to stay.
fn fingerprint(code: &str, path: &str, candidate: &str, nth: u32) -> String {
    let hash = Sha256::digest(format!("{code}\0{path}\0{candidate}"));
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}:{nth}")
}

impl Issue<'_> {
    /// The finding's title. One line, without anything that acts.
    #[must_use]
    pub fn title(&self) -> String {
        cut::line(&sanitise_line(&self.finding.title), PART)
    }

    /// In words: what, how sure, which tests, what told, what to do. One line, a kilobyte or two.
    #[must_use]
    pub fn text(&self) -> String {
        let finding = self.finding;
        let mut parts = vec![format!("{} ({}).", self.title(), finding.confidence)];
        parts.extend(self.affected());
        if let Some(evidence) = finding.evidence.first() {
            parts.push(format!("Seen: {}.", part(&evidence.text)));
        }
        if let Some(remedy) = finding.remedies.first() {
            parts.push(format!("To do: {}.", part(remedy)));
        }
        if let Some(reason) = self.accepted {
            parts.push(format!("Accepted: {}.", part(reason)));
        }
        parts.push(format!("More: libcmatrix explain {}", part(&finding.code)));
        parts.join(" ")
    }

    fn affected(&self) -> Option<String> {
        let named: Vec<String> = self.tests.iter().take(TESTS).map(|test| part(test)).collect();
        let named = named.join(", ");
        match self.tests.len() {
            0 => {
                let steps: Vec<String> =
                    self.finding.steps.iter().map(ToString::to_string).collect();
                (!steps.is_empty()).then(|| format!("Fails: the step {}.", steps.join(", ")))
            }
            n if n > TESTS => Some(format!("Affects: {named} and {} more.", n - TESTS)),
            _ => Some(format!("Affects: {named}.")),
        }
    }
}

/// A part of a sentence: one line, short, without its own full stop.
fn part(text: &str) -> String {
    cut::line(sanitise_line(text).trim_end_matches(['.', ':', ' ']), PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        let text = include_str!("../../tests/records/explained/shell-needs-bash.json");
        // Both tests panic in the same line of a function that they share; here each in its own.
        let text = text.replace(
            "'runs_a_bash_script' (14) panicked at tests/scripts.rs:4",
            "'runs_a_bash_script' (14) panicked at tests/scripts.rs:9",
        );
        serde_json::from_str(&text).expect("a record")
    }

    #[test]
    fn each_place_has_its_tests_and_a_fingerprint_of_its_own() {
        let record = record();
        let issues = issues(&record);
        let places: Vec<(&str, u32)> =
            issues.iter().map(|i| (i.place.path.as_str(), i.place.line)).collect();
        assert_eq!(places.len(), 2, "{places:?}");
        assert_eq!(places[0].0, places[1].0);
        assert_ne!(places[0].1, places[1].1);
        assert_ne!(issues[0].fingerprint, issues[1].fingerprint);
        assert_eq!(issues.iter().map(|i| i.tests.len()).sum::<usize>(), 2);
    }

    #[test]
    fn a_fingerprint_does_not_change_when_lines_move() {
        let mut moved = record();
        for test in moved.legs.iter_mut().flat_map(|leg| &mut leg.tests) {
            for attempt in &mut test.attempts {
                attempt.output = attempt.output.replace("tests/scripts.rs:", "tests/scripts.rs:1");
            }
        }
        let record = record();
        let prints = |record: &RunRecord| -> Vec<String> {
            issues(record).into_iter().map(|i| i.fingerprint).collect()
        };
        assert_ne!(issues(&record)[0].place, issues(&moved)[0].place);
        assert_eq!(prints(&record), prints(&moved));
    }

    #[test]
    fn what_is_accepted_is_a_note() {
        let mut record = record();
        let tests = record.findings[0].tests.clone();
        let verdict = record.verdict.as_mut().expect("a verdict");
        let acceptance = Acceptance {
            reason: "bash comes later".into(),
            covers: tests,
            ..Acceptance::default()
        };
        verdict.acceptances.push(acceptance);
        assert!(issues(&record).iter().all(|issue| issue.level == Level::Note));
        assert!(issues(&record)[0].text().contains("Accepted: bash comes later."));
        let verdict = record.verdict.as_mut().expect("a verdict");
        verdict.acceptances[0].expired = true;
        assert!(issues(&record).iter().all(|issue| issue.accepted.is_none()));
    }
}
