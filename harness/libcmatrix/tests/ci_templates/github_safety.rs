//! What keeps a workflow of GitHub's from being used by others: pinned actions, few rights, no text of
//! others in scripts.

use std::collections::BTreeMap;

use libcmatrix::ci_templates::{CiFile, CiSystem};
use serde_json::{Value, json};

use crate::{
    documents::{parse, scripts},
    shell::commands,
};

fn workflows() -> Vec<(CiFile, Value)> {
    let files = CiSystem::Github.files();
    files.into_iter().map(|file| (file.clone(), parse(&file))).collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().expect("steps")
}

#[test]
fn every_action_is_one_commit_whose_version_is_told() {
    let mut pins: BTreeMap<String, &str> = BTreeMap::new();
    let workflows = workflows();
    for (file, workflow) in &workflows {
        for step in jobs(workflow).flat_map(|(_, job)| steps(job)) {
            let Some(action) = step["uses"].as_str() else { continue };
            let (name, commit) = action.split_once('@').expect("a pin");
            let is_commit = commit.len() == 40
                && commit.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            assert!(is_commit, "{}: {action}", file.path);
            let repository = name.split('/').take(2).collect::<Vec<_>>().join("/");
            let is_own = repository.starts_with("actions/") || repository.starts_with("github/");
            assert!(is_own, "{action} is not GitHub's own");
            assert_eq!(*pins.entry(repository).or_insert(commit), commit, "one version of {name}");
            let told = file.text.lines().filter(|line| line.contains(action));
            for line in told {
                assert!(line.contains(&format!("{action} # v")), "{}: {line}", file.path);
            }
        }
    }
    assert!(pins.len() >= 4, "{pins:?}");
}

#[test]
fn a_workflow_may_only_read_and_a_job_that_may_write_runs_nothing_of_the_project() {
    for (file, workflow) in workflows() {
        assert_eq!(workflow["permissions"], json!({ "contents": "read" }), "{}", file.path);
        let mut writers = 0;
        for (name, job) in jobs(&workflow) {
            let Some(permissions) = job.get("permissions") else { continue };
            let map = permissions.as_object().expect("a right for each thing");
            writers += map.values().filter(|right| *right == "write").count();
            let programs: Vec<String> = scripts(job)
                .iter()
                .flat_map(|script| commands(script))
                .map(|words| words[0].clone())
                .filter(|program| ["libcmatrix", "cargo"].contains(&program.as_str()))
                .collect();
            assert!(programs.is_empty(), "{}: {name} runs {programs:?}", file.path);
        }
        assert!(writers >= 1, "{}: no job that tells anything", file.path);
    }
}

#[test]
fn nothing_of_others_gets_into_a_script_and_no_fork_gets_a_right() {
    for (file, workflow) in workflows() {
        for script in scripts(&workflow) {
            // Stricter than need be: values of any kind go through variables.
            assert!(!script.contains("${{"), "{}: {script}", file.path);
        }
        for word in ["pull_request_target", "workflow_run", "secrets."] {
            assert!(!file.text.contains(word), "{}: {word}", file.path);
        }
        for step in jobs(&workflow).flat_map(|(_, job)| steps(job)) {
            if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")) {
                assert_eq!(step["with"]["persist-credentials"], json!(false), "{}", file.path);
            }
        }
    }
}

#[test]
fn no_shard_stops_another_and_all_is_kept() {
    let (_, nightly) = workflows().remove(0);
    let shards = &nightly["jobs"]["shards"];
    assert_eq!(shards["strategy"]["fail-fast"], json!(false));
    for job in ["shards", "merge"] {
        let uploads = steps(&nightly["jobs"][job]).iter().filter(|step| {
            step["uses"]
                .as_str()
                .is_some_and(|action| action.starts_with("actions/upload-artifact@"))
        });
        let conditions: Vec<&Value> = uploads.map(|step| &step["if"]).collect();
        assert_eq!(conditions, [&json!("always()")], "{job}");
    }
}
