//! Steps that did not end well, with what compilers and linkers said.

use libcmatrix_schema::{Role, RunRecord, Step, StepStatus};

use super::changes::{TEXT, both_ends};
use crate::report::{
    excerpt::diagnostic,
    sanitise::{sanitise, sanitise_line},
};

/// Errors of one step that are shown.
const ERRORS: usize = 5;
/// Lines of one error.
const LINES: usize = 40;

pub(super) struct TroubleView {
    pub leg: String,
    pub role: Role,
    pub step: String,
    pub status: String,
    pub texts: Vec<String>,
    pub more: usize,
    pub log: String,
    pub not_built: Vec<String>,
}

pub(super) fn all(record: &RunRecord) -> Vec<TroubleView> {
    let mut views = Vec::new();
    for leg in record.sides() {
        let is_bad = |s: &&Step| !matches!(s.status, StepStatus::Passed | StepStatus::Skipped);
        for step in leg.steps.iter().filter(is_bad) {
            views.push(TroubleView {
                leg: sanitise_line(&leg.name),
                role: leg.role,
                step: step.name.to_string(),
                status: step.status.to_string(),
                texts: texts(step),
                more: step.diagnostics.len().saturating_sub(ERRORS),
                log: step.log.as_deref().map(sanitise_line).unwrap_or_default(),
                not_built: step.failed_targets.iter().map(|t| sanitise_line(t)).collect(),
            });
        }
    }
    views
}

fn texts(step: &Step) -> Vec<String> {
    if step.diagnostics.is_empty() {
        // Of a failed build, the detail is a line of the diagnostics.
        return step.detail.iter().map(|text| both_ends(&sanitise(text), TEXT)).collect();
    }
    let shown = step.diagnostics.iter().take(ERRORS);
    shown.map(|text| both_ends(&sanitise(&diagnostic(text, LINES).join("\n")), TEXT)).collect()
}
