//! Tests that are not the same on both sides: what each side said, beside each other.
//!
//! Each test is shown once: with the finding that explains it, else with its kind of change. How many
//! are shown whole is limited; the table of all tests has the others.

use std::collections::HashMap;

use libcmatrix_schema::{Change, ChangeKind, Outcome, Role, RunRecord, is_doctest};

use super::crash::CrashView;
use crate::report::{
    excerpt::excerpt,
    sanitise::{sanitise, sanitise_line},
    terminal::changes::{Side, meaning, telling},
};

/// Tests of one group that are shown whole.
const SHOWN: usize = 15;
/// Tests of the whole page, likewise.
const SHOWN_IN_ALL: usize = 80;
/// Lines of an output that are seen at once.
const LINES: usize = 8;
/// Characters of a text that are in the page at most: its two ends, each half of it.
pub(super) const TEXT: usize = 16_000;
/// The same of an excerpt, and of any output where there is little room left.
pub(super) const SHORT_TEXT: usize = 1500;
/// Bytes of all outputs after which only short ones are kept.
const ROOM: usize = 1_500_000;

/// One test with both sides.
pub(super) struct ChangeView {
    /// Number of its place in the page: `t<number>`.
    pub anchor: usize,
    pub id: String,
    pub kind: ChangeKind,
    pub reason: Option<String>,
    pub sides: [SideView; 2],
}

/// What one side said of a test.
pub(super) struct SideView {
    pub role: Role,
    pub leg: String,
    pub words: String,
    /// `good`, `bad` or `other`: names of the style sheet.
    pub class: &'static str,
    /// Whether there was an output worth a look.
    pub has_output: bool,
    pub excerpt: String,
    /// All of it, or its two ends, where the excerpt is not all.
    pub output: Option<String>,
    pub crash: Option<CrashView>,
    pub crash_unseen: Option<String>,
}

/// Tests of one kind of change that no finding explains.
pub(super) struct ChangeGroup {
    pub kind: ChangeKind,
    pub meaning: &'static str,
    pub number: usize,
    pub changes: Vec<ChangeView>,
    pub more: usize,
}

/// Hands out what is shown of each test, once.
pub(super) struct Details<'a> {
    changes: HashMap<&'a str, &'a Change>,
    sides: [(Role, String, Side<'a>); 2],
    /// Where each test is shown that is shown already.
    shown: HashMap<&'a str, usize>,
    /// Bytes that outputs may still take.
    room: usize,
}

impl<'a> Details<'a> {
    pub(super) fn of(record: &'a RunRecord) -> Self {
        let changes = record.comparison.iter().flat_map(|c| &c.changes);
        let side = |role| {
            let name = record
                .leg(role)
                .map_or_else(|| format!("no {role}"), |leg| sanitise_line(&leg.name));
            (role, name, Side::of(record, role))
        };
        Self {
            changes: changes.map(|change| (change.id.as_str(), change)).collect(),
            sides: [Role::Baseline, Role::Candidate].map(side),
            shown: HashMap::new(),
            room: ROOM,
        }
    }

    /// Views of those of `ids` that are not shown yet, and how many there are no more room for.
    pub(super) fn take(&mut self, ids: &[&'a str]) -> (Vec<ChangeView>, usize) {
        let mut views = Vec::new();
        let mut more = 0;
        for id in ids {
            let Some((id, change)) = self.changes.get_key_value(id).map(|(id, c)| (*id, *c)) else {
                continue;
            };
            if self.shown.contains_key(id) {
                continue;
            }
            if views.len() == SHOWN || self.shown.len() == SHOWN_IN_ALL {
                more += 1;
                continue;
            }
            let anchor = self.shown.len() + 1;
            self.shown.insert(id, anchor);
            views.push(self.view(anchor, change));
        }
        (views, more)
    }

    /// Where the test is shown, if it is.
    pub(super) fn anchor(&self, id: &str) -> Option<usize> {
        self.shown.get(id).copied()
    }

    /// Where each test is shown that is shown.
    pub(super) fn anchors(&self) -> &HashMap<&'a str, usize> {
        &self.shown
    }

    fn view(&mut self, anchor: usize, change: &Change) -> ChangeView {
        let sides = [0, 1].map(|n| {
            let (role, leg, side) = &self.sides[n];
            let outcome = [&change.baseline, &change.candidate][n].as_deref();
            let most = if self.room > 0 { TEXT } else { SHORT_TEXT };
            let view = side_view(*role, leg, side, &change.id, outcome, most);
            let taken = [Some(&view.excerpt), view.output.as_ref()];
            let taken: usize = taken.into_iter().flatten().map(|text| escaped_bytes(text)).sum();
            self.room = self.room.saturating_sub(taken);
            view
        });
        ChangeView {
            anchor,
            id: sanitise_line(&change.id),
            kind: change.change,
            reason: change.reason.as_deref().map(sanitise_line),
            sides,
        }
    }
}

fn side_view(
    role: Role,
    leg: &str,
    side: &Side<'_>,
    id: &str,
    outcome: Option<&str>,
    most: usize,
) -> SideView {
    let (words, said) = side.said(id);
    let attempt = side.tests.get(id).and_then(|test| telling(test));
    let text = said.map(|said| sanitise(said.trim_matches('\n'))).unwrap_or_default();
    let seen = excerpt(&text, LINES).join("\n");
    let output = (said.is_some() && seen.trim() != text.trim()).then(|| both_ends(&text, most));
    SideView {
        role,
        leg: leg.to_owned(),
        words: sanitise_line(&words),
        class: outcome_class(outcome),
        has_output: said.is_some(),
        excerpt: both_ends(&seen, SHORT_TEXT),
        output,
        crash: attempt.and_then(|a| a.crash.as_deref()).map(CrashView::of),
        crash_unseen: attempt.and_then(|a| a.crash_unseen.as_deref()).map(sanitise_line),
    }
}

/// Whether an outcome, by its name, is good, bad, or neither.
pub(super) fn outcome_class(outcome: Option<&str>) -> &'static str {
    match outcome {
        Some("passed") => "good",
        Some("failed" | "crashed" | "timed-out" | "oom-killed" | "leaked") => "bad",
        _ => "other",
    }
}

/// Bytes that a text has in the page.
fn escaped_bytes(text: &str) -> usize {
    let longer = text.bytes().filter(|c| matches!(c, b'<' | b'>' | b'&' | b'"' | b'\'')).count();
    text.len() + 4 * longer
}

/// A text, or where it has more than `most` characters its two ends, with how much is left out.
pub(super) fn both_ends(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (&text[..at(most / 2)], &text[at(length - most / 2)..]);
    format!("{head}\n\n[{} characters are left out here]\n\n{tail}", length - most)
}

/// What no finding has shown, by kind of change.
pub(super) fn groups<'a>(record: &'a RunRecord, details: &mut Details<'a>) -> Vec<ChangeGroup> {
    let mut groups = Vec::new();
    for kind in ChangeKind::ALL.into_iter().filter(|kind| *kind != ChangeKind::Same) {
        let explained: std::collections::HashSet<&str> =
            record.findings.iter().flat_map(|f| &f.tests).map(String::as_str).collect();
        let ids: Vec<&str> = record
            .comparison
            .iter()
            .flat_map(|c| &c.changes)
            .filter(|c| c.change == kind && !explained.contains(c.id.as_str()))
            .map(|c| c.id.as_str())
            .collect();
        if ids.is_empty() {
            continue;
        }
        let (changes, more) = details.take(&ids);
        groups.push(ChangeGroup { kind, meaning: meaning(kind), number: ids.len(), changes, more });
    }
    groups
}

/// Tests that are bad in the same way on both sides.
pub(super) struct BadAlike {
    pub number: usize,
    pub ids: Vec<String>,
    pub more: usize,
    /// Whether an image without compiler and tools may be the reason.
    pub in_runtime: bool,
}

impl BadAlike {
    pub(super) fn of(record: &RunRecord, details: &Details<'_>) -> Self {
        let is_bad = |id: &str| {
            details.sides[0].2.tests.get(id).is_some_and(|test| {
                !matches!(
                    test.outcome,
                    Outcome::Passed | Outcome::Leaked | Outcome::Ignored | Outcome::NotRun { .. }
                )
            })
        };
        let changes = record.comparison.iter().flat_map(|c| &c.changes);
        let all: Vec<&str> = changes
            .filter(|c| c.change == ChangeKind::Same && is_bad(&c.id))
            .map(|c| c.id.as_str())
            .collect();
        Self {
            number: all.len(),
            ids: all.iter().take(SHOWN).map(|id| sanitise_line(id)).collect(),
            more: all.len().saturating_sub(SHOWN),
            in_runtime: record.settings.test_image == "runtime"
                && all.iter().any(|id| !is_doctest(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outputs_keep_both_ends() {
        let text = format!("first\n{}\nlast", "\u{e9}".repeat(100));
        let shown = both_ends(&text, 100);
        assert!(shown.starts_with("first\n") && shown.ends_with("\nlast"), "{shown}");
        assert!(shown.contains("[11 characters are left out here]"), "{shown}");
        assert_eq!(both_ends("short", 100), "short");
    }
}
