//! The page of a finding, and the list of all, for a terminal.

use std::fmt::Write;

use super::terminal::{BOLD, DIM, wrapped};
use crate::diagnose::{Category, RuleEntry, Rulebook, page};

/// The page. Paragraphs are wrapped; what is indented is kept as it is.
#[must_use]
pub fn terminal(entry: &RuleEntry, width: usize) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    for line in page(entry).lines() {
        let is_text = !line.is_empty() && !line.starts_with(['#', ' ', '-']);
        if is_text {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
            continue;
        }
        flush(&mut out, &mut paragraph, width);
        if let Some(title) =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        {
            let _ = writeln!(out, "{BOLD}{title}{BOLD:#}");
        } else if let Some(item) = line.strip_prefix("- ") {
            wrapped(&mut out, "- ", item.trim_start_matches('<').trim_end_matches('>'), width);
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    flush(&mut out, &mut paragraph, width);
    out
}

fn flush(out: &mut String, paragraph: &mut String, width: usize) {
    if !paragraph.is_empty() {
        wrapped(out, "", &paragraph.replace("**", ""), width);
        paragraph.clear();
    }
}

/// All codes with their titles, by category.
#[must_use]
pub fn list(rulebook: &Rulebook, width: usize) -> String {
    let mut out = String::new();
    let mut categories: Vec<Category> =
        rulebook.entries.iter().map(|entry| entry.rule.category).collect();
    categories.sort_unstable();
    categories.dedup();
    let longest = rulebook.entries.iter().map(|entry| entry.code.len()).max().unwrap_or(0);
    for category in categories {
        let _ = writeln!(out, "{BOLD}{}{BOLD:#}", category.name());
        for entry in rulebook.entries.iter().filter(|entry| entry.rule.category == category) {
            let room = width.saturating_sub(longest + 4);
            let title: String = entry.rule.title.chars().take(room).collect();
            let _ = writeln!(out, "  {:longest$}  {DIM}{title}{DIM:#}", entry.code);
        }
        out.push('\n');
    }
    out
}
