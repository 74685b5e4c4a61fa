//! Every change, grouped by kind, with the first useful lines of output from each side.

use std::{collections::HashMap, fmt::Write};

use libcmatrix_schema::{
    Attempt, AttemptStatus, Binary, Change, ChangeKind, Outcome, Role, RunRecord, Test, is_doctest,
};

use super::{
    super::{amount, excerpt::excerpt, sanitise::sanitise_line},
    BOLD, DIM,
    lines::{heading, quote},
    more, wrapped,
};

/// Changes of one kind that are shown; the record has them all.
const SHOWN: usize = 25;

/// Lines of output from each side.
const LINES: usize = 6;

pub(super) fn all(out: &mut String, record: &RunRecord, width: usize) {
    let Some(comparison) = &record.comparison else { return };
    let sides = [Role::Baseline, Role::Candidate].map(|role| Side::of(record, role));
    for kind in ChangeKind::ALL.into_iter().filter(|k| *k != ChangeKind::Same) {
        let changes: Vec<&Change> =
            comparison.changes.iter().filter(|c| c.change == kind).collect();
        if changes.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "\n{BOLD}{kind} ({}){BOLD:#} {DIM}{}{DIM:#}",
            changes.len(),
            meaning(kind)
        );
        for change in changes.iter().take(SHOWN) {
            one(out, change, &sides, width);
        }
        more(out, changes.len().saturating_sub(SHOWN), "test", Some("run.json"));
    }
    same_but_bad(out, record, &sides, width);
}

pub(in crate::report) fn meaning(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Regressed => "good in the baseline, bad in the candidate",
        ChangeKind::Disappeared => "run in the baseline, not in the candidate",
        ChangeKind::Indeterminate => "no result on one side",
        ChangeKind::Unstable => "attempts disagree",
        ChangeKind::Differs => "bad on both sides in different ways, or processes left on one",
        ChangeKind::Fixed => "bad in the baseline, good in the candidate",
        ChangeKind::Appeared => "run in the candidate only",
        ChangeKind::Same => "the same on both sides",
    }
}

fn one(out: &mut String, change: &Change, sides: &[Side<'_>; 2], width: usize) {
    heading(out, &change.id, width);
    if let Some(reason) = &change.reason {
        wrapped(out, "    ", &sanitise_line(reason), width);
    }
    for (label, side) in ["baseline ", "candidate"].into_iter().zip(sides) {
        let (text, output) = side.said(&change.id);
        wrapped(out, &format!("    {DIM}{label}{DIM:#}  "), &sanitise_line(&text), width);
        if let Some(output) = output {
            let lines = excerpt(output, LINES);
            if lines.is_empty() {
                let _ = writeln!(out, "      {DIM}(it printed nothing){DIM:#}");
            }
            quote(out, lines, "      ", width);
        }
    }
}

/// One leg, for looking up what it says of a test.
pub(in crate::report) struct Side<'a> {
    pub(in crate::report) tests: HashMap<&'a str, &'a Test>,
    binaries: HashMap<&'a str, &'a Binary>,
}

impl<'a> Side<'a> {
    pub(in crate::report) fn of(record: &'a RunRecord, role: Role) -> Self {
        let leg = || record.leg(role).into_iter();
        Self {
            tests: leg().flat_map(|l| &l.tests).map(|t| (t.id.as_str(), t)).collect(),
            binaries: leg().flat_map(|l| &l.binaries).map(|b| (b.id.as_str(), b)).collect(),
        }
    }

    /// What became of a test, or of a binary that is compared as a whole; and its output, where that
    /// is worth a look.
    pub(in crate::report) fn said(&self, id: &str) -> (String, Option<&'a str>) {
        if let Some(test) = self.tests.get(id) {
            return (in_words(test), telling(test).map(|a| a.output.as_str()));
        }
        let (binary, is_test) = match id.split_once('$') {
            Some((binary, _)) => (binary, true),
            None => (id, false),
        };
        match self.binaries.get(binary).and_then(|b| Some((b, b.listing.as_ref()?))) {
            Some((binary, status)) if *status != AttemptStatus::Passed => {
                let words = outcome_in_words(&Outcome::from(status));
                (format!("its binary {words}"), Some(&binary.listing_output))
            }
            Some(_) if !is_test => ("it starts, and has no tests".into(), None),
            _ => ("not there".into(), None),
        }
    }
}

/// The attempt whose output is shown: the first that did not pass.
pub(in crate::report) fn telling(test: &Test) -> Option<&Attempt> {
    test.attempts.iter().find(|a| a.status != AttemptStatus::Passed)
}

pub(in crate::report) fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed { exit_code } => format!("failed with exit code {exit_code}"),
        Outcome::Crashed { signal: 0 } => "crashed by a signal that is not known".to_owned(),
        Outcome::Crashed { signal } => {
            format!("crashed by signal {signal}{}", signal_name(*signal))
        }
        Outcome::TimedOut => "ran into its time limit".to_owned(),
        Outcome::OomKilled => "killed at the memory limit".to_owned(),
        Outcome::Leaked => "passed, and left processes behind".to_owned(),
        Outcome::Ignored => "ignored".to_owned(),
        Outcome::Unstable { passed, of } => {
            format!("passed {passed} of {of} attempts")
        }
        Outcome::NotRun { reason } => format!("not run: {reason}"),
    }
}

pub(in crate::report) fn in_words(test: &Test) -> String {
    let mut text = outcome_in_words(&test.outcome);
    if matches!(test.outcome, Outcome::Unstable { .. }) {
        text.push_str(&others(test));
    }
    let leaked = test.attempts.iter().find(|a| !a.leaked_processes.is_empty());
    if let Some(attempt) = leaked {
        let _ = write!(text, " ({})", attempt.leaked_processes.join(", "));
    }
    let times = test.attempts.iter().filter_map(|a| a.wall_s);
    if let Some(first) = times.clone().next() {
        let longest = times.fold(first, f64::max);
        let _ = write!(text, ", {}", amount::seconds(longest));
    }
    if test.attempts.len() > 1 && !matches!(test.outcome, Outcome::Unstable { .. }) {
        let _ = write!(text, ", {} attempts alike", test.attempts.len());
    }
    text
}

/// How the attempts ended that did not pass.
fn others(test: &Test) -> String {
    let mut seen: Vec<String> = Vec::new();
    for attempt in test.attempts.iter().filter(|a| a.status != AttemptStatus::Passed) {
        let outcome = Outcome::from(&attempt.status).to_string();
        if !seen.contains(&outcome) {
            seen.push(outcome);
        }
    }
    if seen.is_empty() { String::new() } else { format!(", else {}", seen.join(", ")) }
}

/// The names of signal(7) that mean something went wrong.
pub(in crate::report) fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        5 => " (SIGTRAP)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        14 => " (SIGALRM)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU)",
        25 => " (SIGXFSZ)",
        31 => " (SIGSYS)",
        _ => "",
    }
}

/// Tests that are bad in the same way on both sides say nothing about musl, but often something
/// about the images.
fn same_but_bad(out: &mut String, record: &RunRecord, sides: &[Side<'_>; 2], width: usize) {
    let is_bad = |id: &str| {
        sides[0].tests.get(id).is_some_and(|t| {
            !matches!(
                t.outcome,
                Outcome::Passed | Outcome::Leaked | Outcome::Ignored | Outcome::NotRun { .. }
            )
        })
    };
    let changes = record.comparison.iter().flat_map(|c| &c.changes);
    let ids: Vec<&str> = changes
        .filter(|c| c.change == ChangeKind::Same)
        .map(|c| c.id.as_str())
        .filter(|id| is_bad(id))
        .collect();
    if ids.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n{BOLD}bad on both sides alike ({}){BOLD:#} {DIM}says nothing about musl{DIM:#}",
        ids.len()
    );
    for id in ids.iter().take(5) {
        let _ = writeln!(out, "  {}", sanitise_line(id));
    }
    more(out, ids.len().saturating_sub(5), "test", Some("run.json"));
    // Doctests run where the compiler is.
    let in_runtime = ids.iter().any(|id| !is_doctest(id));
    if in_runtime && record.settings.test_image == "runtime" {
        let hint = "tests run in bare runtime images, which have neither a compiler nor most tools; \
                    if these tests need one: --test-image builder";
        wrapped(out, "  hint: ", hint, width);
    }
}
