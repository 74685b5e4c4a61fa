//! The comparison as tests of a project (`libcmatrix-test`), under cargo and as nextest calls it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use libcmatrix_schema::RunRecord;
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, check};

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("the comparison is tests of a project", comparison_as_tests)]
}

const MANIFEST: &str = r#"
[package]
name = "moves"
version = "0.0.0"
edition = "2021"

[dev-dependencies]
libcmatrix-test = { path = "libcmatrix-test" }

[[test]]
name = "alpine"
harness = false

[workspace]
"#;

const LIBRARY: &str = r#"
#[test]
fn same() {}

#[test]
fn only_on_glibc() {
    assert!(cfg!(target_env = "gnu"), "no glibc here");
}
"#;

const TEST: &str = r#"
fn main() {
    libcmatrix_test::run(&[
        "--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local", "--no-doctests",
    ])
}
"#;

/// Sets all up as a user does, the crate as it would be published.
fn project() -> Result<TempDir, Failed> {
    let project = TempDir::with_prefix("libcmatrix-trial-")?;
    let packed = project.path().join("target");
    let mut pack = cargo(&command::root(), &packed);
    pack.args(["package", "--package", "libcmatrix-test", "--no-verify", "--allow-dirty"]);
    succeeded(&pack.output()?)?;
    let packages: PathBuf = packed.join("package");
    let package = fs::read_dir(&packages)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "crate"))
        .ok_or("no package was made")?;
    let mut unpack = Command::new("tar");
    let folder = project.path().join("libcmatrix-test");
    fs::create_dir(&folder)?;
    unpack.arg("-xzf").arg(package).arg("-C").arg(&folder).arg("--strip-components=1");
    succeeded(&unpack.output()?)?;
    for folder in ["src", "tests"] {
        fs::create_dir(project.path().join(folder))?;
    }
    for (name, content) in
        [("Cargo.toml", MANIFEST), ("src/lib.rs", LIBRARY), ("tests/alpine.rs", TEST)]
    {
        fs::write(project.path().join(name), content)?;
    }
    Ok(project)
}

/// Cargo in a folder, free of what cargo says of this test.
fn cargo(folder: &Path, target: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    cargo
}

fn succeeded(output: &Output) -> Result<(), Failed> {
    if output.status.success() { Ok(()) } else { Err(text(output).into()) }
}

/// Everything it printed.
fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn comparison_as_tests() -> Result<(), Failed> {
    let project = project()?;
    let target = project.path().join("target");
    succeeded(&cargo(project.path(), &target).args(["test", "--no-run"]).output()?)?;
    let program = built(&target)?;
    let mut complaints = as_nextest_calls_it(project.path(), &program)?;
    // Cargo need not compare again: it can show that run.
    let run = target.join("libcmatrix/moves/alpine/latest");
    complaints.extend(as_cargo_shows_it(project.path(), &target, &run)?);
    // Inside the legs the test had no trials, and did not begin a run of its own.
    let record: RunRecord = serde_json::from_slice(&fs::read(run.join("run.json"))?)?;
    for leg in &record.legs {
        let ids: Vec<&str> = leg.tests.iter().map(|test| test.id.as_str()).collect();
        check(&mut complaints, ids == ["moves$only_on_glibc", "moves$same"], || format!("{ids:?}"));
    }
    let mut missing = Command::new(&program);
    missing.current_dir(project.path()).env("LIBCMATRIX_BIN", "/nowhere/libcmatrix");
    let output = missing.output()?;
    let said = text(&output);
    check(&mut complaints, output.status.code() == Some(101), || {
        format!("without libcmatrix it ended with {}", output.status)
    });
    check(&mut complaints, said.contains("hint: install it"), || said.clone());
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

fn as_cargo_shows_it(project: &Path, target: &Path, run: &Path) -> Result<Vec<String>, Failed> {
    let mut test = cargo(project, target);
    test.args(["test", "--test", "alpine"]).env("LIBCMATRIX_BIN", command::executable());
    let output = test.env("LIBCMATRIX_RECORD", run).output()?;
    let said = text(&output);
    let mut complaints = Vec::new();
    check(&mut complaints, output.status.code() == Some(101), || {
        format!("cargo test ended with {}", output.status)
    });
    for line in [
        "test moves$same          ... ok",
        "test moves$only_on_glibc ... FAILED",
        "test the verdict is go   ... FAILED",
        "regressed: debian-trixie-local: passed",
        "no glibc here",
        "the answer is no-go",
    ] {
        check(&mut complaints, said.contains(line), || {
            format!("cargo test does not say `{line}`: {said}")
        });
    }
    Ok(complaints)
}

/// The test's executable.
fn built(target: &Path) -> Result<PathBuf, Failed> {
    fs::read_dir(target.join("debug/deps"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("alpine-") && path.extension().is_none()
        })
        .ok_or_else(|| "the test's executable is not there".into())
}

/// The list, then a process for each test (<https://nexte.st/docs/design/custom-test-harnesses/>).
fn as_nextest_calls_it(project: &Path, program: &Path) -> Result<Vec<String>, Failed> {
    let call = |args: &[&str], libcmatrix: &Path| {
        let mut command = Command::new(program);
        command.args(args).current_dir(project).stdin(Stdio::null());
        command.env("CARGO_PKG_NAME", "moves").env("NEXTEST", "1");
        command.env("NEXTEST_EXECUTION_MODE", "process-per-test");
        command.env("LIBCMATRIX_BIN", libcmatrix).output()
    };
    let mut complaints = Vec::new();
    let list = call(&["--list", "--format", "terse"], &command::executable())?;
    let listed = String::from_utf8_lossy(&list.stdout).into_owned();
    let expected = "moves$only_on_glibc: test\nmoves$same: test\nthe verdict is go: test\n";
    check(&mut complaints, listed == expected, || format!("listed: {}", text(&list)));
    // The processes look up what the list has left: none of them runs anything again.
    let none = Path::new("/nowhere/libcmatrix");
    let ignored = call(&["--list", "--format", "terse", "--ignored"], none)?;
    check(&mut complaints, ignored.status.success() && ignored.stdout.is_empty(), || {
        format!("ignored: {}", text(&ignored))
    });
    for (name, code) in
        [("moves$same", 0), ("moves$only_on_glibc", 101), ("the verdict is go", 101)]
    {
        let ran = call(&[name, "--nocapture", "--exact"], none)?;
        check(&mut complaints, ran.status.code() == Some(code), || {
            format!("{name}: {}\n{}", ran.status, text(&ran))
        });
        check(&mut complaints, text(&ran).contains("running 1 test"), || text(&ran));
    }
    Ok(complaints)
}
