//! Many pairs of environments: in shards, with one that cannot be run, put together again; and a second night,
//! of which exactly what was changed is told.

use std::{fs, path::Path, process::Output};

use libcmatrix_schema::{
    CellResult, Matrix, MatrixDifference, PairShows, TestDifferenceKind, VerdictOutcome,
};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, Over, check};

pub fn trials() -> Vec<Trial> {
    let trial = |over: Over<'static>| {
        let name = format!("a matrix in shards on {}", over.engine());
        Trial::test(name, move || in_shards(over))
    };
    let second = Trial::test("a second night of a matrix", second_night);
    Over::ENGINES.map(trial).into_iter().chain([second]).collect()
}

const PROJECT: &str = r#"
[package]
name = "small"
version = "0.0.0"
edition = "2021"

[workspace]
"#;

/// Bad only where musl is linked dynamically: the pairs must not be mixed up.
const TESTS: &str = r#"
#[test]
fn knows_its_linkage() {
    assert!(cfg!(not(target_env = "musl")) || cfg!(target_feature = "crt-static"));
}
"#;

const MATRIX: &str = r#"
[matrix]
baselines = ["debian-trixie-local"]
candidates = ["alpine-3.23-local", "nowhere", "alpine-3.23-local-dynamic"]

[environments.nowhere]
libc = "musl"
distro = "alpine"
release = "0"
builder = "libcmatrix/none:0"
runtime = "libcmatrix/none:0"
"#;

/// A folder with a project `small` in it, which has these tests and this configuration.
fn folder_with_project(tests: &str, matrix: &str) -> Result<TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    let small = folder.path().join("small");
    fs::create_dir_all(small.join("src"))?;
    for (name, content) in [
        ("Cargo.toml", PROJECT),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"small\"\nversion = \"0.0.0\"\n"),
        ("src/lib.rs", tests),
        ("libcmatrix.toml", matrix),
    ] {
        fs::write(small.join(name), content)?;
    }
    Ok(folder)
}

fn in_shards(over: Over<'_>) -> Result<(), Failed> {
    let folder = folder_with_project(TESTS, MATRIX)?;
    let at = |name: &str| folder.path().join(name);
    let project = at("small").to_string_lossy().into_owned();
    let mut complaints = Vec::new();
    for (shard, out, code) in [("1/2", "first", 10), ("2/2", "second", 11)] {
        let out = at(out).to_string_lossy().into_owned();
        let args = ["matrix", &project, "--no-doctests", "--shard", shard, "--out", &out];
        let ran = command::libcmatrix_over(over, args).output()?;
        check(&mut complaints, ran.status.code() == Some(code), || said(shard, &ran));
    }
    let [first, second, merged] =
        ["first", "second", "merged"].map(|name| at(name).to_string_lossy().into_owned());
    let ran = command::libcmatrix(["merge", &second, &first, "--out", &merged]).output()?;
    check(&mut complaints, ran.status.code() == Some(10), || said("merge", &ran));
    let matrix: Matrix = serde_json::from_slice(&fs::read(at("merged/matrix.json"))?)?;
    let told: Vec<String> = matrix.cells.iter().map(|cell| told(&cell.result)).collect();
    let expected = ["go", "failed, and why", "no-go"];
    check(&mut complaints, told == expected, || format!("{told:?}"));
    for cell in &matrix.cells {
        if let CellResult::Ran(run) = &cell.result {
            let report = Path::new(&merged).join(&run.folder).join("report.html");
            check(&mut complaints, report.is_file(), || {
                format!("{} is not there", report.display())
            });
        }
    }
    let page = fs::read_to_string(at("merged/matrix.html"))?;
    check(&mut complaints, page.contains("no-go") && page.contains("report.html"), || page.clone());
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

const NIGHTS: &str = r#"
[matrix]
baselines = ["debian-trixie-local"]
candidates = ["alpine-3.23-local", "alpine-3.23-local-dynamic"]
"#;

/// `STEADY`, `BREAKS` and `MENDED` stand for what is asserted.
const THREE_TESTS: &str = r#"
#[test]
fn steady() {
    assert!(cfg!(not(target_env = "musl")) || cfg!(target_feature = "crt-static"));
}

#[test]
fn breaks() {
    assert!(BREAKS);
}

#[test]
fn mended() {
    assert!(MENDED);
}
"#;

/// In the first night `mended` fails on musl, in the second one `breaks` does; `steady` fails in both, where
/// musl is linked dynamically, and is no news.
fn second_night() -> Result<(), Failed> {
    // Each night has tests of its own.
    let folder = folder_with_project("", NIGHTS)?;
    let at = |name: &str| folder.path().join(name);
    let path = |name: &str| at(name).to_string_lossy().into_owned();
    let mut complaints = Vec::new();
    let only_glibc = "cfg!(target_env = \"gnu\")";
    for (night, breaks, mended) in [("first", "true", only_glibc), ("second", only_glibc, "true")] {
        let tests = THREE_TESTS.replace("BREAKS", breaks).replace("MENDED", mended);
        fs::write(at("small/src/lib.rs"), tests)?;
        let args = ["matrix", &path("small"), "--no-doctests", "--out", &path(night)];
        let ran = command::libcmatrix_over(Over::Embedded, args).output()?;
        check(&mut complaints, ran.status.code() == Some(10), || said(night, &ran));
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    let compare = |earlier: &str, later: &str| {
        let args = ["compare", &path(earlier), &path(later), "--format", "json"];
        command::libcmatrix(args).output()
    };
    let again = compare("first", "first")?;
    check(&mut complaints, again.status.code() == Some(0), || said("first with itself", &again));
    let compared = compare("first", "second")?;
    check(&mut complaints, compared.status.code() == Some(10), || said("compare", &compared));
    let difference: MatrixDifference = serde_json::from_slice(&compared.stdout)?;
    check(&mut complaints, difference.pairs.len() == 2, || format!("{difference:?}"));
    for pair in &difference.pairs {
        let PairShows::Compared { difference } = &pair.shows else {
            complaints.push(format!("{pair:?}"));
            continue;
        };
        let told: Vec<(&str, TestDifferenceKind)> =
            difference.tests.iter().map(|test| (test.id.as_str(), test.kind)).collect();
        let expected = [
            ("small$breaks", TestDifferenceKind::Regressed),
            ("small$mended", TestDifferenceKind::Fixed),
        ];
        check(&mut complaints, told == expected, || format!("{}: {told:?}", pair.candidate));
        let still = u64::from(pair.candidate.ends_with("dynamic"));
        check(&mut complaints, difference.still_worse == still, || format!("{difference:?}"));
        check(&mut complaints, difference.worse.len() == 1, || format!("{:?}", difference.worse));
        check(&mut complaints, difference.cannot_tell.is_empty(), || {
            format!("{:?}", difference.cannot_tell)
        });
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

fn told(result: &CellResult) -> String {
    match result {
        CellResult::Ran(run) if run.verdict == VerdictOutcome::Go => "go".into(),
        CellResult::Ran(run) if run.verdict == VerdictOutcome::NoGo => "no-go".into(),
        CellResult::Ran(_) => "inconclusive".into(),
        CellResult::Failed { why, .. } if why.contains("libcmatrix/none:0") => {
            "failed, and why".into()
        }
        other => format!("{other:?}"),
    }
}

fn said(what: &str, output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    format!("{what}: {:?}\n{}", output.status.code(), String::from_utf8_lossy(&text))
}
