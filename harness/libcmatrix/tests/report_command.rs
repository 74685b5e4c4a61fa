//! `libcmatrix report` as a user calls it, over a record of a sample project.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn report(args: &[&str]) -> Output {
    let record =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/explained/thread-stack.json");
    Command::new(env!("CARGO_BIN_EXE_libcmatrix"))
        .arg("report")
        .arg(record)
        .args(args)
        .output()
        .expect("the command runs")
}

fn printed(args: &[&str]) -> String {
    let output = report(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_format_begins_as_its_readers_expect() {
    for (format, start) in [
        ("terminal", "\nNO-GO  thread-stack"),
        ("json", "{\n  \"schema_version\": 1"),
        ("markdown", "## \u{274c} NO-GO"),
        ("junit", "<?xml"),
        ("sarif", "{\n  \"$schema\""),
        ("github", "::error title="),
        ("gitlab", "[\n  {"),
        ("trials", "{\"name\":\"thread-stack$"),
    ] {
        let text = printed(&["--format", format]);
        assert!(text.starts_with(start), "{format}: {text}");
    }
}

#[test]
fn a_leg_can_be_chosen_and_a_file_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("leg.xml");
    let file = path.to_str().expect("a path");
    let shown = printed(&["--format", "junit", "--leg", "alpine-3.23-local", "--output", file]);
    assert_eq!(shown, "");
    assert!(
        fs::read_to_string(&path).expect("the file").contains("thread-stack on alpine-3.23-local")
    );
}

#[test]
fn a_page_can_be_kept_short() {
    let whole = printed(&["--format", "markdown"]);
    assert!(printed(&["--format", "markdown", "--max-size", "64k"]).len() <= 65_536);
    assert_eq!(whole, printed(&["--format", "markdown", "--max-size", "1m"]));
}

#[test]
fn what_does_not_go_together_is_told() {
    for (args, code, hint) in [
        (["--format", "sarif", "--leg", "x"], 2, "it goes with --format junit"),
        (["--format", "junit", "--max-size", "1k"], 2, "it goes with --format markdown"),
        (
            ["--format", "junit", "--leg", "x"],
            2,
            "its legs are debian-trixie-local and alpine-3.23-local",
        ),
        (
            ["--format", "github", "--output", "/nowhere/at/all"],
            3,
            "name a file in a folder that is there",
        ),
    ] {
        let output = report(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(hint), "{args:?}: {said}");
    }
}
