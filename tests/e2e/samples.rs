//! One trial per sample project: what comes out of each engine is held against the project's
//! `expected.toml`, whole: every test, also the ones that the file does not name. And the engines'
//! records are held against each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use libcmatrix_schema::{Leg, Role, RunRecord, Step, StepName, StepStatus, Test};
use libtest_mimic::{Failed, Trial};

use crate::{
    command::{self, Over, Ran, check},
    escape,
    expected::{Expected, ExpectedTest},
};

/// The pair that can be made on any machine.
const PAIR: [&str; 4] = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];

pub fn trials() -> Vec<Trial> {
    let trial = |(name, folder): (String, PathBuf)| {
        Trial::test(format!("sample {name}"), move || on_all_engines(&folder))
    };
    projects().into_iter().map(trial).collect()
}

/// On each engine it must come out as expected, and on all alike.
fn on_all_engines(folder: &Path) -> Result<(), Failed> {
    let mut outcomes = BTreeMap::new();
    for over in Over::ENGINES {
        outcomes.insert(over.engine(), run_sample(folder, over)?);
    }
    let mut complaints = Vec::new();
    let (first, others) =
        outcomes.iter().next().map(|first| (first, outcomes.iter().skip(1))).ok_or("no engine")?;
    for other in others {
        for key in first.1.keys().chain(other.1.keys()).collect::<BTreeSet<_>>() {
            let (here, there) = (first.1.get(key), other.1.get(key));
            check(&mut complaints, here == there, || {
                format!("{key}: {} {here:?}, {} {there:?}", first.0, other.0)
            });
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// What a record says that must not depend on the engine.
fn outcomes(record: &RunRecord) -> BTreeMap<String, String> {
    let mut outcomes = BTreeMap::new();
    outcomes
        .insert("verdict".to_owned(), format!("{:?}", record.verdict.as_ref().map(|v| &v.outcome)));
    for leg in &record.legs {
        // What takes longer for once is run again as well, so whether that step is reached depends on
        // what else the machine does.
        let is_by_chance =
            |step: &&Step| step.name == StepName::Confirm && step.status == StepStatus::Passed;
        for step in leg.steps.iter().filter(|step| !is_by_chance(step)) {
            outcomes.insert(format!("{} {}", leg.role, step.name), step.status.to_string());
        }
        for test in &leg.tests {
            outcomes.insert(format!("{} {}", leg.role, test.id), test.outcome.to_string());
        }
    }
    for change in record.comparison.iter().flat_map(|c| &c.changes) {
        outcomes.insert(change.id.clone(), change.change.to_string());
    }
    outcomes
}

/// Every folder with an `expected.toml`, one or two levels deep, but for the one that needs baits.
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
    found.remove(escape::SAMPLE);
    assert!(!found.is_empty(), "there are no sample projects in {}", samples.display());
    found
}

/// Runs the sample project of that name on one engine.
pub fn run_one(over: Over<'_>, name: &str) -> Result<(), Failed> {
    let folder = projects().remove(name).ok_or_else(|| format!("there is no sample {name}"))?;
    run_sample(&folder, over).map(drop)
}

/// Runs a sample project and holds it against its expectation; gives what must not depend on the engine.
fn run_sample(folder: &Path, over: Over<'_>) -> Result<BTreeMap<String, String>, Failed> {
    let expected = Expected::read(&folder.join("expected.toml"))?;
    let before = snapshot(folder)?;
    let ran = command::run_over(over, arguments(folder, &expected))?;
    let mut complaints = Vec::new();
    judge(&expected, &ran, &mut complaints)?;
    check(&mut complaints, snapshot(folder)? == before, || "the user's tree was touched".into());
    let outcomes = match expected.verdict {
        Some(_) => outcomes(&ran.record()?),
        None => BTreeMap::new(),
    };
    ran.judge(&complaints).map_err(|failed| {
        Failed::from(format!("on {}: {}", over.engine(), failed.message().unwrap_or_default()))
    })?;
    Ok(outcomes)
}

/// The arguments of `libcmatrix run` for a sample, but for the engine.
pub fn arguments(folder: &Path, expected: &Expected) -> Vec<String> {
    let mut args = vec![folder.display().to_string()];
    args.extend(PAIR.map(Into::into));
    args.extend(expected.args.iter().cloned());
    args
}

/// Holds all that came out against what is expected.
pub fn judge(expected: &Expected, ran: &Ran, complaints: &mut Vec<String>) -> Result<(), Failed> {
    check(complaints, ran.code() == Some(expected.exit), || {
        format!("exit code: expected {}, got {:?}", expected.exit, ran.code())
    });
    for text in &expected.stderr {
        check(complaints, ran.stderr().contains(text), || format!("stderr lacks {text:?}"));
    }
    if expected.verdict.is_some() {
        judge_record(expected, ran, complaints)?;
    }
    Ok(())
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
    let findings: BTreeMap<String, String> =
        record.findings.iter().map(|f| (f.code.clone(), f.confidence.to_string())).collect();
    check(complaints, findings == expected.findings, || {
        format!("findings: expected {:?}, got {findings:?}", expected.findings)
    });
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
