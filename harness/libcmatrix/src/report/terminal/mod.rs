//! The report for people: the verdict first, then the two legs side by side, then every change
//! with what each side printed, then where the files are. Styled with ANSI sequences, which whoever
//! prints it takes out where they are not wanted; nothing depends on colour alone.

pub(in crate::report) mod changes;
mod findings;
mod images;
pub(in crate::report) mod legs;
mod lines;
mod measured;

use std::fmt::Write;

use libcmatrix_schema::{Leg, Role, RuleStatus, RunRecord, StepName, StepStatus};

use super::{
    amount,
    answer::{Answer, Coverage, shown_name},
    excerpt,
    sanitise::sanitise_line,
};
pub(super) use lines::{BOLD, DIM, more, wrapped};
use lines::{quote, short};

/// How to show it.
#[derive(Clone, Debug)]
pub struct TerminalOptions {
    /// Columns.
    pub width: usize,
    /// Files of the run: a label and a path.
    pub files: Vec<(String, String)>,
}

/// Shows a run.
#[must_use]
pub fn render(record: &RunRecord, options: &TerminalOptions) -> String {
    let mut out = String::new();
    verdict(&mut out, record, options.width);
    legs::table(&mut out, record, options.width);
    measured::all(&mut out, record, options.width);
    images::all(&mut out, record, options.width);
    trouble(&mut out, record, options.width);
    findings::all(&mut out, record, options.width);
    changes::all(&mut out, record, options.width);
    notes(&mut out, record, options.width);
    files(&mut out, options);
    out
}

fn verdict(out: &mut String, record: &RunRecord, width: usize) {
    let answer = Answer::of(record);
    let (word, style) = (answer.upper(), answer.style());
    let name = sanitise_line(&shown_name(record));
    let _ = writeln!(out, "\n{style}{word}{style:#}  {BOLD}{}{BOLD:#}", short(&name, width));
    let sides = [Role::Baseline, Role::Candidate]
        .map(|role| record.leg(role).map_or_else(|| format!("no {role}"), describe));
    let mut line = String::new();
    wrapped(&mut line, "", &sides.join(" -> "), width);
    let _ = writeln!(out, "{DIM}{}{DIM:#}\n", line.trim_end());
    for reason in record.verdict.iter().flat_map(|v| &v.reasons) {
        wrapped(out, "  - ", &sanitise_line(reason), width);
    }
    for condition in record.verdict.iter().flat_map(|v| &v.conditions) {
        wrapped(out, "  - ", &format!("as it was run: {}", sanitise_line(condition)), width);
    }
    if let Some(coverage) = Coverage::of(record) {
        wrapped(out, "  - ", &coverage.in_words(), width);
    }
    let failed = record.verdict.iter().flat_map(|v| &v.rules);
    for rule in failed.filter(|r| r.status == RuleStatus::Fail) {
        let measured = rule.measured.map_or("not measured".to_owned(), amount::number);
        let (id, limit) = (sanitise_line(&rule.id), amount::number(rule.limit));
        let text = format!("rule {id}: {measured}, limit {limit}");
        let _ = writeln!(out, "  {DIM}- {text}{DIM:#}");
    }
}

fn describe(leg: &Leg) -> String {
    let e = &leg.environment;
    format!("{} ({}, {})", sanitise_line(&leg.name), e.libc, e.linkage)
}

/// Steps that did not end well, with what was said.
fn trouble(out: &mut String, record: &RunRecord, width: usize) {
    for leg in record.sides() {
        let bad = leg
            .steps
            .iter()
            .filter(|s| !matches!(s.status, StepStatus::Passed | StepStatus::Skipped));
        for step in bad {
            let title = format!("{} {}: {}", sanitise_line(&leg.name), step.name, step.status);
            let _ = writeln!(out, "\n{BOLD}{title}{BOLD:#}");
            // Of a failed build, the detail is a line of the diagnostics.
            if let Some(detail) = step.detail.as_ref().filter(|_| step.diagnostics.is_empty()) {
                quote(out, detail.lines().take(12), "  ", width);
            }
            for (n, diagnostic) in step.diagnostics.iter().take(3).enumerate() {
                if n > 0 {
                    let _ = writeln!(out);
                }
                quote(out, excerpt::diagnostic(diagnostic, 14), "  ", width);
            }
            more(out, step.diagnostics.len().saturating_sub(3), "error", step.log.as_deref());
            if step.name == StepName::Build && !step.failed_targets.is_empty() {
                let targets = step.failed_targets.join(", ");
                wrapped(out, "  not built: ", &sanitise_line(&targets), width);
            }
        }
    }
}

fn notes(out: &mut String, record: &RunRecord, width: usize) {
    if record.notes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}notes{BOLD:#}");
    for note in &record.notes {
        wrapped(out, "  - ", &sanitise_line(&note.text), width);
    }
}

fn files(out: &mut String, options: &TerminalOptions) {
    if options.files.is_empty() {
        return;
    }
    let _ = writeln!(out);
    let widest = options.files.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, path) in &options.files {
        let _ = writeln!(out, "{DIM}{label:widest$}{DIM:#}  {}", sanitise_line(path));
    }
}
