//! The formats that a run is shown in, and the files that it leaves behind: one line a format.

use libcmatrix_schema::RunRecord;

use super::{
    annotations, code_quality, html, junit, markdown,
    sanitise::sanitise_line,
    sarif,
    terminal::{self, TerminalOptions},
    trials,
};
use crate::failure::{Failure, Result};

/// A format.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// The file that a run leaves in its folder, if it does.
    pub file: Option<&'static str>,
    /// Shows a run.
    pub render: fn(&RunRecord, &FormatOptions) -> Result<String>,
}

/// How a run is to be shown; what a format has no use for, it does not look at.
#[derive(Clone, Debug)]
pub struct FormatOptions {
    /// For a terminal: columns, and files to name.
    pub terminal: TerminalOptions,
    /// For JUnit: the leg that is shown instead of the comparison.
    pub leg: Option<String>,
    /// For Markdown: the most bytes.
    pub most_bytes: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        let terminal = TerminalOptions { width: 100, files: Vec::new() };
        Self { terminal, leg: None, most_bytes: markdown::SUMMARY_BYTES }
    }
}

/// All of them.
#[rustfmt::skip]
pub const FORMATS: [Format; 9] = [
    Format { name: "terminal", help: "For people", file: None, render: |r, o| Ok(terminal::render(r, &o.terminal)) },
    Format { name: "html", help: "One page to look at, without network", file: Some("report.html"), render: |r, _| Ok(html::render(r)) },
    Format { name: "json", help: "The run record", file: None, render: |r, _| json(r) },
    Format { name: "markdown", help: "For a comment on a pull request, or the summary of a CI job", file: Some("report.md"), render: |r, o| Ok(markdown::render(r, o.most_bytes)) },
    Format { name: "junit", help: "Test results: the comparison, or with --leg what one side did", file: Some("junit-diff.xml"), render: junit },
    Format { name: "sarif", help: "SARIF 2.1.0, for code scanning", file: Some("report.sarif"), render: |r, _| sarif::render(r) },
    Format { name: "github", help: "Annotations, as commands that a step of GitHub Actions prints", file: None, render: |r, _| Ok(annotations::render(r)) },
    Format { name: "gitlab", help: "GitLab's code quality report", file: None, render: |r, _| code_quality::render(r) },
    Format { name: "trials", help: "What became of each test, a JSON object a line: for a test harness", file: None, render: |r, _| trials::render(r) },
];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The files that a run leaves in its folder beside the record: names and contents.
///
/// # Errors
/// One cannot be written: a bug.
pub fn files(record: &RunRecord) -> Result<Vec<(String, String)>> {
    let options = FormatOptions::default();
    let mut all = Vec::new();
    for format in &FORMATS {
        if let Some(name) = format.file {
            all.push((name.to_owned(), (format.render)(record, &options)?));
        }
    }
    for leg in junit::legs(record) {
        all.push((junit::file_name(leg), junit::leg(record, leg)?));
    }
    Ok(all)
}

fn json(record: &RunRecord) -> Result<String> {
    serde_json::to_string_pretty(record)
        .map(|text| text + "\n")
        .map_err(|e| Failure::bug("the record cannot be serialised").because(e))
}

fn junit(record: &RunRecord, options: &FormatOptions) -> Result<String> {
    let Some(name) = &options.leg else { return junit::diff(record) };
    let Some(leg) = junit::legs(record).find(|leg| leg.name == *name) else {
        let names: Vec<String> = junit::legs(record).map(|leg| sanitise_line(&leg.name)).collect();
        return Err(Failure::usage(format!("the run has no leg `{name}`"))
            .hint(format!("its legs are {}", names.join(" and "))));
    };
    junit::leg(record, leg)
}
