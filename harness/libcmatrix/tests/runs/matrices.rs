//! Two nights of many pairs of environments.

use std::{fs, path::Path};

use libcmatrix_schema::{RunRecord, VerdictOutcome};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    command::{libcmatrix, said},
    made::{Both, FAIL, PASS, run, times},
};

fn good() -> Both {
    (times(&PASS, 1), times(&PASS, 1))
}

fn bad() -> Both {
    (times(&PASS, 5), times(&FAIL, 5))
}

/// A matrix of the pairs `debian -> CANDIDATE`: what became of each, by the run, if there is one.
fn matrix(folder: &Path, pairs: &[(&str, Option<RunRecord>)]) {
    fs::create_dir(folder).expect("a folder");
    let cell = |(candidate, ran): &(&str, Option<RunRecord>)| -> Value {
        let Some(record) = ran else {
            return json!({
                "baseline": "debian", "candidate": candidate,
                "result": "failed", "why": "no such image",
            });
        };
        let inside = folder.join(&record.run_id);
        fs::create_dir(&inside).expect("a folder");
        fs::write(inside.join("run.json"), serde_json::to_vec(record).expect("a text"))
            .expect("a file");
        let verdict = record.verdict.as_ref().map_or(VerdictOutcome::Inconclusive, |v| v.outcome);
        json!({
            "baseline": "debian", "candidate": candidate, "result": "ran",
            "folder": record.run_id, "verdict": verdict, "reasons": [],
            "compared": 2, "total": 2, "changes": {}, "findings": [],
        })
    };
    let document = json!({
        "schema_version": 1, "tool": {"name": "libcmatrix", "version": "0.1.0"},
        "matrix_id": "m", "started_at": "2026-11-01T02:00:00Z", "project": "p",
        "cells": pairs.iter().map(cell).collect::<Vec<_>>(),
    });
    fs::write(folder.join("matrix.json"), document.to_string()).expect("a file");
}

/// Of two matrices that differ in one planted test of one pair, that test is told and nothing else.
#[test]
fn one_test_of_one_pair_is_told() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    let night = |day, a: Both, b: Both| Some(run(day, &[("p$a", a), ("p$b", b)]));
    matrix(
        &folder.join("then"),
        &[("a1", night(1, good(), good())), ("a2", night(2, bad(), good()))],
    );
    matrix(
        &folder.join("now"),
        &[("a1", night(3, good(), good())), ("a2", night(4, bad(), bad()))],
    );
    let json = libcmatrix(folder, &["compare", "then", "now", "--format", "json"]);
    assert_eq!(json.status.code(), Some(10), "{}", said(&json));
    let told: Value = serde_json::from_slice(&json.stdout).expect("a difference");
    let tests =
        |n: usize| told["pairs"][n]["difference"]["tests"].as_array().expect("tests").clone();
    assert_eq!(told["pairs"].as_array().map(Vec::len), Some(2));
    assert!(tests(0).is_empty());
    let [test] = &tests(1)[..] else { panic!("{told}") };
    assert_eq!((&test["id"], &test["kind"]), (&json!("p$b"), &json!("regressed")));
    let people = said(&libcmatrix(folder, &["compare", "then", "now"]));
    assert!(people.contains("=== debian -> a2") && people.contains("p$b"), "{people}");
    assert!(!people.contains("p$a"), "{people}");
    assert_eq!(libcmatrix(folder, &["compare", "then", "then"]).status.code(), Some(0));
    assert_eq!(libcmatrix(folder, &["compare", "now", "then"]).status.code(), Some(0));
    let mixed = libcmatrix(folder, &["compare", "then", "now/20261104-020000-000004"]);
    assert_eq!(mixed.status.code(), Some(2), "{}", said(&mixed));
}

/// What `matrix --out` wrote to is as good as the folder in it, as long as there is but one.
#[test]
fn the_only_matrix_of_a_folder_is_meant() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir(folder.join("out")).expect("a folder");
    let night = |day| Some(run(day, &[("p$a", good())]));
    matrix(&folder.join("out/first"), &[("a", night(1))]);
    matrix(&folder.join("now"), &[("a", night(2))]);
    let output = libcmatrix(folder, &["compare", "out", "now"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    matrix(&folder.join("out/second"), &[("a", night(3))]);
    let output = libcmatrix(folder, &["compare", "out", "now"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("2 matrices in out") && text.contains("e.g. out/second"), "{text}");
}

#[test]
fn pairs_that_one_night_lacks_are_named() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    let night = |day| Some(run(day, &[("p$a", good())]));
    matrix(&folder.join("then"), &[("same", night(1)), ("fails", night(2)), ("old", night(3))]);
    matrix(&folder.join("now"), &[("same", night(4)), ("fails", None), ("new", night(5))]);
    let output = libcmatrix(folder, &["compare", "then", "now"]);
    assert_eq!(output.status.code(), Some(11), "{}", said(&output));
    for told in
        ["the later one has no run of it", "only the later matrix ran it", "only the earlier"]
    {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
}

/// A document from another machine names folders; none of them leads out of its own.
#[test]
fn a_folder_elsewhere_is_refused() {
    let folder = tempdir().expect("a folder");
    let folder = folder.path();
    matrix(&folder.join("then"), &[("a", Some(run(1, &[("p$a", good())])))]);
    let path = folder.join("then/matrix.json");
    let text = fs::read_to_string(&path).expect("a file");
    fs::create_dir(folder.join("evil")).expect("a folder");
    let evil = text.replace("20261101-020000-000001", "../then/20261101-020000-000001");
    assert_ne!(evil, text);
    fs::write(folder.join("evil/matrix.json"), evil).expect("a file");
    let output = libcmatrix(folder, &["compare", "then", "evil"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("is no name of a run's folder"), "{}", said(&output));
}
