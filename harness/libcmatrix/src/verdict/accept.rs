//! Known differences: `[[accept]]` in `libcmatrix.toml`. What one covers is no reason against the
//! candidate, until it expires.
//!
//! An acceptance covers what it names and nothing new: a crash, a hang or a kill for memory only where
//! its `outcome` says so.

use std::collections::HashMap;

use glob::Pattern;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use libcmatrix_schema::{
    Acceptance, Attempt, AttemptStatus, Change, Comparison, Finding, Role, RunRecord, Test,
};
use serde::Deserialize;

use crate::failure::{Failure, Result};

/// A known difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accept {
    /// Ids of tests; `*` stands for any text. None: all that the finding explains.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Code of the finding that explains them. None: whatever explains them.
    #[serde(default)]
    pub finding: Option<String>,
    /// What the tests do in the candidate, e.g. `failed`, `crashed{11}`, `crashed*`. None: any ordinary
    /// failure, but no crash, hang or kill for memory.
    #[serde(default)]
    pub outcome: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who has accepted it.
    #[serde(default)]
    pub owner: Option<String>,
    /// The last day on which it holds, e.g. `2027-03-31`.
    pub expires: String,
}

impl Accept {
    /// Whether it can be understood.
    ///
    /// # Errors
    /// It names nothing, its date is none, or a pattern of it is none.
    pub fn check(&self) -> Result<()> {
        let about = format!("the acceptance of `{}`", self.subject());
        if self.tests.is_empty() && self.finding.is_none() {
            return Err(Failure::usage("an [[accept]] names neither tests nor a finding")
                .hint("it would cover everything; give `tests`, `finding`, or both"));
        }
        if self.reason.trim().is_empty() {
            return Err(Failure::usage(format!("{about} has no reason"))
                .hint("say why it may stay as it is: `reason = \"...\"`"));
        }
        self.last_day().map_err(|e| {
            Failure::usage(format!("{about} expires on `{}`, which is no date", self.expires))
                .because(e)
                .hint("write it as 2027-03-31")
        })?;
        for text in self.tests.iter().chain(&self.outcome) {
            Pattern::new(text).map_err(|e| {
                Failure::usage(format!("`{text}` in {about} is no pattern"))
                    .because(e)
                    .hint("`*` stands for any text, `?` for one character, `[[]` for a bracket")
            })?;
        }
        Ok(())
    }

    fn subject(&self) -> &str {
        self.tests.first().or(self.finding.as_ref()).map_or("nothing", String::as_str)
    }

    fn last_day(&self) -> std::result::Result<Date, jiff::Error> {
        self.expires.parse()
    }

    /// Whether it holds no more when the run began.
    fn is_expired(&self, record: &RunRecord) -> bool {
        let day = record.started_at.parse::<Timestamp>().map(|t| t.to_zoned(TimeZone::UTC).date());
        match (self.last_day(), day) {
            (Ok(last), Ok(day)) => day > last,
            // What cannot be told is not waved through.
            _ => true,
        }
    }

    fn covers(&self, change: &Change, test: Option<&Test>, findings: &[Finding]) -> bool {
        let matches = |pattern: &str, text: &str| {
            Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text))
        };
        let is_named =
            self.tests.is_empty() || self.tests.iter().any(|test| matches(test, &change.id));
        let is_explained = self.finding.as_ref().is_none_or(|code| {
            findings.iter().any(|f| f.code == *code && f.tests.contains(&change.id))
        });
        let is_like_this = match &self.outcome {
            Some(wanted) => test.is_some_and(|test| matches(wanted, &test.outcome.to_string())),
            None => test.is_none_or(|test| !test.attempts.iter().any(is_violent)),
        };
        is_named && is_explained && is_like_this
    }
}

/// An end that a test does not choose.
fn is_violent(attempt: &Attempt) -> bool {
    matches!(
        attempt.status,
        AttemptStatus::Crashed { .. } | AttemptStatus::TimedOut | AttemptStatus::OomKilled
    )
}

/// What one that holds covers, for people; `None` where it covers nothing, or holds no more.
pub(super) fn in_words(acceptance: &Acceptance) -> Option<String> {
    if acceptance.expired || !covers_anything(acceptance) {
        return None;
    }
    let finding = acceptance.finding.iter().filter(|_| acceptance.covers_finding);
    let covered: Vec<String> = acceptance.covers.iter().chain(finding).cloned().collect();
    let by = acceptance.owner.as_ref().map_or(String::new(), |owner| format!(" by {owner}"));
    Some(format!(
        "accepted{by} until {}: {} ({})",
        acceptance.expires,
        super::policy::named(&covered),
        acceptance.reason
    ))
}

/// Whether anything of what it names was seen.
pub(super) fn covers_anything(acceptance: &Acceptance) -> bool {
    acceptance.covers_finding || !acceptance.covers.is_empty()
}

/// Every acceptance with the changes that it covers; of an expired one, those that it would cover.
pub(super) fn apply(
    accepts: &[Accept],
    record: &RunRecord,
    comparison: &Comparison,
) -> Vec<Acceptance> {
    if accepts.is_empty() {
        return Vec::new();
    }
    let candidate = record.leg(Role::Candidate).into_iter();
    let tests: HashMap<&str, &Test> =
        candidate.flat_map(|leg| &leg.tests).map(|test| (test.id.as_str(), test)).collect();
    let told = |accept: &Accept| {
        let covers = |change: &&Change| {
            let test = tests.get(change.id.as_str()).copied();
            change.change.is_worse() && accept.covers(change, test, &record.findings)
        };
        let covered = comparison.changes.iter().filter(covers);
        let is_worse =
            |id: &String| comparison.changes.iter().any(|c| c.id == *id && c.change.is_worse());
        // Of one whose tests are worse, the tests are covered; that says which.
        let is_covered = |finding: &Finding| {
            Some(&finding.code) == accept.finding.as_ref() && !finding.tests.iter().any(is_worse)
        };
        let covers_finding = accept.tests.is_empty() && record.findings.iter().any(is_covered);
        Acceptance {
            tests: accept.tests.clone(),
            finding: accept.finding.clone(),
            reason: accept.reason.clone(),
            owner: accept.owner.clone(),
            expires: accept.expires.clone(),
            expired: accept.is_expired(record),
            covers: covered.map(|change| change.id.clone()).collect(),
            covers_finding,
        }
    };
    accepts.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(tests: &[&str], expires: &str) -> Accept {
        Accept {
            tests: tests.iter().map(|t| (*t).to_owned()).collect(),
            reason: "known".into(),
            expires: expires.into(),
            ..Accept::default()
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let refused = |accept: Accept, words: &str| {
            let failure = accept.check().expect_err(words);
            assert!(failure.to_string().contains(words), "{failure}");
            assert!(failure.hint.is_some());
        };
        accept(&["p$a"], "2027-03-31").check().expect("one as it should be");
        refused(accept(&[], "2027-03-31"), "neither tests nor a finding");
        refused(accept(&["p$a"], "in spring"), "no date");
        refused(accept(&["p$[a"], "2027-03-31"), "no pattern");
        refused(Accept { reason: " ".into(), ..accept(&["p$a"], "2027-03-31") }, "no reason");
    }
}
