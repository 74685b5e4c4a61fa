//! The report for people, as it is printed: real records of sample projects, shown again.
//!
//! `INSTA_UPDATE=always cargo test -p libcmatrix --test terminal_report` accepts a new form.

use std::{fs, path::Path};

use libcmatrix::{
    compare::compare,
    report::terminal::{TerminalOptions, render},
};
use libcmatrix_schema::{AttemptStatus, Note, Outcome, RunRecord};
use unicode_width::UnicodeWidthStr;

fn record(name: &str) -> RunRecord {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    let text = fs::read_to_string(folder.join(name).with_extension("json")).expect("a record");
    serde_json::from_str(&text).expect("a record that is understood")
}

fn shown(name: &str, width: usize) -> String {
    plain(&record(name), width)
}

fn plain(record: &RunRecord, width: usize) -> String {
    let files = vec![("record".into(), "libcmatrix-out/latest/run.json".into())];
    let styled = render(record, &TerminalOptions { width, files });
    anstream::adapter::strip_str(&styled).to_string()
}

/// The sample fails alike on both sides; only a difference shows what a test printed.
fn hostile() -> RunRecord {
    let mut record = record("hostile-output");
    for test in &mut record.legs[0].tests {
        test.outcome = Outcome::Passed;
        test.attempts.iter_mut().for_each(|a| a.status = AttemptStatus::Passed);
    }
    record.comparison = Some(compare(&record));
    record
}

#[test]
fn a_regression() {
    insta::assert_snapshot!(shown("thread-stack", 100));
}

#[test]
fn a_regression_that_is_explained() {
    insta::assert_snapshot!(shown("explained/thread-stack", 100));
}

#[test]
fn a_target_that_does_not_link() {
    insta::assert_snapshot!(shown("glibc-only-symbol", 100));
}

#[test]
fn binaries_that_die_before_their_tests() {
    insta::assert_snapshot!(shown("constructor-arguments", 100));
}

#[test]
fn images_of_which_one_does_not_start() {
    insta::assert_snapshot!(shown("program-crashes", 100));
}

#[test]
fn tests_that_only_one_side_has() {
    insta::assert_snapshot!(shown("compiled-out", 80));
}

#[test]
fn hostile_output_at_eighty_columns() {
    insta::assert_snapshot!(plain(&hostile(), 80));
}

/// Letters of two columns, in what a tested program may have named or said.
fn in_wide_letters() -> RunRecord {
    let wide = "\u{6e2c}\u{8a66} ".repeat(40);
    let mut record = hostile();
    let changes = &mut record.comparison.as_mut().expect("a comparison").changes;
    changes.iter_mut().for_each(|change| change.reason = Some(wide.clone()));
    record.verdict.as_mut().expect("a verdict").reasons.push(wide.clone());
    record.notes.push(Note { code: "note".into(), text: wide.clone() });
    for leg in &mut record.legs {
        leg.environment.distro = wide.clone();
        for attempt in leg.tests.iter_mut().flat_map(|test| &mut test.attempts) {
            attempt.output = wide.replace(' ', "").repeat(3);
            attempt.leaked_processes.push(wide.clone());
        }
    }
    record
}

/// Tables and paragraphs keep to the width; only words that are too long for it may not.
#[test]
fn the_width_is_kept() {
    let names = [
        "thread-stack",
        "glibc-only-symbol",
        "compiled-out",
        "constructor-arguments",
        "hostile-output",
        "program-crashes",
        "explained/dlopen-static",
        "explained/shell-needs-bash",
        "explained/thread-stack",
    ];
    for record in names.map(record).into_iter().chain([in_wide_letters()]) {
        for width in [80, 100, 140] {
            for line in plain(&record, width).lines() {
                let has_spaces = line.trim().contains(' ');
                assert!(line.width() <= width || !has_spaces, "{width}: {line:?}");
            }
        }
    }
}

/// The styled form has escape sequences of this program's only.
#[test]
fn nothing_but_styles_is_added() {
    // Names out of images are in findings and images.
    let mut named = record("program-crashes");
    let odd = "\u{1b}]0;x\u{7}odd\u{9b}31m";
    named.findings.push(
        serde_json::from_value(serde_json::json!({
            "code": "program-missing", "title": "t", "confidence": "proven", "remedies": [],
            "evidence": [{ "text": odd }], "tests": [odd],
            "proofs": [{
                "kind": "packages-added", "change": format!("with {odd} added"), "of": 1,
                "as_predicted": 1, "conclusion": "c",
            }],
        }))
        .expect("a finding"),
    );
    if let Some(verdict) = &mut named.verdict {
        verdict.conditions.push(format!("with {odd}=1"));
    }
    let image = &mut named.legs[0].final_images[0];
    image.contents.shells.push(odd.into());
    image.contents.packages[0].name = odd.into();
    for record in [hostile(), record("thread-stack"), named] {
        let styled = render(&record, &TerminalOptions { width: 100, files: Vec::new() });
        assert!(!styled.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\u{1b}')));
        for sequence in styled.split('\u{1b}').skip(1) {
            let end = sequence.find(|c: char| !matches!(c, '[' | ';' | '0'..='9'));
            assert!(end.is_some_and(|end| sequence[end..].starts_with('m')), "{sequence:?}");
        }
    }
}
