//! Why things differ: each cause with how sure it is, what told, what was tried, what to do.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use libcmatrix_schema::{Confidence, Finding, RunRecord};

use super::{super::sanitise::sanitise_line, BOLD, DIM, wrapped};
use crate::diagnose::UNEXPLAINED;

/// Tests named of each cause; the record has them all.
const TESTS: usize = 3;
/// Pieces of evidence shown of each.
const EVIDENCE: usize = 3;
/// Remedies shown of each; `libcmatrix explain` has them all.
const REMEDIES: usize = 3;

pub(super) fn all(out: &mut String, record: &RunRecord, width: usize) {
    if record.findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}why{BOLD:#}");
    for finding in &record.findings {
        one(out, finding, width);
    }
    let explained = record.findings.iter().find(|finding| finding.code != UNEXPLAINED);
    if let Some(finding) = explained {
        let _ = writeln!(out, "\n  {DIM}more: libcmatrix explain {}{DIM:#}", finding.code);
    }
}

fn one(out: &mut String, finding: &Finding, width: usize) {
    out.push('\n');
    if finding.code == UNEXPLAINED {
        let _ = writeln!(out, "  {BOLD}{}{BOLD:#}: {}", finding.code, finding.title);
    } else {
        let style = style(finding.confidence);
        let (confidence, severity) = (finding.confidence, finding.severity);
        let _ = writeln!(
            out,
            "  {style}{confidence}{style:#}  {BOLD}{}{BOLD:#} {DIM}(severity {severity}){DIM:#}",
            finding.code
        );
        wrapped(out, "    ", &finding.title, width);
    }
    explains(out, finding, width);
    for evidence in finding.evidence.iter().take(EVIDENCE) {
        wrapped(out, "    | ", &sanitise_line(&evidence.text), width);
    }
    for proof in &finding.proofs {
        let text = format!(
            "tried: {}; {} ({} of {})",
            proof.change, proof.conclusion, proof.as_predicted, proof.of
        );
        // Packages that were added have names out of an image.
        wrapped(out, "    ", &sanitise_line(&text), width);
    }
    for remedy in finding.remedies.iter().take(REMEDIES) {
        wrapped(out, "    - ", remedy, width);
    }
}

fn explains(out: &mut String, finding: &Finding, width: usize) {
    let steps = finding.steps.iter().map(|step| format!("the step {step}"));
    let tests = finding.tests.iter().take(TESTS).map(|id| sanitise_line(id));
    let mut all: Vec<String> = steps.chain(tests).collect();
    let more = finding.tests.len().saturating_sub(TESTS);
    if more > 0 {
        all.push(format!("{more} more tests"));
    }
    if !all.is_empty() {
        wrapped(out, "    in ", &all.join(", "), width);
    }
}

fn style(confidence: Confidence) -> Style {
    match confidence {
        Confidence::Proven => AnsiColor::Red.on_default().bold(),
        Confidence::Likely => AnsiColor::Yellow.on_default().bold(),
        Confidence::Possible => AnsiColor::Yellow.on_default(),
    }
}
