//! Findings as SARIF 2.1.0, which GitHub's code scanning and many editors read. Pure: takes the record;
//! gives the document.
//!
//! One result a finding and place, the weightiest first. `ruleId` is the finding's code and stays; the
//! rule's help is the page of the code. What GitHub takes is kept to
//! (<https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support>): 25,000
//! results, of which it shows 5,000, and 10 MB as gzip.

mod document;

use std::collections::BTreeMap;

use libcmatrix_schema::{Finding, Role, RunRecord, VerdictOutcome};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{
    cut,
    issue::{Issue, Level, issues, level},
    sanitise::{sanitise, sanitise_line},
};
use crate::{
    diagnose::{page, rulebook},
    failure::{Failure, Result},
};
use document::{
    ArtifactLocation, AutomationDetails, Configuration, Document, Driver, Help, Invocation,
    Location, Notification, PhysicalLocation, Region, Rule, RuleProperties, Run, SarifResult,
    Suppression, Text, Tool,
};

/// As many as GitHub shows.
const RESULTS: usize = 5_000;
/// Bytes of all results: what gzip cannot make smaller must be below 10 MB with rules and all.
const RESULT_BYTES: usize = 8_000_000;
/// Bytes of a description; GitHub takes 1,024 characters.
const DESCRIPTION: usize = 1_000;
/// Where the pages of the codes are.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/findings");
/// What a path has as it is in a URI (RFC 3986, unreserved characters and the slash).
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes the document.
///
/// # Errors
/// It cannot be serialised: a bug.
pub fn render(record: &RunRecord) -> Result<String> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut results: Vec<SarifResult> = Vec::new();
    let mut bytes = 0;
    for issue in issues(record).iter().take(RESULTS) {
        let code = sanitise_line(&issue.finding.code);
        let known = rules.iter().position(|rule| rule.id == code);
        let rule_index = known.unwrap_or_else(|| {
            rules.push(rule(issue.finding, code.clone()));
            rules.len() - 1
        });
        let result = result(issue, code, rule_index);
        bytes += text_of(&result)?.len();
        if bytes > RESULT_BYTES {
            break;
        }
        results.push(result);
    }
    let driver = Driver {
        name: "libcmatrix",
        semantic_version: sanitise_line(&record.tool.version),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules,
    };
    let document = Document {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver },
            automation_details: AutomationDetails { id: category(record) },
            column_kind: "unicodeCodePoints",
            invocations: [invocation(record)],
            results,
        }],
    };
    Ok(text_of(&document)? + "\n")
}

/// A run that could not tell has seen less than all, and says why: no result means nothing then.
fn invocation(record: &RunRecord) -> Invocation {
    let verdict = record.verdict.as_ref();
    let could_tell = verdict.is_some_and(|verdict| verdict.outcome != VerdictOutcome::Inconclusive);
    let reasons = verdict.filter(|_| !could_tell).map(|verdict| verdict.reasons.as_slice());
    let notification = |reason: &String| Notification {
        level: "error",
        message: Text { text: cut::line(&sanitise_line(reason), DESCRIPTION) },
    };
    Invocation {
        execution_successful: could_tell,
        tool_execution_notifications: reasons
            .unwrap_or_default()
            .iter()
            .map(notification)
            .collect(),
    }
}

fn text_of(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map_err(|e| Failure::bug("the SARIF report cannot be written").because(e))
}

/// By the part before the last slash, GitHub tells one comparison of a project from another, and keeps
/// the newest of each.
fn category(record: &RunRecord) -> String {
    let side = |role| record.leg(role).map_or("none", |leg| leg.name.as_str());
    let sides = [Role::Baseline, Role::Candidate].map(side);
    let whole = format!("libcmatrix {} {} {}", record.project.name, sides[0], sides[1]);
    let plain = sanitise_line(&whole).replace(['/', ' '], "-");
    format!("{}/{}", cut::head(&plain, 200), sanitise_line(&record.run_id))
}

fn rule(finding: &Finding, code: String) -> Rule {
    let entry = rulebook().get(&finding.code);
    let title = cut::line(&sanitise_line(&finding.title), DESCRIPTION);
    let differs = entry.map(|entry| cut::line(entry.rule.differs.trim(), DESCRIPTION));
    Rule {
        id: code,
        full_description: Text { text: differs.unwrap_or_else(|| title.clone()) },
        short_description: Text { text: title },
        help_uri: entry.map(|entry| format!("{PAGES}/{}.md", entry.code)),
        help: entry.map(|entry| Help { text: page(entry), markdown: page(entry) }),
        default_configuration: Configuration { level: name(level(finding)) },
        properties: RuleProperties {
            tags: vec!["musl".into(), cut::line(&sanitise_line(&finding.category), 100)],
        },
    }
}

fn result(issue: &Issue<'_>, rule_id: String, rule_index: usize) -> SarifResult {
    let suppression = |reason| Suppression {
        kind: "external",
        justification: cut::line(&sanitise(reason), DESCRIPTION),
    };
    SarifResult {
        rule_id,
        rule_index,
        level: name(issue.level),
        // Of `[text](target)` viewers make links (SARIF 2.1.0, 3.11.6).
        message: Text { text: issue.text().replace("](", "] (") },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: utf8_percent_encode(&issue.place.path, PATH).to_string(),
                },
                region: Region { start_line: issue.place.line },
            },
        }],
        partial_fingerprints: BTreeMap::from([
            ("libcmatrix/v1", issue.fingerprint.clone()),
            // The only one that GitHub looks at.
            ("primaryLocationLineHash", issue.fingerprint.clone()),
        ]),
        suppressions: issue.accepted.map(suppression).into_iter().collect(),
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}
