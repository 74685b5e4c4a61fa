//! Steps that failed and tests that changed, with what each side printed: folded, one fold a kind.

use std::fmt::Write;

use libcmatrix_schema::{Change, ChangeKind, Leg, Role, RunRecord, Step, StepStatus};

use super::{
    super::{
        cut, excerpt,
        sentence::capitalised,
        terminal::changes::{Side, meaning},
    },
    inert::{block, code, prose},
    page::Page,
};

/// Changes of one kind.
const SHOWN: usize = 200;
/// Lines of output from each side.
const LINES: usize = 12;
/// Messages of a failed step.
const MESSAGES: usize = 5;
/// Bytes of a name or a sentence.
const SENTENCE: usize = 600;

pub(super) fn failed_steps(page: &mut Page, record: &RunRecord) {
    for leg in record.sides() {
        let is_bad = |s: &&Step| !matches!(s.status, StepStatus::Passed | StepStatus::Skipped);
        for step in leg.steps.iter().filter(is_bad) {
            let summary = format!("The step {} of the {}: {}", step.name, leg.role, step.status);
            page.fold(&summary, failed_step(leg, step));
        }
    }
}

fn failed_step(leg: &Leg, step: &Step) -> Vec<String> {
    let mut pieces = vec![format!("In {}.\n\n", code(&cut::line(&leg.name, SENTENCE)))];
    if let Some(detail) = step.detail.as_ref().filter(|_| step.diagnostics.is_empty()) {
        pieces.push(block(detail.lines().take(LINES)) + "\n");
    }
    let messages = step.diagnostics.iter().take(MESSAGES);
    pieces.extend(messages.map(|message| block(excerpt::diagnostic(message, LINES * 2)) + "\n"));
    let more = step.diagnostics.len().saturating_sub(MESSAGES);
    if let Some(log) = step.log.as_deref().filter(|_| more > 0) {
        pieces.push(format!("{more} more: see {}.\n\n", code(&cut::line(log, SENTENCE))));
    }
    if !step.failed_targets.is_empty() {
        let targets = cut::line(&step.failed_targets.join(", "), SENTENCE);
        pieces.push(format!("Not built: {}\n\n", code(&targets)));
    }
    pieces
}

pub(super) fn all(page: &mut Page, record: &RunRecord) {
    let Some(comparison) = &record.comparison else { return };
    let sides = [Role::Baseline, Role::Candidate].map(|role| Side::of(record, role));
    for kind in ChangeKind::ALL.into_iter().filter(|kind| *kind != ChangeKind::Same) {
        let changes: Vec<&Change> =
            comparison.changes.iter().filter(|change| change.change == kind).collect();
        let mut pieces: Vec<String> =
            changes.iter().take(SHOWN).map(|change| one(change, &sides)).collect();
        let more = changes.len().saturating_sub(SHOWN);
        if more > 0 {
            pieces.push(format!("{more} more are in the run's `run.json`.\n\n"));
        }
        let name = capitalised(&kind.to_string());
        page.fold(&format!("{name}: {} ({})", changes.len(), meaning(kind)), pieces);
    }
}

fn one(change: &Change, sides: &[Side<'_>; 2]) -> String {
    let mut out = format!("**{}**\n\n", code(&cut::line(&change.id, SENTENCE)));
    if let Some(reason) = &change.reason {
        let _ = writeln!(out, "{}\n", prose(&cut::line(reason, SENTENCE)));
    }
    for (label, side) in ["baseline", "candidate"].into_iter().zip(sides) {
        let (said, output) = side.said(&change.id);
        let said = prose(&cut::line(&said, SENTENCE));
        let lines = output.map(|output| excerpt::excerpt(output, LINES));
        match lines {
            Some(lines) if lines.is_empty() => {
                let _ = writeln!(out, "{label}: {said}; it printed nothing\n");
            }
            Some(lines) => {
                let _ = writeln!(out, "{label}: {said}\n\n{}", block(lines));
            }
            None => {
                let _ = writeln!(out, "{label}: {said}\n");
            }
        }
    }
    out
}
