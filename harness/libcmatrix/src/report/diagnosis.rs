//! What `diagnose` found in a log: for people, and as JSON.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use libcmatrix_schema::Confidence;
use serde_json::{Value, json};

use super::{
    sanitise::sanitise_line,
    terminal::{BOLD, DIM, wrapped},
};
use crate::diagnose::{Diagnosis, Found};

/// Version of the JSON document.
const SCHEMA_VERSION: u32 = 1;
/// Lines shown of each finding.
const LINES: usize = 5;
/// Findings shown with everything; of the others only their names.
const WHOLE: usize = 3;

/// For people.
#[must_use]
pub fn terminal(diagnosis: &Diagnosis, width: usize) -> String {
    let mut out = String::new();
    for found in diagnosis.findings.iter().take(WHOLE) {
        one(&mut out, found, width);
    }
    for found in diagnosis.findings.iter().skip(WHOLE) {
        headline(&mut out, found);
    }
    for found in &diagnosis.other_causes {
        let _ = writeln!(
            out,
            "{BOLD}not the libc{BOLD:#}  {}: {}",
            found.entry.code, found.entry.rule.title
        );
        lines(&mut out, found);
        out.push('\n');
    }
    if diagnosis.findings.is_empty() {
        let text = if diagnosis.other_causes.is_empty() {
            "Nothing known fits. That says nothing about musl: look at the first error in the log."
        } else {
            "No difference between the libcs fits."
        };
        wrapped(&mut out, "", text, width);
    } else {
        let first = diagnosis.findings[0].entry.code;
        let _ = writeln!(out, "{DIM}more: libcmatrix explain {first}{DIM:#}");
    }
    out
}

fn one(out: &mut String, found: &Found, width: usize) {
    headline(out, found);
    lines(out, found);
    for remedy in found.remedies() {
        wrapped(out, "  - ", &sanitise_line(&remedy), width);
    }
    out.push('\n');
}

fn headline(out: &mut String, found: &Found) {
    let style = style(found.confidence);
    let _ = writeln!(
        out,
        "{style}{}{style:#}  {BOLD}{}{BOLD:#}: {}",
        found.confidence, found.entry.code, found.entry.rule.title
    );
}

fn style(confidence: Confidence) -> Style {
    match confidence {
        Confidence::Proven | Confidence::Likely => AnsiColor::Red.on_default().bold(),
        Confidence::Possible => AnsiColor::Yellow.on_default().bold(),
    }
}

fn lines(out: &mut String, found: &Found) {
    for said in &found.said {
        let _ = writeln!(out, "    {}", sanitise_line(said));
    }
    for hit in found.hits.iter().take(LINES) {
        let _ = writeln!(out, "    {DIM}{:>6}{DIM:#}  {}", hit.line, sanitise_line(&hit.text));
    }
    let more = found.hits.len().saturating_sub(LINES);
    if more > 0 {
        let _ = writeln!(out, "    {DIM}and {more} more lines{DIM:#}");
    }
}

/// As JSON: `{"schema_version", "findings", "other_causes"}`, the best first.
#[must_use]
pub fn json(diagnosis: &Diagnosis) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "findings": diagnosis.findings.iter().map(entry).collect::<Vec<_>>(),
        "other_causes": diagnosis.other_causes.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(found: &Found) -> Value {
    let rule = &found.entry.rule;
    let lines = found.hits.iter().map(|hit| json!({ "line": hit.line, "text": hit.text }));
    let said = found.said.iter().map(|text| json!({ "text": text }));
    json!({
        "code": found.entry.code,
        "title": rule.title,
        "category": rule.category.name(),
        "severity": rule.severity,
        "confidence": found.confidence,
        "evidence": lines.chain(said).collect::<Vec<_>>(),
        "remedies": found.remedies(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{decide, scan};

    fn shown(log: &str) -> String {
        let styled = terminal(&decide(&scan(log.as_bytes())), 80);
        anstream::adapter::strip_str(&styled).to_string()
    }

    const LOG: &str = "\u{1b}[1mloading\u{1b}[0m\n::error::Error relocating ./x: __memcpy_chk: symbol not found\n";

    #[test]
    fn a_finding_for_people() {
        insta::assert_snapshot!(shown(LOG));
    }

    #[test]
    fn nothing_fits() {
        insta::assert_snapshot!(shown("all is well\n"));
    }

    #[test]
    fn a_cause_that_is_not_the_libcs() {
        insta::assert_snapshot!(shown("write /x: No space left on device (os error 28)\n"));
    }

    #[test]
    fn as_json() {
        let json = json(&decide(&scan(LOG.as_bytes())));
        assert_eq!(json["findings"][0]["code"], "reloc-glibc-symbol");
        assert_eq!(json["findings"][0]["confidence"], "likely");
        assert_eq!(json["findings"][0]["evidence"][0]["line"], 2);
        assert!(json["findings"][0]["remedies"][0].is_string());
        assert_eq!(json["other_causes"].as_array().map(Vec::len), Some(0));
    }
}
