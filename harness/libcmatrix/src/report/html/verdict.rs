//! The answer: in one word, in a sentence, why, what to do first, and by which rules.

use libcmatrix_schema::{
    ChangeKind, Leg, Role, Rule, RuleStatus, RunRecord, Verdict, VerdictOutcome,
};

use super::{
    code_spans::{Piece, pieces},
    findings::install_lines,
};
use crate::{
    diagnose::UNEXPLAINED,
    report::{
        amount,
        answer::{self, Answer, Coverage, shown_name},
        cut,
        sanitise::sanitise_line,
        sentence::capitalised,
        terminal::changes::meaning,
    },
};

/// Causes of which the first remedy is told beside the verdict.
const FIRST: usize = 4;
/// Bytes of a name in the headline; below, it stands whole.
const NAME: usize = 100;

pub(super) struct VerdictView {
    /// `go`, `no-go`, `inconclusive` or `none`: names of the style sheet.
    pub class: &'static str,
    pub word: String,
    pub sentence: String,
    pub reasons: Vec<String>,
    pub conditions: Vec<String>,
    pub to_do: Vec<ToDo>,
    /// More causes than are told.
    pub more_to_do: usize,
    pub coverage: Option<Coverage>,
    pub counts: Vec<Count>,
    /// Those that fail, or could not be measured.
    pub rules: Vec<RuleView>,
    pub rules_passed: Vec<RuleView>,
    /// How many pass.
    pub rules_summary: String,
    pub acceptances: Vec<AcceptanceView>,
}

/// What to do about one cause.
pub(super) struct ToDo {
    /// Which finding of the page it is, from 1.
    pub finding: usize,
    pub title: String,
    pub remedy: Vec<Piece>,
}

/// Tests of one kind of change, as a part of a bar from 0 to 100.
pub(super) struct Count {
    pub kind: ChangeKind,
    pub meaning: &'static str,
    pub tests: String,
    pub from: String,
    pub width: String,
}

pub(super) struct RuleView {
    pub id: String,
    pub limit: String,
    pub measured: String,
    /// `pass`, `fail` or `not-measured`: names of the style sheet.
    pub class: &'static str,
    pub status: RuleStatus,
    pub on_failure: VerdictOutcome,
}

pub(super) struct AcceptanceView {
    pub what: String,
    pub reason: String,
    pub owner: String,
    pub expires: String,
    pub expired: bool,
    pub covers: String,
}

impl VerdictView {
    pub(super) fn of(record: &RunRecord) -> Self {
        let verdict = record.verdict.as_ref();
        let answer = Answer::of(record);
        let lines = |of: fn(&Verdict) -> &Vec<String>| -> Vec<String> {
            verdict.into_iter().flat_map(of).map(|text| sanitise_line(text)).collect()
        };
        let causes = record.findings.iter().filter(|f| f.code != UNEXPLAINED).count();
        let to_do = to_do(record);
        let rules = verdict.into_iter().flat_map(|v| &v.rules);
        let (rules_passed, rules): (Vec<&Rule>, Vec<&Rule>) =
            rules.partition(|rule| rule.status == RuleStatus::Pass);
        let [rules_passed, rules] = [rules_passed, rules]
            .map(|rules| rules.into_iter().map(rule).collect::<Vec<RuleView>>());
        Self {
            class: answer.class(),
            word: answer.capitalised(),
            sentence: sentence(record),
            reasons: lines(|v| &v.reasons),
            conditions: lines(|v| &v.conditions),
            more_to_do: if to_do.len() == FIRST { causes.saturating_sub(FIRST) } else { 0 },
            to_do,
            coverage: Coverage::of(record),
            counts: counts(record),
            rules_summary: rules_summary(rules_passed.len(), rules.len()),
            rules,
            rules_passed,
            acceptances: acceptances(verdict),
        }
    }
}

fn sentence(record: &RunRecord) -> String {
    let name = cut::line(&sanitise_line(&shown_name(record)), NAME);
    let side = |role| record.leg(role).map_or_else(|| format!("the {role}"), place);
    answer::sentence(record, &name, &side(Role::Baseline), &side(Role::Candidate))
}

/// `Debian trixie (glibc)`.
fn place(leg: &Leg) -> String {
    let e = &leg.environment;
    let [distro, release] =
        [&e.distro, &e.release].map(|text| cut::line(&sanitise_line(text), NAME));
    format!("{} {release} ({})", capitalised(&distro), e.libc)
}

/// Packages that are missing, else the best remedy, of the first causes.
fn to_do(record: &RunRecord) -> Vec<ToDo> {
    let known = record.findings.iter().enumerate().filter(|(_, f)| f.code != UNEXPLAINED);
    let first = known.filter_map(|(n, finding)| {
        let install = install_lines(finding).into_iter().next().map(|line| format!("`{line}`"));
        let remedy = install.or_else(|| finding.remedies.first().map(|r| sanitise_line(r)))?;
        Some(ToDo { finding: n + 1, title: sanitise_line(&finding.title), remedy: pieces(&remedy) })
    });
    first.take(FIRST).collect()
}

#[allow(clippy::cast_precision_loss, reason = "parts of a bar")]
fn counts(record: &RunRecord) -> Vec<Count> {
    let Some(comparison) = &record.comparison else { return Vec::new() };
    let number = |kind| comparison.changes.iter().filter(|c| c.change == kind).count();
    let present: Vec<(ChangeKind, usize)> =
        ChangeKind::ALL.into_iter().map(|kind| (kind, number(kind))).filter(|c| c.1 > 0).collect();
    // A kind that has a test has a part that is seen.
    let weight = |tests: usize| (tests as f64 / comparison.changes.len() as f64).max(0.012);
    let sum: f64 = present.iter().map(|c| weight(c.1)).sum();
    let mut from = 0.0;
    let part = |(kind, tests): (ChangeKind, usize)| {
        let width = weight(tests) / sum * 100.0;
        let count = Count {
            kind,
            meaning: meaning(kind),
            tests: amount::count(tests as u64),
            from: format!("{from:.2}"),
            width: format!("{width:.2}"),
        };
        from += width;
        count
    };
    present.into_iter().map(part).collect()
}

fn rules_summary(passed: usize, others: usize) -> String {
    match (passed, others) {
        (1, 0) => "The only rule passes".into(),
        (n, 0) => format!("All {n} rules pass"),
        (1, _) => "1 rule passes".into(),
        (n, _) => format!("{n} rules pass"),
    }
}

fn rule(rule: &Rule) -> RuleView {
    RuleView {
        id: sanitise_line(&rule.id),
        limit: amount::number(rule.limit),
        measured: rule.measured.map_or("not measured".into(), amount::number),
        class: match rule.status {
            RuleStatus::Pass => "pass",
            RuleStatus::Fail => "fail",
            RuleStatus::NotMeasured => "not-measured",
        },
        status: rule.status,
        on_failure: rule.on_failure,
    }
}

fn acceptances(verdict: Option<&Verdict>) -> Vec<AcceptanceView> {
    let view = |a: &libcmatrix_schema::Acceptance| {
        let what: Vec<&str> =
            a.finding.as_deref().into_iter().chain(a.tests.iter().map(String::as_str)).collect();
        let covers = match a.covers.len() {
            0 if a.covers_finding => "the finding".into(),
            0 => "nothing that was seen".into(),
            1 => "1 test".into(),
            n => format!("{n} tests"),
        };
        AcceptanceView {
            what: sanitise_line(&what.join(", ")),
            reason: sanitise_line(&a.reason),
            owner: a.owner.as_deref().map_or("-".into(), sanitise_line),
            expires: sanitise_line(&a.expires),
            expired: a.expired,
            covers,
        }
    };
    verdict.into_iter().flat_map(|v| &v.acceptances).map(view).collect()
}
