//! Why things differ and what to do: each cause open, with its remedies; what told it folded below.

use libcmatrix_schema::{Finding, RunRecord};

use super::{
    super::cut,
    inert::{code, evidence as told, prose},
    page::Page,
};
use crate::diagnose::{UNEXPLAINED, rulebook};

/// Tests named of each cause.
const TESTS: usize = 5;
/// Remedies of each; its page has them all.
const REMEDIES: usize = 3;
/// Bytes of a sentence.
const SENTENCE: usize = 600;

pub(super) fn all(page: &mut Page, record: &RunRecord) {
    if record.findings.is_empty() {
        return;
    }
    page.add("### Why, and what to do\n\n");
    for (n, finding) in record.findings.iter().enumerate() {
        page.add(&one(n + 1, finding));
        page.fold(&told_by(finding), evidence(finding));
    }
}

fn one(n: usize, finding: &Finding) -> String {
    let short = |text: &str| cut::line(text, SENTENCE);
    let named = code(&short(&finding.code));
    let sure = if finding.code == UNEXPLAINED {
        named
    } else {
        format!("{}: {named}, severity {}", finding.confidence, finding.severity)
    };
    let mut out = format!("**{n}. {}** ({sure})\n\n", prose(&short(&finding.title)));
    if let Some(affected) = affected(finding) {
        out.push_str(&format!("In {affected}. "));
    }
    if !finding.remedies.is_empty() {
        out.push_str("What to do:\n\n");
    }
    for remedy in finding.remedies.iter().take(REMEDIES) {
        out.push_str(&format!("- {}\n", prose(&short(remedy))));
    }
    // What the page of the code says, with sources.
    if rulebook().get(&finding.code).is_some() && finding.code != UNEXPLAINED {
        out.push_str(&format!("- More: `libcmatrix explain {}`\n", finding.code));
    }
    out.push('\n');
    out
}

fn affected(finding: &Finding) -> Option<String> {
    let steps = finding.steps.iter().map(|step| format!("the step {step}"));
    let tests = finding.tests.iter().take(TESTS).map(|test| code(&cut::line(test, SENTENCE)));
    let mut all: Vec<String> = steps.chain(tests).collect();
    let more = finding.tests.len().saturating_sub(TESTS);
    if more > 0 {
        all.push(format!("{more} more tests"));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

fn told_by(finding: &Finding) -> String {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if !finding.evidence.is_empty() {
        parts.push(plural(finding.evidence.len(), "piece") + " of evidence");
    }
    if !finding.proofs.is_empty() {
        parts.push(plural(finding.proofs.len(), "experiment"));
    }
    parts.join(", ")
}

/// What told it, and what was tried.
fn evidence(finding: &Finding) -> Vec<String> {
    let short = |text: &str| prose(&cut::line(text, SENTENCE));
    let mut all = Vec::new();
    for evidence in &finding.evidence {
        let line = evidence.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = evidence
            .file
            .as_deref()
            .map(|file| format!(" ({})", code(&(cut::line(file, SENTENCE) + &line))));
        all.push(format!(
            "- {}{}\n",
            told(&cut::line(&evidence.text, SENTENCE)),
            place.unwrap_or_default()
        ));
    }
    for proof in &finding.proofs {
        let (change, conclusion) = (short(&proof.change), short(&proof.conclusion));
        let (as_predicted, of) = (proof.as_predicted, proof.of);
        all.push(format!("- tried: {change}; {conclusion} ({as_predicted} of {of})\n"));
    }
    // A list ends with a blank line, which the last piece brings along.
    if let Some(last) = all.last_mut() {
        last.push('\n');
    }
    all
}
