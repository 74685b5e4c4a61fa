//! Causes as they come together: one finding a code, with all that it explains.

use std::collections::BTreeMap;

use libcmatrix_schema::{Confidence, Evidence, Finding, Leg, Packages, Step};

use super::UNEXPLAINED;
use crate::diagnose::{
    decide::{Diagnosis, Found},
    packages,
    rulebook::{RuleEntry, rulebook},
};

/// Pieces of evidence kept of one finding.
const EVIDENCE: usize = 12;

/// Causes, and what each explains.
#[derive(Default)]
pub(super) struct Causes {
    by_code: BTreeMap<&'static str, Finding>,
}

/// Where a cause was seen.
#[derive(Clone, Copy)]
struct Seen<'a> {
    leg: &'a Leg,
    test: Option<&'a str>,
    file: Option<&'a str>,
}

/// The cause to tell of: the surest; of two that are equally sure the one that is the libc's business.
pub(super) fn best(diagnosis: Diagnosis) -> Option<Found> {
    let Diagnosis { findings, other_causes } = diagnosis;
    let other = other_causes.into_iter().next().filter(|o| o.confidence >= Confidence::Likely);
    let first = findings.into_iter().next();
    match (first, other) {
        (Some(first), Some(other)) if other.confidence > first.confidence => Some(other),
        (first, other) => first.or(other),
    }
}

impl Causes {
    /// A step that failed, or a part of it; `None`: no rule holds.
    pub(super) fn add_step(&mut self, leg: &Leg, step: &Step, found: Option<Found>) {
        let seen = Seen { leg, test: None, file: step.log.as_deref() };
        let finding = self.add(seen, found);
        if !finding.steps.contains(&step.name) {
            finding.steps.push(step.name);
        }
    }

    /// A test that is worse.
    pub(super) fn add_test(&mut self, leg: &Leg, id: &str, found: Option<Found>) {
        self.add(Seen { leg, test: Some(id), file: None }, found).tests.push(id.to_owned());
    }

    /// The image that the leg's programs would be shipped in.
    pub(super) fn add_image(&mut self, leg: &Leg, found: Found) {
        self.add(Seen { leg, test: None, file: None }, Some(found));
    }

    fn add(&mut self, seen: Seen<'_>, found: Option<Found>) -> &mut Finding {
        let code = found.as_ref().map_or(UNEXPLAINED, |found| found.entry.code);
        let finding = self.by_code.entry(code).or_insert_with(|| match &found {
            Some(found) => finding(found.entry, found.confidence),
            None => unexplained(),
        });
        let Some(found) = found else { return finding };
        finding.confidence = finding.confidence.max(found.confidence);
        finding.packages.add(&found.packages);
        for text in said(&found) {
            let known = finding.evidence.iter().any(|e| e.text == text && e.test.is_none());
            if finding.evidence.len() < EVIDENCE && !known {
                finding.evidence.push(Evidence {
                    text,
                    leg: Some(seen.leg.name.clone()),
                    test: seen.test.map(str::to_owned),
                    file: seen.file.map(str::to_owned),
                    line: None,
                });
            }
        }
        finding
    }

    /// All of them.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.by_code.into_values().collect();
        for finding in &mut all {
            finding.remedies.splice(0..0, packages::lines(&finding.packages));
        }
        all
    }
}

fn said(found: &Found) -> impl Iterator<Item = String> {
    found.said.iter().cloned().chain(found.hits.iter().map(|hit| hit.text.clone())).take(4)
}

fn finding(entry: &RuleEntry, confidence: Confidence) -> Finding {
    Finding {
        code: entry.code.into(),
        title: entry.rule.title.clone(),
        category: entry.rule.category.name().into(),
        severity: entry.rule.severity,
        confidence,
        evidence: Vec::new(),
        remedies: entry.rule.remedies.clone(),
        packages: Packages::default(),
        tests: Vec::new(),
        steps: Vec::new(),
        proofs: Vec::new(),
    }
}

fn unexplained() -> Finding {
    let entry = rulebook().get(UNEXPLAINED).expect("a rule that every rulebook has, by its test");
    finding(entry, Confidence::Possible)
}
