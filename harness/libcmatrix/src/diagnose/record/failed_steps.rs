//! Steps that failed: each package that did not build is asked about by itself, since each has a
//! cause of its own.
//!
//! What fails on both sides says nothing about the libc. But packages of the distribution that both
//! sides lack are told of: with them there would be more to compare.

use std::collections::{BTreeMap, BTreeSet};

use libcmatrix_schema::{BuildMessage, Leg, Step, StepStatus};

use super::{
    causes::{self, Causes},
    in_leg,
};
use crate::diagnose::{
    decide::{Found, decide},
    facts::Facts,
    scan::Scanner,
};

/// Explains the steps that fail on musl, and what is missing on both sides.
pub(super) fn explain(causes: &mut Causes, baseline: &Leg, candidate: &Leg) {
    for step in candidate.steps.iter().filter(|step| step.status == StepStatus::Failed) {
        let other = baseline.step(step.name).filter(|o| o.status != StepStatus::Passed);
        let Some(other) = other else {
            on_musl(causes, candidate, step, step.messages.iter().collect());
            continue;
        };
        let targets_beyond = step.failed_targets.iter().any(|t| !other.failed_targets.contains(t));
        let beyond = messages_beyond(step, other, targets_beyond);
        if targets_beyond || !beyond.is_empty() {
            on_musl(causes, candidate, step, beyond);
        }
        for texts in by_package(other.messages.iter()).values() {
            missing_on_both(causes, baseline, other, texts);
        }
    }
}

/// Messages about what fails on musl only: of packages that glibc builds, and, where more targets
/// fail than on glibc, what was not said there.
fn messages_beyond<'a>(step: &'a Step, other: &Step, targets: bool) -> Vec<&'a BuildMessage> {
    let packages: BTreeSet<_> = other.messages.iter().map(|m| &m.package).collect();
    let texts: BTreeSet<_> = other.messages.iter().map(|m| &m.text).collect();
    let is_beyond =
        |m: &&BuildMessage| !texts.contains(&m.text) && (targets || !packages.contains(&m.package));
    step.messages.iter().filter(is_beyond).collect()
}

fn on_musl(causes: &mut Causes, leg: &Leg, step: &Step, messages: Vec<&BuildMessage>) {
    let best = |texts: &[&str]| causes::best(decide(&facts(leg, step, texts)));
    let parts: Vec<(Option<&str>, Option<Found>)> = by_package(messages.iter().copied())
        .into_iter()
        .map(|(package, texts)| (package, best(&texts)))
        .collect();
    if parts.iter().all(|(_, found)| found.is_none()) {
        // What one message begins another may end.
        let whole: Vec<&str> = match messages.as_slice() {
            [] => step.diagnostics.iter().map(String::as_str).collect(),
            messages => messages.iter().map(|message| message.text.as_str()).collect(),
        };
        return causes.add_step(leg, step, best(&whole));
    }
    for (package, found) in parts {
        // What cargo says of no package is about the ones it names elsewhere.
        if package.is_some() || found.is_some() {
            causes.add_step(leg, step, found);
        }
    }
}

fn missing_on_both(causes: &mut Causes, leg: &Leg, step: &Step, texts: &[&str]) {
    let others = decide(&facts(leg, step, texts)).other_causes;
    if let Some(found) = others.into_iter().find(|found| !found.packages.is_empty()) {
        causes.add_step(leg, step, Some(found));
    }
}

fn by_package<'a>(
    messages: impl Iterator<Item = &'a BuildMessage>,
) -> BTreeMap<Option<&'a str>, Vec<&'a str>> {
    let mut parts: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for message in messages {
        parts.entry(message.package.as_deref()).or_default().push(&message.text);
    }
    parts
}

fn facts(leg: &Leg, step: &Step, texts: &[&str]) -> Facts {
    let mut scanner = Scanner::new();
    for text in texts {
        scanner.push(text.as_bytes());
        scanner.push(b"\n\n");
    }
    Facts { exit_code: step.exit_code, ..in_leg(scanner.finish(), leg) }
}
