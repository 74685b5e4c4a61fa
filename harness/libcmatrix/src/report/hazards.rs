//! Hazards for people: those of one code together, what to do below them. Pure.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use libcmatrix_schema::Confidence;

use super::{
    sanitise::sanitise_line,
    terminal::{BOLD, DIM, wrapped},
};
use crate::hazards::{Hazard, HazardReport};

/// Places of one code that are shown.
const MOST_PLACES: usize = 12;

/// Shows what was found, `width` columns wide.
#[must_use]
pub fn render(report: &HazardReport, width: usize) -> String {
    let mut out = String::new();
    let name = sanitise_line(&report.project);
    let _ = writeln!(out, "\n{BOLD}{name}{BOLD:#}  {DIM}on {}{DIM:#}\n", report.target);
    wrapped(&mut out, "  ", &summary(&report.hazards), width);
    let mut shown: Vec<&str> = Vec::new();
    for hazard in &report.hazards {
        if !shown.contains(&hazard.code.as_str()) {
            shown.push(&hazard.code);
            let same: Vec<&Hazard> =
                report.hazards.iter().filter(|h| h.code == hazard.code).collect();
            code(&mut out, &same, width);
        }
    }
    if !report.notes.is_empty() {
        let _ = writeln!(out, "\n{BOLD}notes{BOLD:#}");
        for note in &report.notes {
            wrapped(&mut out, "  - ", &sanitise_line(note), width);
        }
    }
    out
}

fn summary(hazards: &[Hazard]) -> String {
    if hazards.is_empty() {
        return "nothing found; only a run shows how the program behaves".into();
    }
    let levels = [Confidence::Proven, Confidence::Likely, Confidence::Possible];
    let counts = levels.into_iter().filter_map(|level| {
        let n = hazards.iter().filter(|h| h.confidence == level).count();
        (n > 0).then(|| format!("{n} {level}"))
    });
    let plural = if hazards.len() == 1 { "" } else { "s" };
    let counts = counts.collect::<Vec<_>>().join(", ");
    let mut text = format!("{} hazard{plural}: {counts}", hazards.len());
    match hazards.iter().filter(|h| h.needs_run).count() {
        0 => {}
        n if n == hazards.len() => text.push_str("; only a run tells which do harm"),
        n => {
            let _ = write!(text, "; whether {n} of them do harm, only a run tells");
        }
    }
    text
}

fn code(out: &mut String, hazards: &[&Hazard], width: usize) {
    let Some(first) = hazards.first() else { return };
    let _ = writeln!(out, "\n{BOLD}{}{BOLD:#}", first.code);
    wrapped(out, "  ", &first.title, width);
    for hazard in hazards.iter().take(MOST_PLACES) {
        let style = match hazard.confidence {
            Confidence::Proven => AnsiColor::Red.on_default(),
            Confidence::Likely => AnsiColor::Yellow.on_default(),
            Confidence::Possible => Style::new().dimmed(),
        };
        let confidence = hazard.confidence.to_string();
        let _ = writeln!(out, "  {style}{confidence:<8}{style:#}  {}", place(hazard));
        wrapped(out, "            ", &sanitise_line(&hazard.text), width);
    }
    super::terminal::more(out, hazards.len().saturating_sub(MOST_PLACES), "place", None);
    // Remedies are the code's, and some hazards have more of their own.
    let mut remedies: Vec<&String> = Vec::new();
    for remedy in hazards.iter().flat_map(|h| &h.remedies) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    for remedy in remedies {
        wrapped(out, "  - ", &sanitise_line(remedy), width);
    }
}

fn place(hazard: &Hazard) -> String {
    let package = sanitise_line(&hazard.package);
    let line = hazard.line.map(|l| format!(":{l}")).unwrap_or_default();
    match &hazard.file {
        Some(file) => format!("{package}  {}{line}", sanitise_line(file)),
        None => package,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn report() -> HazardReport {
        let root = Path::new("/w");
        let item = |name: &str, line: usize| {
            let text = format!("`{name}`: libc 0.2.170 has it for glibc, not for musl");
            Hazard::new("rust-libc-missing-item", Confidence::Proven, "app@1.0.0", text).at(
                Path::new("/w/src/main.rs"),
                root,
                line,
            )
        };
        let native = "wants the native library `ssl`";
        HazardReport {
            schema_version: 1,
            project: "app\u{1b}[31m".into(),
            target: "x86_64-unknown-linux-musl".into(),
            hazards: vec![
                item("mallinfo", 3),
                item("open\u{202e}64", 9),
                Hazard::new("no-bash", Confidence::Likely, "app@1.0.0", "a test starts `bash`")
                    .needs_run(true)
                    .at(Path::new("/w/tests/shell.rs"), root, 12),
                Hazard::new(
                    "rust-openssl-not-found",
                    Confidence::Possible,
                    "openssl-sys@0.9.100",
                    native,
                ),
            ],
            notes: vec!["src/odd.rs cannot be read as Rust".into()],
        }
    }

    #[test]
    fn for_people() {
        let shown = anstream::adapter::strip_str(&render(&report(), 90)).to_string();
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn nothing_was_found() {
        let report = HazardReport { hazards: Vec::new(), notes: Vec::new(), ..report() };
        assert!(render(&report, 80).contains("nothing found"));
    }

    #[test]
    fn the_form_as_json_is_stable() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&report()).expect("JSON"));
    }
}
