//! One trial per sample project, engine and environment pair: what comes out is held against the
//! project's `expected.toml`, whole: every test, also the ones that the file does not name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use libcmatrix_schema::{Leg, Role, RunRecord, Test};
use libtest_mimic::{Failed, Trial};

use crate::{
    command::{self, Ran, check},
    expected::{Expected, ExpectedTest},
};

/// Engines and environment pairs that every sample project runs on.
const SURROUNDINGS: [(&str, &str, &str); 1] =
    [("docker", "debian-trixie-local", "alpine-3.23-local")];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, folder) in projects() {
        for (engine, baseline, candidate) in SURROUNDINGS {
            let folder = folder.clone();
            let title = format!("sample {name} on {engine} {baseline} {candidate}");
            trials.push(Trial::test(title, move || trial(&folder, engine, baseline, candidate)));
        }
    }
    trials
}

/// Every folder with an `expected.toml`, one or two levels deep.
fn projects() -> BTreeMap<String, PathBuf> {
    let samples = command::root().join("sample-projects");
    let folders = |of: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(of).into_iter().flatten().flatten();
        entries.map(|e| e.path()).filter(|p| p.is_dir()).collect()
    };
    let mut found = BTreeMap::new();
    for folder in folders(&samples) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for place in [folder.clone()].into_iter().chain(folders(&folder)) {
            if place.join("expected.toml").is_file() {
                found.insert(name.clone(), place);
            }
        }
    }
    assert!(!found.is_empty(), "there are no sample projects in {}", samples.display());
    found
}

fn trial(folder: &Path, engine: &str, baseline: &str, candidate: &str) -> Result<(), Failed> {
    let expected = Expected::read(&folder.join("expected.toml"))?;
    let before = snapshot(folder)?;
    let mut args = vec![folder.display().to_string()];
    args.extend(
        ["--engine", engine, "--baseline", baseline, "--candidate", candidate].map(Into::into),
    );
    args.extend(expected.args.iter().cloned());
    let ran = command::run(&args)?;
    let mut complaints = Vec::new();
    check(&mut complaints, ran.code() == Some(expected.exit), || {
        format!("exit code: expected {}, got {:?}", expected.exit, ran.code())
    });
    for text in &expected.stderr {
        check(&mut complaints, ran.stderr().contains(text), || format!("stderr lacks {text:?}"));
    }
    if expected.verdict.is_some() {
        judge_record(&expected, &ran, &mut complaints)?;
    }
    check(&mut complaints, snapshot(folder)? == before, || "the user's tree was touched".into());
    ran.judge(&complaints)
}

fn judge_record(
    expected: &Expected,
    ran: &Ran,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    let record = ran.record()?;
    let verdict = record.verdict.as_ref().map(|v| v.outcome.to_string());
    check(complaints, verdict == expected.verdict, || {
        format!("verdict: expected {:?}, got {verdict:?}", expected.verdict)
    });
    let comparison = record.comparison.clone().unwrap_or_default();
    for (what, expected, got) in [
        ("total", expected.total, comparison.total),
        ("compared", expected.compared, comparison.compared),
    ] {
        check(complaints, expected.is_none_or(|e| e == got), || {
            format!("{what}: expected {expected:?}, got {got}")
        });
    }
    let sides = [leg(&record, Role::Baseline)?, leg(&record, Role::Candidate)?];
    let ids: BTreeSet<&str> = sides
        .iter()
        .flat_map(|l| &l.tests)
        .map(|t| t.id.as_str())
        .chain(expected.tests.keys().map(String::as_str))
        .collect();
    let plain = ExpectedTest {
        baseline: "passed".into(),
        candidate: "passed".into(),
        change: "same".into(),
        baseline_output: Vec::new(),
        candidate_output: Vec::new(),
    };
    for id in ids {
        let wanted = expected.tests.get(id).unwrap_or(&plain);
        let change = comparison.changes.iter().find(|c| c.id == id).map(|c| c.change.to_string());
        check(complaints, change.as_deref() == Some(&wanted.change), || {
            format!("{id}: expected {}, got {change:?}", wanted.change)
        });
        judge_test(complaints, sides[0], id, &wanted.baseline, &wanted.baseline_output);
        judge_test(complaints, sides[1], id, &wanted.candidate, &wanted.candidate_output);
    }
    judge_steps(expected, &record, ran, complaints)
}

fn judge_test(complaints: &mut Vec<String>, leg: &Leg, id: &str, outcome: &str, texts: &[String]) {
    let test: Option<&Test> = leg.tests.iter().find(|t| t.id == id);
    let got = test.map_or("absent".to_owned(), |t| t.outcome.to_string());
    // A test whose binary was not built is not known on that side; the comparison says why.
    let same = got == outcome || (got == "absent" && outcome.starts_with("not-run"));
    check(complaints, same, || format!("{id} in the {}: expected {outcome}, got {got}", leg.role));
    for text in texts {
        let found = test.is_some_and(|t| t.attempts.iter().any(|a| a.output.contains(text)));
        check(complaints, found, || format!("{id} in the {}: its output lacks {text:?}", leg.role));
    }
}

fn judge_steps(
    expected: &Expected,
    record: &RunRecord,
    ran: &Ran,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    for leg in &record.legs {
        let named = expected.steps.get(&leg.role.to_string());
        for step in &leg.steps {
            let name = step.name.to_string();
            let wanted = named.and_then(|steps| steps.get(&name));
            let status = step.status.to_string();
            let good = match wanted {
                Some(wanted) => status == wanted.status,
                None => status == "passed" || status == "skipped",
            };
            check(complaints, good, || {
                format!("step {name} in the {}: {status}: {:?}", leg.role, step.detail)
            });
            let log = step.log.as_ref().map(|l| fs::read(ran.file(l))).transpose()?;
            let log = String::from_utf8_lossy(&log.unwrap_or_default()).into_owned();
            for text in wanted.iter().flat_map(|w| &w.log) {
                check(complaints, log.contains(text.as_str()), || {
                    format!("the log of {name} in the {} lacks {text:?}", leg.role)
                });
            }
        }
        for name in named.into_iter().flat_map(BTreeMap::keys) {
            let reached = leg.steps.iter().any(|s| s.name.to_string() == *name);
            check(complaints, reached, || {
                format!("step {name} in the {} was not reached", leg.role)
            });
        }
    }
    Ok(())
}

fn leg(record: &RunRecord, role: Role) -> Result<&Leg, Failed> {
    record.legs.iter().find(|l| l.role == role).ok_or_else(|| format!("there is no {role}").into())
}

/// Every file of a tree with its size and time: a run must change none.
fn snapshot(folder: &Path) -> Result<BTreeMap<PathBuf, (u64, std::time::SystemTime)>, Failed> {
    let mut files = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                pending.push(entry.path());
            } else {
                files.insert(entry.path(), (metadata.len(), metadata.modified()?));
            }
        }
    }
    Ok(files)
}
