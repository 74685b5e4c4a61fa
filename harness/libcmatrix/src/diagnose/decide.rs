//! From facts to findings: every rule is asked, and where several hold the one that explains the
//! others is kept.

use libcmatrix_schema::{Confidence, Packages};

use super::{
    facts::{Facts, Hit},
    packages,
    rule::Category,
    rulebook::{RuleEntry, rulebook},
};

/// A rule that holds.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rule.
    pub entry: &'static RuleEntry,
    /// How sure it is.
    pub confidence: Confidence,
    /// The lines that told.
    pub hits: Vec<Hit>,
    /// What told without a line.
    pub said: Vec<String>,
    /// What is missing and can be installed.
    pub packages: Packages,
}

impl Found {
    /// What to do, the best first: the packages of what was not found, then what the rule says.
    #[must_use]
    pub fn remedies(&self) -> Vec<String> {
        let told = self.entry.rule.remedies.iter().cloned();
        packages::lines(&self.packages).into_iter().chain(told).collect()
    }
}

/// What the rules say of some facts.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// Causes, the best first.
    pub findings: Vec<Found>,
    /// Causes that are none of the libc's business.
    pub other_causes: Vec<Found>,
}

/// Asks every rule.
#[must_use]
pub fn decide(facts: &Facts) -> Diagnosis {
    let mut found: Vec<Found> =
        rulebook().entries.iter().filter_map(|entry| ask(entry, facts)).collect();
    let explained: Vec<bool> = found.iter().map(|one| is_explained(one, &found)).collect();
    let mut explained = explained.into_iter();
    found.retain(|_| !explained.next().unwrap_or(false));
    found.sort_by(|a, b| {
        let first_line = |found: &Found| found.hits.iter().map(|hit| hit.line).min();
        b.confidence
            .cmp(&a.confidence)
            .then_with(|| first_line(a).cmp(&first_line(b)))
            .then_with(|| a.entry.code.cmp(b.entry.code))
    });
    let (other_causes, findings) =
        found.into_iter().partition(|f| f.entry.rule.category == Category::NotLibc);
    Diagnosis { findings, other_causes }
}

fn ask(entry: &'static RuleEntry, facts: &Facts) -> Option<Found> {
    let holding = entry.clauses.iter().filter_map(|clause| Some((clause, clause.holds(facts)?)));
    let (clause, mut grounds) = holding.max_by_key(|(clause, _)| clause.confidence)?;
    grounds.hits.sort_by_key(|hit| hit.line);
    grounds.hits.dedup();
    let mut packages = entry.rule.install.clone();
    if entry.rule.packages {
        packages.add(&packages::of(&grounds.names));
    }
    Some(Found {
        entry,
        confidence: clause.confidence,
        hits: grounds.hits,
        said: grounds.said,
        packages,
    })
}

/// Whether another rule that holds, and is at least as sure, explains this one away.
fn is_explained(one: &Found, all: &[Found]) -> bool {
    all.iter().any(|other| {
        other.entry.code != one.entry.code
            && other.confidence >= one.confidence
            && other.entry.rule.over.iter().any(|code| code == one.entry.code)
    })
}
