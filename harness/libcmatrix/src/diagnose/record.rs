//! Findings of a run: what failed on musl and not on glibc, explained.
//!
//! Takes a record with its comparison; gives findings, one a cause, each with the tests and steps it
//! explains. What is the same on both sides is not looked at. What no rule explains becomes one
//! finding `unexplained`, so that nothing is lost and nothing is blamed on musl without a reason.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use libcmatrix_schema::{
    Artifact, Attempt, AttemptStatus, BuildMessage, Change, ChangeKind, Comparison, Confidence,
    Evidence, Finding, Leg, Role, RunRecord, Step, StepStatus, Test,
};

use super::{
    decide::{Found, decide},
    facts::{Context, Facts},
    proof,
    rulebook::{RuleEntry, rulebook},
    scan::{Scanner, scan},
};

/// The code of what no rule explains.
pub const UNEXPLAINED: &str = "unexplained";

/// Pieces of evidence kept of one finding.
const EVIDENCE: usize = 12;

/// Explains what differs.
#[must_use]
pub fn findings(record: &RunRecord, comparison: &Comparison) -> Vec<Finding> {
    let leg = |role| record.legs.iter().find(|leg| leg.role == role);
    let (Some(baseline), Some(candidate)) = (leg(Role::Baseline), leg(Role::Candidate)) else {
        return Vec::new();
    };
    let mut causes = Causes::default();
    for step in candidate.steps.iter().filter(|step| step.status == StepStatus::Failed) {
        let failed_alike = baseline.step(step.name).is_some_and(|other| {
            other.status != StepStatus::Passed && other.failed_targets == step.failed_targets
        });
        if !failed_alike {
            causes.add_step(candidate, step, &step_facts(candidate, step));
        }
    }
    let tests = Tests::of(baseline, candidate);
    for change in comparison.changes.iter().filter(|change| asks_why(change)) {
        if let Some(facts) = tests.facts(change) {
            causes.add_test(candidate, &change.id, &facts);
        }
    }
    let mut findings = causes.findings();
    proof::apply(&mut findings, &record.experiments);
    sort(&mut findings);
    findings
}

/// Whether a change is something that only musl shows.
fn asks_why(change: &Change) -> bool {
    matches!(change.change, ChangeKind::Regressed | ChangeKind::Differs)
}

fn step_facts(leg: &Leg, step: &Step) -> Facts {
    let mut scanner = Scanner::new();
    if step.messages.is_empty() {
        for text in &step.diagnostics {
            scanner.push(text.as_bytes());
            scanner.push(b"\n\n");
        }
    }
    for BuildMessage { text, .. } in &step.messages {
        scanner.push(text.as_bytes());
        scanner.push(b"\n\n");
    }
    Facts { exit_code: step.exit_code, ..in_leg(scanner.finish(), leg) }
}

/// The tests of both sides by their ids.
struct Tests<'a> {
    baseline: &'a Leg,
    candidate: &'a Leg,
    /// The candidate's, for every test the same.
    artifacts: Arc<[Artifact]>,
    by_id: BTreeMap<&'a str, (Option<&'a Test>, Option<&'a Test>)>,
}

impl<'a> Tests<'a> {
    fn of(baseline: &'a Leg, candidate: &'a Leg) -> Self {
        let mut by_id: BTreeMap<&str, (Option<&Test>, Option<&Test>)> = BTreeMap::new();
        for test in &baseline.tests {
            by_id.entry(&test.id).or_default().0 = Some(test);
        }
        for test in &candidate.tests {
            by_id.entry(&test.id).or_default().1 = Some(test);
        }
        let artifacts = candidate.artifacts.as_slice().into();
        Self { baseline, candidate, artifacts, by_id }
    }

    fn facts(&self, change: &Change) -> Option<Facts> {
        let binary = change.id.split_once('$').map_or(change.id.as_str(), |(binary, _)| binary);
        let (baseline, candidate) = self.by_id.get(change.id.as_str()).copied().unwrap_or_default();
        let on_glibc = baseline.and_then(worst).map(|a| attempt_facts(a, self.baseline));
        let mut facts = match candidate.and_then(worst) {
            Some(attempt) => attempt_facts(attempt, self.candidate),
            None => listing_facts(self.candidate, binary)?,
        };
        facts.regressed = change.change == ChangeKind::Regressed;
        facts.baseline = on_glibc.map(Box::new);
        facts.uses = uses(self.candidate, binary);
        facts.artifacts = self.artifacts.clone();
        Some(facts)
    }
}

/// What is known of a binary that did not get as far as its tests.
fn listing_facts(leg: &Leg, binary: &str) -> Option<Facts> {
    let binary = leg.binaries.iter().find(|b| b.id == binary)?;
    let status = binary.listing.clone().filter(|status| *status != AttemptStatus::Passed)?;
    let attempt = Attempt {
        output: binary.listing_output.clone(),
        crash: binary.listing_crash.clone(),
        ..Attempt::unmeasured(status)
    };
    Some(attempt_facts(&attempt, leg))
}

/// Functions of the C library that a test binary uses.
fn uses(leg: &Leg, binary: &str) -> BTreeSet<String> {
    let is_it = |artifact: &&Artifact| artifact.binary.as_deref() == Some(binary);
    let elf = leg.artifacts.iter().find(is_it).and_then(|artifact| artifact.elf.as_ref());
    elf.map(|elf| elf.uses.iter().cloned().collect()).unwrap_or_default()
}

/// The attempt that tells most: the first bad one, with crash evidence if there is one.
fn worst(test: &Test) -> Option<&Attempt> {
    let is_bad = |a: &&Attempt| !matches!(a.status, AttemptStatus::Passed);
    let crashed = test.attempts.iter().find(|a| a.crash.is_some());
    crashed.or_else(|| test.attempts.iter().find(is_bad)).or_else(|| test.attempts.first())
}

fn attempt_facts(attempt: &Attempt, leg: &Leg) -> Facts {
    let mut facts = in_leg(scan(attempt.output.as_bytes()), leg);
    facts.crash = attempt.crash.as_deref().cloned();
    match attempt.status {
        AttemptStatus::Failed { exit_code } => facts.exit_code = Some(exit_code),
        AttemptStatus::Crashed { signal } => facts.signal = Some(signal),
        _ => {}
    }
    facts
}

/// Of a leg it is known where it ran.
fn in_leg(mut facts: Facts, leg: &Leg) -> Facts {
    let musl = leg.environment.libc == libcmatrix_schema::Libc::Musl;
    facts.context = Context { musl, glibc: !musl };
    facts.linkage = Some(leg.environment.linkage);
    facts
}

/// Causes, and what each explains.
#[derive(Default)]
struct Causes {
    by_code: BTreeMap<String, Finding>,
}

impl Causes {
    fn add_step(&mut self, leg: &Leg, step: &Step, facts: &Facts) {
        let finding = self.add(leg, None, step.log.clone(), facts);
        if !finding.steps.contains(&step.name) {
            finding.steps.push(step.name);
        }
    }

    fn add_test(&mut self, leg: &Leg, id: &str, facts: &Facts) {
        self.add(leg, Some(id), None, facts).tests.push(id.to_owned());
    }

    fn add(
        &mut self,
        leg: &Leg,
        test: Option<&str>,
        file: Option<String>,
        facts: &Facts,
    ) -> &mut Finding {
        let diagnosis = decide(facts);
        let best = diagnosis.findings.into_iter().next();
        let code = best.as_ref().map_or(UNEXPLAINED, |found| found.entry.code);
        let finding = self.by_code.entry(code.to_owned()).or_insert_with(|| match &best {
            Some(found) => finding(found.entry, found.confidence, found.remedies()),
            None => unexplained(),
        });
        if let Some(found) = best {
            finding.confidence = finding.confidence.max(found.confidence);
            for text in said(&found) {
                if finding.evidence.len() < EVIDENCE {
                    finding.evidence.push(Evidence {
                        text,
                        leg: Some(leg.name.clone()),
                        test: test.map(str::to_owned),
                        file: file.clone(),
                        line: None,
                    });
                }
            }
        }
        finding
    }

    fn findings(self) -> Vec<Finding> {
        self.by_code.into_values().collect()
    }
}

/// The surest and gravest first; what nothing explains last.
fn sort(findings: &mut [Finding]) {
    let rank = |f: &Finding| (f.code == UNEXPLAINED, Reverse(f.confidence), Reverse(f.severity));
    findings.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.code.cmp(&b.code)));
}

fn said(found: &Found) -> impl Iterator<Item = String> {
    found.said.iter().cloned().chain(found.hits.iter().map(|hit| hit.text.clone())).take(4)
}

fn finding(entry: &RuleEntry, confidence: Confidence, remedies: Vec<String>) -> Finding {
    Finding {
        code: entry.code.into(),
        title: entry.rule.title.clone(),
        category: entry.rule.category.name().into(),
        severity: entry.rule.severity,
        confidence,
        evidence: Vec::new(),
        remedies,
        tests: Vec::new(),
        steps: Vec::new(),
        proofs: Vec::new(),
    }
}

fn unexplained() -> Finding {
    let entry = rulebook().get(UNEXPLAINED).expect("a rule that every rulebook has, by its test");
    finding(entry, Confidence::Possible, entry.rule.remedies.clone())
}
