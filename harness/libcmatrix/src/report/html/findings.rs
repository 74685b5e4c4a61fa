//! Each cause: how sure it is, what it rests on, what was tried, what to do, and the tests that it
//! explains.

use libcmatrix_schema::{Evidence, Experiment, Finding, Proof, RunRecord};

use super::changes::{ChangeView, Details, SHORT_TEXT, both_ends, outcome_class};
use super::code_spans::{Piece, pieces};
use crate::{
    diagnose::UNEXPLAINED,
    report::{
        sanitise::{sanitise, sanitise_line},
        terminal::changes::in_words,
    },
};

/// Pieces of evidence of one cause that are shown.
const EVIDENCE: usize = 8;
/// Tests of one experiment that are shown.
const TESTS: usize = 8;

pub(super) struct FindingView {
    pub code: String,
    pub title: String,
    pub category: String,
    pub severity: String,
    pub confidence: String,
    /// Whether no rule fits.
    pub unexplained: bool,
    pub steps: Vec<String>,
    pub tests: usize,
    pub evidence: Vec<EvidenceView>,
    pub more_evidence: usize,
    pub proofs: Vec<ProofView>,
    /// Lines for a shell.
    pub install: Vec<String>,
    pub remedies: Vec<Vec<Piece>>,
    pub changes: Vec<ChangeView>,
    /// Its tests that are shown with a cause before: their place and their id.
    pub elsewhere: Vec<(usize, String)>,
    pub more: usize,
}

pub(super) struct EvidenceView {
    pub text: String,
    pub place: String,
}

pub(super) struct ProofView {
    pub change: String,
    pub conclusion: String,
    pub as_predicted: u32,
    pub of: u32,
    /// What the tests did with the change: id, words, class of the style sheet.
    pub tests: Vec<(String, String, &'static str)>,
    pub more: usize,
}

impl FindingView {
    pub(super) fn of<'a>(
        finding: &'a Finding,
        record: &'a RunRecord,
        details: &mut Details<'a>,
    ) -> Self {
        let ids: Vec<&str> = finding.tests.iter().map(String::as_str).collect();
        let shown_before = ids.iter().filter_map(|id| Some((details.anchor(id)?, *id)));
        let elsewhere: Vec<(usize, String)> =
            shown_before.map(|(anchor, id)| (anchor, sanitise_line(id))).collect();
        let (changes, more) = details.take(&ids);
        Self {
            code: sanitise_line(&finding.code),
            title: sanitise_line(&finding.title),
            category: sanitise_line(&finding.category),
            severity: finding.severity.to_string(),
            confidence: finding.confidence.to_string(),
            unexplained: finding.code == UNEXPLAINED,
            steps: finding.steps.iter().map(ToString::to_string).collect(),
            tests: finding.tests.len(),
            evidence: finding.evidence.iter().take(EVIDENCE).map(evidence).collect(),
            more_evidence: finding.evidence.len().saturating_sub(EVIDENCE),
            proofs: finding.proofs.iter().map(|p| proof(p, finding, record)).collect(),
            install: install_lines(finding),
            remedies: finding.remedies.iter().map(|r| pieces(&sanitise_line(r))).collect(),
            changes,
            elsewhere,
            more,
        }
    }
}

/// What installs the packages that are missing, by distribution.
pub(super) fn install_lines(finding: &Finding) -> Vec<String> {
    let packages = &finding.packages;
    let all = [("apk add", &packages.alpine), ("apt-get install", &packages.debian)];
    let present = all.into_iter().filter(|(_, names)| !names.is_empty());
    present
        .map(|(command, names)| sanitise_line(&format!("{command} {}", names.join(" "))))
        .collect()
}

fn evidence(evidence: &Evidence) -> EvidenceView {
    let file = match (&evidence.file, evidence.line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        (file, _) => file.clone(),
    };
    let place = [evidence.leg.clone(), evidence.test.clone(), file];
    let place: Vec<String> = place.into_iter().flatten().collect();
    EvidenceView {
        text: both_ends(&sanitise(&evidence.text), SHORT_TEXT),
        place: sanitise_line(&place.join(" \u{b7} ")),
    }
}

fn proof(proof: &Proof, finding: &Finding, record: &RunRecord) -> ProofView {
    let is_its_own = |e: &&Experiment| {
        e.kind == proof.kind && e.finding.as_ref().is_none_or(|code| *code == finding.code)
    };
    let tests: Vec<_> = record
        .experiments
        .iter()
        .filter(is_its_own)
        .flat_map(|experiment| &experiment.tests)
        .filter(|test| finding.tests.contains(&test.id))
        .collect();
    let shown = tests.iter().take(TESTS).map(|test| {
        let class = outcome_class(Some(test.outcome.name()));
        (sanitise_line(&test.id), sanitise_line(&in_words(test)), class)
    });
    ProofView {
        change: sanitise_line(&proof.change),
        conclusion: sanitise_line(&proof.conclusion),
        as_predicted: proof.as_predicted,
        of: proof.of,
        tests: shown.collect(),
        more: tests.len().saturating_sub(TESTS),
    }
}
