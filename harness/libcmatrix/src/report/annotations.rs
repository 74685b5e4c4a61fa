//! The verdict and the findings as commands that a step of GitHub Actions prints, which the service shows
//! beside the lines they are about. Pure: takes the record; gives lines.
//!
//! The form and its escapes: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.
//! The service shows ten errors, ten warnings and ten notices of a step and leaves out the rest, so the
//! weightiest come first and no more than that are written.

use std::fmt::Write;

use libcmatrix_schema::{RunRecord, VerdictOutcome};

use super::{
    answer::{Answer, Coverage, shown_name},
    cut,
    issue::{Level, issues},
    sanitise::sanitise_line,
};

/// Of each kind, of one step.
const SHOWN: usize = 10;
/// Bytes of a message.
const MESSAGE: usize = 3_000;

/// Writes the commands, a line each.
#[must_use]
pub fn render(record: &RunRecord) -> String {
    let mut out = String::new();
    let mut written = [0; 3];
    let mut left_out = 0;
    let verdict = verdict(record);
    written[verdict.0 as usize] += 1;
    command(&mut out, verdict.0, &[("title", &verdict.1)], &verdict.2);
    for issue in issues(record) {
        let count = &mut written[issue.level as usize];
        if *count == SHOWN {
            left_out += 1;
            continue;
        }
        *count += 1;
        let line = issue.place.line.to_string();
        let properties = [
            ("file", issue.place.path.as_str()),
            ("line", &line),
            ("title", issue.finding.code.as_str()),
        ];
        command(&mut out, issue.level, &properties, &issue.text());
    }
    if left_out > 0 {
        let _ = writeln!(out, "{left_out} more are in the record: GitHub shows {SHOWN} of a kind");
    }
    out
}

/// The answer in one line: how much it matters, the answer, and why.
fn verdict(record: &RunRecord) -> (Level, String, String) {
    let verdict = record.verdict.as_ref();
    let level = match verdict.map(|verdict| verdict.outcome) {
        Some(VerdictOutcome::Go) => Level::Note,
        Some(VerdictOutcome::NoGo) => Level::Error,
        Some(VerdictOutcome::Inconclusive) | None => Level::Warning,
    };
    let reasons = verdict.iter().flat_map(|verdict| verdict.reasons.iter().cloned());
    let compared = Coverage::of(record).map(|coverage| coverage.in_words());
    let title = format!("libcmatrix: {} {}", Answer::of(record).upper(), shown_name(record));
    (level, title, reasons.chain(compared).collect::<Vec<_>>().join("; "))
}

/// One command. Whatever is put into it stays what it is: a line, a property, a message.
fn command(out: &mut String, level: Level, properties: &[(&str, &str)], message: &str) {
    let name = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let properties: Vec<String> =
        properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    let _ = writeln!(out, "::{name} {}::{}", properties.join(","), data(message));
}

fn data(text: &str) -> String {
    let text = cut::line(&sanitise_line(text), MESSAGE);
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(file: &str, message: &str) -> String {
        let mut out = String::new();
        command(&mut out, Level::Warning, &[("file", file), ("line", "3")], message);
        out
    }

    #[test]
    fn what_would_end_a_property_or_a_message_is_escaped() {
        assert_eq!(
            one("a,b:c%.rs", "50 %: x, y"),
            "::warning file=a%2Cb%3Ac%25.rs,line=3::50 %25: x, y\n"
        );
        assert_eq!(one("a", "x\n::error::y"), "::warning file=a,line=3::x\u{240a}: :error::y\n");
    }

    proptest! {
        /// Read as the runner reads it, the command is one, and says what was put into it.
        #[test]
        fn any_text_stays_in_its_place(file in any::<String>(), message in any::<String>()) {
            let out = one(&file, &message);
            prop_assert_eq!(out.lines().count(), 1);
            let (head, text) = out.trim_end_matches('\n')[2..].split_once("::").expect("a command");
            let properties: Vec<&str> =
                head.strip_prefix("warning ").expect("its name").split(',').collect();
            prop_assert_eq!(properties.len(), 2);
            let read = |text: &str| {
                text.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n")
                    .replace("%0D", "\r").replace("%25", "%")
            };
            let read_file = properties[0].split_once('=').map(|(_, value)| read(value));
            prop_assert_eq!(read_file, Some(cut::line(&sanitise_line(&file), MESSAGE)));
            prop_assert_eq!(read(text), cut::line(&sanitise_line(&message), MESSAGE));
        }
    }
}
