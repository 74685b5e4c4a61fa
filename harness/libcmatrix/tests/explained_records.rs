//! Findings of real runs, made again from their records: diagnosis is a function of the record alone.

use std::{fs, path::Path};

use libcmatrix::{compare::compare, diagnose};
use libcmatrix_schema::{Confidence, Finding, RunRecord};

fn record(name: &str) -> RunRecord {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/explained");
    let text = fs::read_to_string(folder.join(name).with_extension("json")).expect("a record");
    serde_json::from_str(&text).expect("a record that is understood")
}

fn findings(record: &RunRecord) -> Vec<(String, Confidence)> {
    let told = |finding: Finding| (finding.code, finding.confidence);
    diagnose::findings(record, &compare(record)).into_iter().map(told).collect()
}

#[test]
fn a_finding_is_made_again_from_its_record() {
    for (name, code, confidence) in [
        ("thread-stack", "thread-stack-overflow", Confidence::Proven),
        ("double-free", "heap-corruption-detected", Confidence::Proven),
        ("dlopen-static", "dlopen-static", Confidence::Proven),
        ("shell-needs-bash", "no-bash", Confidence::Likely),
        ("constructor-arguments", "init-array-args", Confidence::Likely),
    ] {
        assert_eq!(findings(&record(name)), [(code.to_owned(), confidence)], "{name}");
    }
}

#[test]
fn without_its_experiment_a_finding_is_less_sure() {
    let mut record = record("thread-stack");
    record.experiments.clear();
    let found = findings(&record);
    assert_eq!(found, [("thread-stack-overflow".to_owned(), Confidence::Likely)]);
}

#[test]
fn an_experiment_that_contradicts_makes_it_a_guess() {
    let mut record = record("thread-stack");
    let bad = record.legs[1].tests.iter().find(|t| t.attempts.iter().any(|a| a.crash.is_some()));
    let bad = bad.expect("a test that crashes").clone();
    for experiment in &mut record.experiments {
        experiment.tests = vec![bad.clone()];
    }
    let found = findings(&record);
    assert_eq!(found, [("thread-stack-overflow".to_owned(), Confidence::Possible)]);
}

/// What is the same on both sides has nothing to do with the libc.
#[test]
fn a_run_against_itself_explains_nothing() {
    let mut record = record("thread-stack");
    let (name, role) = (record.legs[0].name.clone(), record.legs[0].role);
    record.legs[0] = record.legs[1].clone();
    (record.legs[0].name, record.legs[0].role) = (name, role);
    assert_eq!(findings(&record), []);
}
