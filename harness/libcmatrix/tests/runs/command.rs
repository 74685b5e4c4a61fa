//! The commands themselves: what they print, and how they end.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use libcmatrix_schema::{RunDifference, RunRecord, Trends};
use tempfile::tempdir;

use super::made::{FAIL, PASS, decided, run, times};

pub fn libcmatrix(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_libcmatrix"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the command")
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn write(folder: &Path, name: &str, record: &RunRecord) {
    let text = serde_json::to_vec(record).expect("a text");
    fs::write(folder.join(name), text).expect("a file");
}

/// A good night as a file, and a bad one as the folder of a run.
fn two_nights(folder: &Path) {
    let good = ("p$t", (times(&PASS, 1), times(&PASS, 1)));
    let bad = ("p$t", (times(&PASS, 5), times(&FAIL, 5)));
    write(folder, "then.json", &run(1, &[good]));
    fs::create_dir(folder.join("now")).expect("a folder");
    write(folder, "now/run.json", &run(2, &[bad]));
}

#[test]
fn compare_ends_by_what_got_worse() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    two_nights(folder);
    let mut other = run(3, &[]);
    other.project.name = "other".into();
    write(folder, "other.json", &other);
    fs::write(folder.join("half.json"), "{\"schema_version\": 1,").expect("a file");
    let code = |arguments: &[&str]| libcmatrix(folder, arguments).status.code();
    assert_eq!(code(&["compare", "then.json", "then.json"]), Some(0));
    assert_eq!(code(&["compare", "then.json", "now"]), Some(10));
    assert_eq!(code(&["compare", "now", "then.json"]), Some(0));
    assert_eq!(code(&["compare", "then.json", "other.json"]), Some(2));
    assert_eq!(code(&["compare", "then.json"]), Some(2));
    assert_eq!(code(&["compare", "then.json", "half.json"]), Some(2));
    assert_eq!(code(&["compare", "then.json", "missing"]), Some(2));
    let mut stopped = run(4, &[]);
    stopped.interrupted = true;
    write(folder, "stopped.json", &decided(stopped));
    assert_eq!(code(&["compare", "now", "stopped.json"]), Some(11));
    let json = libcmatrix(folder, &["compare", "then.json", "now", "--format", "json"]);
    let difference: RunDifference = serde_json::from_slice(&json.stdout).expect("a difference");
    assert_eq!(
        (difference.tests.len(), difference.earlier.worse, difference.later.worse),
        (1, 0, 1)
    );
}

#[test]
fn history_is_added_to_shown_merged_and_pruned() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    two_nights(folder);
    let ok = |arguments: &[&str]| {
        let output = libcmatrix(folder, arguments);
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let none = libcmatrix(folder, &["history"]);
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
    assert!(said(&none).contains("there is no history"), "{}", said(&none));
    assert!(ok(&["history", "add", "then.json", "now"]).contains("2 added, 0 known already"));
    assert!(ok(&["history", "add", "now"]).contains("0 added, 1 known already"));
    assert!(ok(&["history"]).contains("p$t"));
    let json = ok(&["history", "--format", "json"]);
    let trends: Trends = serde_json::from_str(&json).expect("trends");
    assert_eq!((trends.series.len(), trends.series[0].runs.len()), (1, 2));
    assert!(ok(&["history", "--format", "html"]).starts_with("<!doctype html>"));
    let merged = ok(&["history", "merge", "libcmatrix-history.sqlite", "--history", "all.sqlite"]);
    assert!(merged.contains("2 added"), "{merged}");
    let pruned = ok(&["history", "prune", "--keep-runs", "1", "--history", "all.sqlite"]);
    assert!(pruned.contains("1 run "), "{pruned}");
    // The setting of the file in this folder counts where no option is given.
    fs::write(folder.join("libcmatrix.toml"), "[run]\nhistory = \"all.sqlite\"\n").expect("a file");
    assert!(ok(&["history", "add", "now"]).contains("all.sqlite: 0 added"));
    // What was pruned of it is there again.
    assert!(ok(&["history", "add", "then.json"]).contains("all.sqlite: 1 added"));
    let both = libcmatrix(folder, &["history", "prune"]);
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
    assert!(said(&both).contains("--keep-runs") && said(&both).contains("--keep-days"));
    for option in [["--format", "html"], ["--project", "p"]] {
        let refused = libcmatrix(folder, &[&["history"], &option[..], &["add", "now"]].concat());
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(option[0]), "{}", said(&refused));
    }
    let wrong = libcmatrix(folder, &["history", "add", "now", "missing"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let unknown = libcmatrix(folder, &["history", "--project", "q"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
}

/// What did not come to its end is refused, with a reason; the others of the command are added.
#[test]
fn half_a_run_is_not_added() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    two_nights(folder);
    let (mut stopped, mut killed) = (run(3, &[]), run(4, &[]));
    stopped.interrupted = true;
    killed.finished_at = None;
    write(folder, "stopped.json", &stopped);
    write(folder, "killed.json", &killed);
    for (name, why) in [("stopped.json", "was interrupted"), ("killed.json", "was killed")] {
        let alone = libcmatrix(folder, &["history", "add", name, "--history", "none.sqlite"]);
        assert_eq!(alone.status.code(), Some(2), "{}", said(&alone));
        assert!(said(&alone).contains(why), "{}", said(&alone));
    }
    assert!(!folder.join("none.sqlite").exists(), "there was nothing to keep");
    let add = ["history", "add", "then.json", "stopped.json", "killed.json", "now"];
    let some = libcmatrix(folder, &add);
    assert_eq!(some.status.code(), Some(2), "{}", said(&some));
    assert!(said(&some).contains("2 added, 0 known already"), "{}", said(&some));
}
