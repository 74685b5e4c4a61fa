//! The answer of a run in words, the same in every report: its word, its sign, its sentence, and how much
//! was compared. Pure: takes the record; gives text, of which names are still to be made harmless.

use anstyle::{AnsiColor, Style};
use libcmatrix_schema::{Change, RunRecord, VerdictOutcome};

use super::sentence::capitalised;

/// The answer, or that there is none yet.
#[derive(Clone, Copy)]
pub(super) struct Answer(pub Option<VerdictOutcome>);

impl Answer {
    pub(super) fn of(record: &RunRecord) -> Self {
        Self(record.verdict.as_ref().map(|verdict| verdict.outcome))
    }

    /// `no-go`.
    pub(super) fn word(self) -> &'static str {
        self.0.map_or("no verdict", VerdictOutcome::name)
    }

    /// `No-go`.
    pub(super) fn capitalised(self) -> String {
        capitalised(self.word())
    }

    /// `NO-GO`.
    pub(super) fn upper(self) -> String {
        self.word().to_uppercase()
    }

    /// Its name in style sheets.
    pub(super) fn class(self) -> &'static str {
        self.0.map_or("none", VerdictOutcome::name)
    }

    /// What stands where the word has no room: nothing depends on colour alone.
    pub(super) fn sign(self) -> &'static str {
        match self.0 {
            Some(VerdictOutcome::Go) => "\u{2713}",
            Some(VerdictOutcome::NoGo) => "\u{2715}",
            Some(VerdictOutcome::Inconclusive) => "?",
            None => "\u{2013}",
        }
    }

    /// How a terminal shows it.
    pub(super) fn style(self) -> Style {
        let colour = match self.0 {
            Some(VerdictOutcome::Go) => AnsiColor::Green,
            Some(VerdictOutcome::NoGo) => AnsiColor::Red,
            Some(VerdictOutcome::Inconclusive) | None => AnsiColor::Yellow,
        };
        colour.on_default().bold()
    }
}

/// The answer in a sentence, about `name` and the sides called `from` and `to`.
pub(super) fn sentence(record: &RunRecord, name: &str, from: &str, to: &str) -> String {
    // There is no move in a comparison of a side with itself.
    if record.settings.control.is_some() {
        return format!("A control run of {name}, {from} against {to}: what differs is chance.");
    }
    match Answer::of(record).0 {
        Some(VerdictOutcome::Go) => format!("{name} can move from {from} to {to}."),
        Some(VerdictOutcome::NoGo) => format!("{name} cannot move from {from} to {to} as it is."),
        Some(VerdictOutcome::Inconclusive) => {
            format!("This run does not tell whether {name} can move from {from} to {to}.")
        }
        None => format!("The run of {name}, {from} to {to}, ended before it had an answer."),
    }
}

/// The name, and the version of the only package.
pub(super) fn shown_name(record: &RunRecord) -> String {
    match record.project.packages.as_slice() {
        [package] if package.name == record.project.name => {
            format!("{} {}", package.name, package.version)
        }
        _ => record.project.name.clone(),
    }
}

/// How much was compared.
pub(super) struct Coverage {
    pub compared: u64,
    pub total: u64,
    /// What else is to be known of these numbers.
    pub details: Vec<String>,
}

impl Coverage {
    /// None before the comparison.
    pub(super) fn of(record: &RunRecord) -> Option<Self> {
        let comparison = record.comparison.as_ref()?;
        let mut details = Vec::new();
        if comparison.total_doctests > 0 {
            details.push(format!(
                "among them {} of {} doctests",
                comparison.compared_doctests, comparison.total_doctests
            ));
        }
        if !record.settings.doctests {
            details.push("doctests were not asked for".into());
        }
        let is_ignored = |outcome: Option<&str>| outcome == Some("ignored");
        let is_ignored_on_both = |change: &&Change| {
            is_ignored(change.baseline.as_deref()) && is_ignored(change.candidate.as_deref())
        };
        match comparison.changes.iter().filter(is_ignored_on_both).count() {
            0 => {}
            ignored => details.push(format!("{ignored} ignored on both sides")),
        }
        Some(Self { compared: comparison.compared, total: comparison.total, details })
    }

    /// `compared 3 of 4 tests; 1 ignored on both sides`.
    pub(super) fn in_words(&self) -> String {
        let compared = format!("compared {} of {} tests", self.compared, self.total);
        std::iter::once(&compared).chain(&self.details).cloned().collect::<Vec<_>>().join("; ")
    }
}
