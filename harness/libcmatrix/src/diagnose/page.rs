//! The page of a finding: what `explain` prints, and what stands in `docs/findings/`.

use std::fmt::Write;

use super::rulebook::RuleEntry;

/// The page, in Markdown.
#[must_use]
pub fn page(entry: &RuleEntry) -> String {
    let rule = &entry.rule;
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", entry.code);
    let _ = writeln!(out, "**{}**\n", rule.title);
    let _ = writeln!(out, "{} · severity {}\n", rule.category.name(), rule.severity);
    let _ = writeln!(out, "## What differs\n\n{}\n", rule.differs.trim());
    let _ = writeln!(out, "## How it shows\n\n{}\n", rule.shows.trim());
    if let Some(known_by) = &rule.known_by {
        let _ = writeln!(out, "## How it becomes known\n\n{}\n", known_by.trim());
    }
    if !rule.remedies.is_empty() {
        out += "## What to do\n\n";
        for remedy in &rule.remedies {
            let _ = writeln!(out, "- {}", remedy.trim());
        }
        out.push('\n');
    }
    if let Some(sample) = &rule.sample {
        let _ = writeln!(out, "## See it happen\n\n    libcmatrix run sample-projects/{sample}\n");
    }
    if !rule.references.is_empty() {
        out += "## Sources\n\n";
        for reference in &rule.references {
            let _ = writeln!(out, "- <{reference}>");
        }
    }
    format!("{}\n", out.trim_end())
}
