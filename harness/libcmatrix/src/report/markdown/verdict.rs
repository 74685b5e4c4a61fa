//! The answer, why, and every rule that it was made by.

use std::fmt::Write;

use libcmatrix_schema::{Acceptance, Leg, Role, Rule, RuleStatus, RunRecord, VerdictOutcome};

use super::{
    super::{
        amount,
        answer::{Answer, Coverage, sentence, shown_name},
        cut,
        sanitise::sanitise_line,
    },
    inert::{cell, code, prose},
    page::Page,
};

/// Bytes of a name.
const NAME: usize = 120;
/// Bytes of a sentence.
const SENTENCE: usize = 600;

pub(super) fn answer(page: &mut Page, record: &RunRecord) {
    let name = code(&cut::line(&sanitise_line(&shown_name(record)), NAME));
    let [from, to] = [Role::Baseline, Role::Candidate]
        .map(|role| record.leg(role).map_or_else(|| format!("the {role}"), side));
    let answer = Answer::of(record);
    let (mark, word) = (mark(answer), answer.upper());
    let sentence = sentence(record, &name, &from, &to);
    page.add(&format!("## {mark} {word}: {name}\n\n{sentence}\n\n"));
    for reason in reasons(record) {
        page.add(&format!("- {}\n", prose(&cut::line(&reason, SENTENCE))));
    }
    page.add("\n");
}

/// A sign in colour, of those that GitHub and GitLab show.
fn mark(answer: Answer) -> &'static str {
    match answer.0 {
        Some(VerdictOutcome::Go) => "\u{2705}",
        Some(VerdictOutcome::NoGo) => "\u{274c}",
        Some(VerdictOutcome::Inconclusive) | None => "\u{26a0}\u{fe0f}",
    }
}

fn side(leg: &Leg) -> String {
    let environment = &leg.environment;
    let name = code(&cut::line(&leg.name, NAME));
    format!("{name} ({}, {})", environment.libc, environment.linkage)
}

fn reasons(record: &RunRecord) -> impl Iterator<Item = String> {
    let verdict = record.verdict.iter();
    let reasons = verdict.clone().flat_map(|verdict| verdict.reasons.iter().cloned());
    let conditions = verdict.clone().flat_map(|verdict| &verdict.conditions);
    let conditions = conditions.map(|condition| format!("as it was run: {condition}"));
    let rules = verdict.flat_map(|verdict| &verdict.rules);
    let failed = rules.filter(|rule| rule.status == RuleStatus::Fail);
    let failed = failed.map(|rule| {
        format!("rule `{}`: {}, limit {}", rule.id, measured(rule), amount::number(rule.limit))
    });
    let compared = Coverage::of(record).map(|coverage| coverage.in_words());
    reasons.chain(conditions).chain(failed).chain(compared)
}

fn measured(rule: &Rule) -> String {
    rule.measured.map_or("not measured".into(), amount::number)
}

/// Every rule with what was measured, and what was accepted.
pub(super) fn rules(page: &mut Page, record: &RunRecord) {
    let Some(verdict) = &record.verdict else { return };
    let mut table = String::from("| rule | measured | limit | |\n|---|---|---|---|\n");
    for rule in &verdict.rules {
        let status = match rule.status {
            RuleStatus::Fail => format!("**fails: {}**", rule.on_failure),
            status => status.to_string(),
        };
        let (id, measured) = (cell(&format!("`{}`", rule.id)), measured(rule));
        let _ =
            writeln!(table, "| {id} | {measured} | {} | {status} |", amount::number(rule.limit));
    }
    table.push('\n');
    let failed = verdict.rules.iter().filter(|rule| rule.status == RuleStatus::Fail).count();
    let accepted: Vec<String> = verdict.acceptances.iter().map(acceptance).collect();
    let summary = format!("Rules of the verdict: {failed} of {} fail", verdict.rules.len());
    page.fold(&summary, (!verdict.rules.is_empty()).then_some(table));
    let summary = format!("Known differences that are accepted: {}", accepted.len());
    page.fold(&summary, accepted);
}

fn acceptance(acceptance: &Acceptance) -> String {
    let short = |text: &str| prose(&cut::line(text, SENTENCE));
    let until = if acceptance.expired { "**expired**" } else { "until" };
    let mut what: Vec<String> =
        acceptance.tests.iter().take(5).map(|test| code(&cut::line(test, NAME))).collect();
    what.extend(acceptance.finding.as_deref().map(|finding| code(&cut::line(finding, NAME))));
    format!(
        "- {}: {} ({until} {}; covers {})\n\n",
        what.join(", "),
        short(&acceptance.reason),
        short(&acceptance.expires),
        match acceptance.covers.len() {
            1 => "1 test".into(),
            n => format!("{n} tests"),
        }
    )
}
