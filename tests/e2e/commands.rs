//! The other commands, published crates, and everything that a user can get wrong.

use std::{fs, process::Output};

use libcmatrix_schema::{ChangeKind, RunRecord};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, check, docker, libcmatrix};

/// Crates with what is known of them: how many unit and integration tests they have, none of which differs.
const PUBLISHED: [(&str, u64); 3] =
    [("tempfile@3.23.0", 62), ("memmap2@0.9.8", 27), ("socket2@0.6.1", 10)];

/// The pair that can be made on any machine.
const PAIR: [&str; 4] = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = PUBLISHED
        .iter()
        .map(|(name, tests)| {
            Trial::test(format!("published crate {name}"), move || published(name, *tests))
        })
        .collect();
    trials.extend([
        Trial::test("no engine is an error that says what to do", no_engine),
        Trial::test("no network is an error that says what to do", no_network),
        Trial::test("options that would unmatch the sides are refused", refused_option),
        Trial::test("a feature that does not exist is an error", unknown_feature),
        Trial::test("no project is an error", || refused(&["/nonexistent"], 2, "/nonexistent")),
        Trial::test("a folder without manifest is an error", no_manifest),
        Trial::test("an unknown environment names the nearest", unknown_environment),
        Trial::test("an unknown key in the configuration names the nearest", unknown_key),
        Trial::test("an unknown crate is an error", || {
            refused(
                &["--crate", "libcmatrix-no-such-crate-8d1f"],
                2,
                "libcmatrix-no-such-crate-8d1f",
            )
        }),
        Trial::test("different compilers are refused side by side", different_compilers),
        Trial::test("a builder without compiler is refused", builder_without_compiler),
        Trial::test("an image that is nowhere is an error", no_image),
        Trial::test("tests run as an ordinary user on a read-only root", ordinary_user),
        Trial::test("a program linked dynamically runs on both sides", dynamic),
        Trial::test("hostile output stays harmless", hostile),
        Trial::test("doctor finds this machine fit", doctor),
        Trial::test("images lists what is there", images),
        Trial::test("completions are a script", completions),
    ]);
    trials
}

fn published(name: &str, tests: u64) -> Result<(), Failed> {
    let ran = command::run([&["--crate", name, "--no-doctests"][..], &PAIR].concat())?;
    let mut complaints = Vec::new();
    check(&mut complaints, ran.code() == Some(0), || "it is not go".into());
    let comparison = ran.record()?.comparison.unwrap_or_default();
    check(&mut complaints, (comparison.compared, comparison.total) == (tests, tests), || {
        format!("compared {} of {}, expected {tests}", comparison.compared, comparison.total)
    });
    let differing: Vec<_> =
        comparison.changes.iter().filter(|c| c.change != ChangeKind::Same).collect();
    check(&mut complaints, differing.is_empty(), || format!("{differing:?}"));
    ran.judge(&complaints)
}

/// A run that must not begin: its exit code, and what it names.
fn refused(args: &[&str], code: i32, names: &str) -> Result<(), Failed> {
    let output = libcmatrix(["run", "--out", "/nonexistent-out"]).args(args).output()?;
    judge_refusal(&output, code, names)
}

fn judge_refusal(output: &Output, code: i32, names: &str) -> Result<(), Failed> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut complaints = Vec::new();
    check(&mut complaints, output.status.code() == Some(code), || {
        format!("exit code {:?}, expected {code}", output.status.code())
    });
    check(&mut complaints, stderr.contains(names), || format!("it does not name {names}"));
    check(&mut complaints, stderr.contains("hint:"), || "it gives no hint".into());
    check(&mut complaints, !stderr.contains("panicked"), || "it panicked".into());
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{stderr}", complaints.join("\n")).into())
    }
}

fn no_engine() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/all-green");
    let output = libcmatrix(["run", "--engine", "docker", "--out", "/nonexistent-out"])
        .arg(sample)
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output()?;
    judge_refusal(&output, 3, "/nonexistent/docker.sock")
}

/// A run that begins and must be refused on its way.
fn refused_later(run: &mut std::process::Command, code: i32, names: &str) -> Result<(), Failed> {
    let out = TempDir::new()?;
    judge_refusal(&run.arg("--out").arg(out.path()).output()?, code, names)
}

/// The way to the registry is a proxy that is not there.
fn no_network() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/custom-harness");
    let mut run = libcmatrix(["run"]);
    run.args(PAIR).arg(sample).env("https_proxy", "http://127.0.0.1:9");
    refused_later(&mut run, 3, "dependencies cannot be downloaded")
}

fn refused_option() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/all-green");
    refused(&[&sample.to_string_lossy(), "--", "--target", "x"], 2, "--target")
}

fn unknown_feature() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/all-green");
    let mut run = libcmatrix(["run", "--features", "no-such-feature"]);
    refused_later(run.args(PAIR).arg(sample), 2, "no-such-feature")
}

fn no_manifest() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    refused(&[&folder.path().to_string_lossy()], 2, "Cargo.toml")
}

fn unknown_environment() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/all-green");
    let args = [
        &sample.to_string_lossy(),
        "--baseline",
        "debian-trixi-local",
        "--candidate",
        "alpine-3.23-local",
    ];
    refused(&args, 2, "debian-trixie-local")
}

fn unknown_key() -> Result<(), Failed> {
    with_config("all-green", "[run]\natempts = 2\n", |args| refused(args, 2, "attempts"))
}

/// Calls with arguments that run a sample with a configuration of this text.
fn with_config(
    sample: &str,
    config: &str,
    call: impl FnOnce(&[&str]) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let file = folder.path().join("libcmatrix.toml");
    fs::write(&file, config)?;
    let sample = command::root().join("sample-projects").join(sample);
    call(&[&sample.to_string_lossy(), "--config", &file.to_string_lossy()])
}

fn environment(name: &str, libc: &str, builder: &str, runtime: &str, more: &str) -> String {
    format!(
        "[environments.{name}]\nlibc = \"{libc}\"\ndistro = \"test\"\nrelease = \"1\"\n\
         builder = \"{builder}\"\nruntime = \"{runtime}\"\n{more}\n"
    )
}

/// A builder whose compiler says that it is another release.
fn different_compilers() -> Result<(), Failed> {
    let image = "libcmatrix-trial/other-compiler:1";
    let script = "printf '#!/bin/sh\\ncase \"$*\" in *-vV*) printf \"rustc 1.2.3\\\\nbinary: rustc\\\\ncommit-hash: abc\\\\nhost: x86_64-unknown-linux-gnu\\\\nrelease: 1.2.3\\\\n\";; *) echo /r;; esac\\n' >/usr/bin/rustc; chmod +x /usr/bin/rustc; mkdir -p /r; touch /r/libstd-1.rlib";
    let made =
        docker(&["run", "-d", "--network", "none", "libcmatrix/alpine:3.23", "sh", "-c", script])?;
    let container = made.trim();
    docker(&["wait", container])?;
    docker(&["commit", container, image])?;
    docker(&["rm", "-f", container])?;
    let config = environment("other", "musl", image, "libcmatrix/alpine:3.23", "");
    let result = with_config("all-green", &config, |args| {
        let mut run =
            libcmatrix(["run", "--baseline", "debian-trixie-local", "--candidate", "other"]);
        refused_later(run.args(args), 3, "release: 1.2.3")
    });
    docker(&["rmi", image])?;
    result
}

fn builder_without_compiler() -> Result<(), Failed> {
    let config =
        environment("bare", "musl", "libcmatrix/alpine:3.23", "libcmatrix/alpine:3.23", "");
    with_config("all-green", &config, |args| {
        let mut run =
            libcmatrix(["run", "--baseline", "debian-trixie-local", "--candidate", "bare"]);
        refused_later(run.args(args), 3, "libcmatrix/alpine:3.23")
    })
}

fn no_image() -> Result<(), Failed> {
    let missing = "127.0.0.1:9/nowhere:1";
    let config = environment("missing", "musl", missing, missing, "");
    with_config("all-green", &config, |args| {
        refused(
            &[args, &["--baseline", "debian-trixie-local", "--candidate", "missing"]].concat(),
            3,
            missing,
        )
    })
}

/// Nothing may depend on being root, or on a root file system that can be written to.
fn ordinary_user() -> Result<(), Failed> {
    let more = "user = \"1000:1000\"\nread-only-root = true";
    let builder = "libcmatrix/debian-builder:trixie";
    let target = |libc: &str| {
        format!("{more}\ntarget = \"{}-unknown-linux-{libc}\"", std::env::consts::ARCH)
    };
    let config = environment("g", "glibc", builder, "libcmatrix/debian:trixie", &target("gnu"))
        + &environment("m", "musl", builder, "libcmatrix/alpine:3.23", &target("musl"));
    // It has dependencies, which that user must be able to fetch.
    green_run("custom-harness", &config, "g", "m", |_| Vec::new())
}

fn dynamic() -> Result<(), Failed> {
    green_run("all-green", "", "debian-trixie-local", "alpine-3.23-local-dynamic", |record| {
        let mut complaints = Vec::new();
        let linkage = record.legs.get(1).map(|l| l.environment.linkage.to_string());
        check(&mut complaints, linkage.as_deref() == Some("dynamic"), || format!("{linkage:?}"));
        complaints
    })
}

fn green_run(
    sample: &str,
    config: &str,
    baseline: &str,
    candidate: &str,
    more: impl FnOnce(&RunRecord) -> Vec<String>,
) -> Result<(), Failed> {
    with_config(sample, config, |args| {
        let ran =
            command::run([args, &["--baseline", baseline, "--candidate", candidate]].concat())?;
        let mut complaints = Vec::new();
        check(&mut complaints, ran.code() == Some(0), || "it is not go".into());
        let record = ran.record()?;
        let comparison = record.comparison.clone().unwrap_or_default();
        check(&mut complaints, comparison.compared > 0, || "nothing was compared".into());
        complaints.extend(more(&record));
        ran.judge(&complaints)
    })
}

/// Neither the terminal report nor the verbose progress may pass on a control character or a
/// workflow command of a CI service.
fn hostile() -> Result<(), Failed> {
    let sample = command::root().join("sample-projects/hostile-output");
    let sample = sample.to_string_lossy();
    let ran =
        command::run([&[sample.as_ref(), "--verbose", "--color", "never"][..], &PAIR].concat())?;
    let mut complaints = Vec::new();
    for (name, text) in [("stdout", ran.stdout()), ("stderr", ran.stderr())] {
        let control = text.chars().find(|c| c.is_control() && *c != '\n');
        check(&mut complaints, control.is_none(), || format!("{name} has {control:?}"));
        let bidi =
            text.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        check(&mut complaints, bidi.is_none(), || format!("{name} has {bidi:?}"));
        let command = text.lines().find(|l| l.trim_start().starts_with("::"));
        check(&mut complaints, command.is_none(), || format!("{name} has {command:?}"));
    }
    check(&mut complaints, ran.stdout().len() > 500, || "there is no report".into());
    ran.judge(&complaints)
}

fn doctor() -> Result<(), Failed> {
    let output = libcmatrix(["doctor"]).output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && stdout.contains("docker") {
        return Ok(());
    }
    Err(stdout.into_owned().into())
}

fn images() -> Result<(), Failed> {
    let output = libcmatrix(["images"]).output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout.lines().find(|l| l.contains("libcmatrix/alpine:3.23"));
    match line {
        Some(line) if line.contains("sha256:") => Ok(()),
        _ => Err(stdout.into_owned().into()),
    }
}

fn completions() -> Result<(), Failed> {
    for shell in ["bash", "zsh", "fish"] {
        let output = libcmatrix(["completions", shell]).output()?;
        if !String::from_utf8_lossy(&output.stdout).contains("libcmatrix") {
            return Err(format!("nothing for {shell}").into());
        }
    }
    Ok(())
}
