//! The scripts, run as their systems run them, with a program in libcmatrix's place that answers as it is
//! told: which exit codes are answers, and what happens when something got worse.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::documents::{file, parse, scripts};

/// Ends with the code that stands in the file `answer-<command>`, else with 0. `merge` and `matrix` leave
/// the run of one pair, the others print their arguments.
const STAND_IN: &str = r#"#!/bin/sh
case "$1" in
  merge | matrix)
    for out; do :; done
    mkdir -p "$out/a pair" && echo '{}' > "$out/a pair/run.json" ;;
esac
if [ "$1" = history ]; then : > "$here/history-was-asked"; fi
echo "$@"
if [ -f "$here/answer-$1" ]; then exit "$(cat "$here/answer-$1")"; fi
"#;

/// A folder in which `libcmatrix` and `cargo` are stand-ins.
fn machine() -> TempDir {
    let folder = tempdir().expect("a folder");
    for (name, text) in [("libcmatrix", STAND_IN), ("cargo", "#!/bin/sh\n")] {
        let path = folder.path().join("bin").join(name);
        fs::create_dir_all(folder.path().join("bin")).expect("a folder");
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    folder
}

fn answer(machine: &Path, command: &str, code: u8) {
    fs::write(machine.join(format!("answer-{command}")), code.to_string()).expect("a file");
}

/// Runs a script as GitHub, GitLab or Woodpecker does: it ends at the first command that fails.
fn run(machine: &Path, shell: &[&str], script: &str) -> Output {
    let path = std::env::var("PATH").expect("a path");
    Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", script])
        .current_dir(machine)
        .env("here", machine)
        .env("PATH", format!("{}:{path}", machine.join("bin").display()))
        .env("GITHUB_OUTPUT", machine.join("output.txt"))
        .env("GITHUB_STEP_SUMMARY", machine.join("summary.md"))
        .env("SHARD", "1/3")
        .envs([("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")])
        .output()
        .expect("the shell")
}

const GITHUB: &[&str] = &["bash", "-e"];
const GITLAB: &[&str] = &["bash", "-eo", "pipefail"];
const WOODPECKER: &[&str] = &["sh", "-e"];

fn step(job: &str, name: &str) -> String {
    step_of("libcmatrix-nightly.yml", job, name)
}

fn step_of(workflow: &str, job: &str, name: &str) -> String {
    let workflow = parse(&file(workflow));
    let steps = workflow["jobs"][job]["steps"].as_array().expect("steps").clone();
    let step = steps.iter().find(|step| step["name"] == name).expect("the step");
    step["run"].as_str().expect("a script").to_owned()
}

fn gitlab(job: &str) -> String {
    let job: Value = parse(&file(".gitlab/libcmatrix.yml"))[job].clone();
    scripts(&job).concat()
}

/// The script of the one step, with its volume in the machine's folder.
fn woodpecker(end: &str, machine: &Path) -> String {
    let script = scripts(&parse(&file(end))).concat();
    assert!(!script.contains("${"), "Woodpecker would put something in its place");
    script.replace("/libcmatrix/", &format!("{}/volume/", machine.display()))
}

#[test]
fn a_shard_passes_with_every_answer_and_fails_without_one() {
    for (shell, script) in
        [(GITHUB, step("shards", "Build and test")), (GITLAB, gitlab("libcmatrix-shard"))]
    {
        for (code, expected) in [(0, 0), (10, 0), (11, 0), (2, 2), (3, 3), (70, 70)] {
            let machine = machine();
            answer(machine.path(), "matrix", code);
            let output = run(machine.path(), shell, &script);
            assert_eq!(output.status.code(), Some(expected), "{code}: {output:?}");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.starts_with("matrix . --shard 1/3 --out libcmatrix-out"), "{said}");
        }
    }
}

#[test]
fn the_plan_is_one_line_of_the_output() {
    let machine = machine();
    fs::write(machine.path().join("bin/libcmatrix"), "#!/bin/sh\necho '{\"include\":\n [ ]}'\n")
        .expect("a program");
    let output = run(machine.path(), GITHUB, &step("plan", "Plan the night"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(machine.path().join("output.txt")).expect("an output");
    assert_eq!(text, "matrix={\"include\": [ ]}\n");
}

#[test]
fn what_got_worse_is_told_and_the_first_night_compares_with_nothing() {
    let machine = machine();
    let script = ["Merge", "Add to the history", "Compare with last night"]
        .map(|name| step("merge", name))
        .join("\n");
    let read = |name: &str| fs::read_to_string(machine.path().join(name)).unwrap_or_default();
    let night = |merge: u8, compare: u8| {
        let _ = fs::remove_file(machine.path().join("output.txt"));
        answer(machine.path(), "merge", merge);
        answer(machine.path(), "compare", compare);
        let output = run(machine.path(), GITHUB, &script);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        (read("output.txt"), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(night(10, 10).0, "code=10\n", "nothing to compare with");
    assert_eq!(night(0, 0).0, "code=0\n");
    let (output, said) = night(11, 3);
    assert_eq!(output, "code=11\n");
    assert!(said.contains("::warning::one pair could not be compared"), "{said}");
    assert_eq!(read("worse.txt"), "");
    assert_eq!(night(0, 10).0, "code=0\nworse=true\n");
    let call = "compare libcmatrix-state/last/a pair/run.json merged/a pair/run.json";
    assert_eq!(read("worse.txt"), format!("a pair\n\n{call}\n\n"));
    assert!(read("summary.md").ends_with(&format!("    a pair\n    \n    {call}\n    \n")));
    assert!(machine.path().join("history-was-asked").exists());
}

#[test]
fn a_merge_without_an_answer_fails() {
    let machine = machine();
    answer(machine.path(), "merge", 3);
    for (shell, script) in [(GITHUB, step("merge", "Merge")), (GITLAB, gitlab("libcmatrix-night"))]
    {
        assert_eq!(run(machine.path(), shell, &script).status.code(), Some(3));
    }
}

/// The code of the third of three nights; what `compare` says is asked on that one.
fn third_night(
    machine: &Path,
    shell: &[&str],
    script: &str,
    merge: u8,
    compare: u8,
) -> Option<i32> {
    answer(machine, "merge", merge);
    fs::create_dir_all(machine.join("libcmatrix-out")).expect("a folder");
    run(machine, shell, script);
    // The stand-in leaves no database to copy.
    fs::create_dir_all(machine.join("libcmatrix-state")).expect("a folder");
    fs::write(machine.join("libcmatrix-state/history.sqlite"), "").expect("a file");
    let second = run(machine, shell, script);
    assert_eq!(second.status.code(), Some(merge.into()), "{second:?}");
    answer(machine, "compare", compare);
    run(machine, shell, script).status.code()
}

#[test]
fn a_night_elsewhere_ends_by_its_answer_or_by_what_got_worse() {
    for (merge, compare, expected) in
        [(0, 0, 0), (10, 0, 10), (11, 0, 11), (0, 10, 10), (11, 10, 10), (0, 3, 0)]
    {
        for shell in [GITLAB, WOODPECKER] {
            let machine = machine();
            let script = if shell == GITLAB {
                gitlab("libcmatrix-night")
            } else {
                woodpecker("libcmatrix-nightly.yaml", machine.path())
            };
            let code = third_night(machine.path(), shell, &script, merge, compare);
            assert_eq!(code, Some(expected), "{shell:?} {merge} {compare}");
        }
    }
}

#[test]
fn a_pull_request_ends_by_its_answer_after_the_reports_are_written() {
    for code in [0, 10, 11, 3] {
        for shell in [GITHUB, GITLAB, WOODPECKER] {
            let machine = machine();
            answer(machine.path(), "run", code);
            let script = if shell == GITHUB {
                ["Build and test", "Write the reports"]
                    .map(|name| step_of("libcmatrix-pull-request.yml", "run", name))
                    .join("\n")
                    + "\nexit $(sed s/code=// output.txt)"
            } else if shell == GITLAB {
                gitlab("libcmatrix-merge-request")
            } else {
                woodpecker("libcmatrix-pull-request.yaml", machine.path())
            };
            let output = run(machine.path(), shell, &script);
            assert_eq!(output.status.code(), Some(code.into()), "{shell:?}: {output:?}");
            let reports = machine.path().join("libcmatrix-report").exists();
            assert_eq!(reports, code != 3, "{shell:?} {code}");
        }
    }
}
