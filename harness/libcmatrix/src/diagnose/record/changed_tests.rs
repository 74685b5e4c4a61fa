//! Tests that are worse on musl: what is known of each.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use libcmatrix_schema::{
    Artifact, Attempt, AttemptStatus, Change, ChangeKind, Comparison, Leg, Test,
};

use super::{
    causes::{self, Causes},
    in_leg,
};
use crate::diagnose::{decide::decide, facts::Facts, scan::scan};

/// Explains the tests that differ.
pub(super) fn explain(
    causes: &mut Causes,
    comparison: &Comparison,
    baseline: &Leg,
    candidate: &Leg,
) {
    let asked: Vec<&Change> = comparison.changes.iter().filter(|c| asks_why(c)).collect();
    let ids = asked.iter().map(|change| change.id.as_str());
    let tests = Tests::of(baseline, candidate, ids.collect());
    for change in asked {
        if let Some(facts) = tests.facts(change) {
            causes.add_test(candidate, &change.id, causes::best(decide(&facts)));
        }
    }
}

/// Whether a change is something that only musl shows.
fn asks_why(change: &Change) -> bool {
    matches!(change.change, ChangeKind::Regressed | ChangeKind::Differs)
}

/// Tests of both sides by their ids.
struct Tests<'a> {
    baseline: &'a Leg,
    candidate: &'a Leg,
    /// The candidate's, for every test the same.
    artifacts: Arc<[Artifact]>,
    by_id: HashMap<&'a str, (Option<&'a Test>, Option<&'a Test>)>,
}

impl<'a> Tests<'a> {
    fn of(baseline: &'a Leg, candidate: &'a Leg, ids: HashSet<&str>) -> Self {
        let mut by_id: HashMap<&str, (Option<&Test>, Option<&Test>)> = HashMap::new();
        let is_asked = |test: &&Test| ids.contains(test.id.as_str());
        for test in baseline.tests.iter().filter(is_asked) {
            by_id.entry(&test.id).or_default().0 = Some(test);
        }
        for test in candidate.tests.iter().filter(is_asked) {
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
