//! The images that a project would be shipped in: what is told of them is held against Docker, dpkg and
//! apk themselves.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use libcmatrix_schema::{AsInit, FinalImage, Flavour, RuleStatus, RunRecord, Smoke};
use libtest_mimic::{Failed, Trial};

use crate::command::{self, Over, check};

const DEBIAN: &str = "libcmatrix/debian:trixie";
const ALPINE: &str = "libcmatrix/alpine:3.23";

pub fn trials() -> Vec<Trial> {
    let trials = |over: Over<'static>| {
        let engine = over.engine();
        [
            Trial::test(format!("final images are made and measured on {engine}"), move || {
                are_measured(over)
            }),
            Trial::test(
                format!("a program without its loader does not start on {engine}"),
                move || without_loader(over),
            ),
            Trial::test(format!("a first process is put to the test on {engine}"), move || {
                as_first_process(over)
            }),
        ]
    };
    Over::ENGINES.map(trials).into_iter().flatten().collect()
}

/// A program for glibc in an image that has only musl.
const GLIBC_IN_ALPINE: &str = r#"
[environments.glibc-in-alpine]
libc = "glibc"
distro = "alpine"
release = "3.23"
builder = "libcmatrix/debian-builder:trixie"
runtime = "libcmatrix/alpine:3.23"
"#;

const WITHOUT_TESTS: &str = r#"
[package]
name = "loaded"
version = "0.0.0"
edition = "2021"

[[bin]]
name = "loaded"
path = "src/main.rs"
test = false

[workspace]
"#;

fn without_loader(over: Over<'_>) -> Result<(), Failed> {
    // It has no tests, which could not be started there either.
    let project = tempfile::tempdir()?;
    fs::create_dir(project.path().join("src"))?;
    for (name, content) in [
        ("Cargo.toml", WITHOUT_TESTS),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"loaded\"\nversion = \"0.0.0\"\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("libcmatrix.toml", GLIBC_IN_ALPINE),
    ] {
        fs::write(project.path().join(name), content)?;
    }
    let project = project.path().to_string_lossy();
    let pair = ["--baseline", "debian-trixie-local", "--candidate", "glibc-in-alpine"];
    let args = [project.as_ref(), "--images", "--no-doctests"];
    let ran = command::run_over(over, [&args[..], &pair].concat())?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    let image = image(&record, 1, Flavour::Runtime)?;
    let is_refused = matches!(image.smoke, Smoke::DidNotStart { .. });
    check(&mut complaints, is_refused, || format!("it starts: {:?}", image.smoke));
    let lacks = image.needs.missing.iter().any(|name| name.contains("/ld-linux"));
    check(&mut complaints, lacks, || format!("it lacks {:?}", image.needs.missing));
    let rules = record.verdict.iter().flat_map(|verdict| &verdict.rules);
    let failed = rules.filter(|rule| rule.status == RuleStatus::Fail).map(|rule| rule.id.as_str());
    let failed: Vec<&str> = failed.collect();
    check(&mut complaints, failed.contains(&"max-images-not-starting"), || format!("{failed:?}"));
    nothing_left(over, &record.run_id, &mut complaints)?;
    ran.judge(&complaints)
}

/// Becomes a shell that ends on SIGTERM and waits for its children.
const AN_INIT: &str = r#"
use std::os::unix::process::CommandExt;

fn main() {
    let script = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
    panic!("{}", std::process::Command::new("/bin/sh").args(["-c", script]).exec());
}
"#;

fn as_first_process(over: Over<'_>) -> Result<(), Failed> {
    let mut complaints = Vec::new();
    let pair = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];
    let project = command::root().join("sample-projects/forgets-its-children");
    let project = project.to_string_lossy();
    let args = [project.as_ref(), "--images", "--no-doctests"];
    let ran = command::run_over(over, [&args[..], &pair].concat())?;
    let record = ran.record()?;
    // There is no shell on nothing, so no child.
    for (leg, flavour, children) in [
        (0, Flavour::Runtime, vec!["sh".to_owned()]),
        (1, Flavour::Runtime, vec!["sh".to_owned()]),
        (1, Flavour::Empty, Vec::new()),
    ] {
        let seen = &image(&record, leg, flavour)?.as_init;
        let expected = Some(AsInit { stops: false, unreaped: Some(children) });
        check(&mut complaints, *seen == expected, || format!("{leg} {flavour:?}: {seen:?}"));
    }
    nothing_left(over, &record.run_id, &mut complaints)?;
    ran.judge(&complaints)?;

    let project = tempfile::tempdir()?;
    fs::create_dir(project.path().join("src"))?;
    for (name, content) in [
        ("Cargo.toml", WITHOUT_TESTS),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"loaded\"\nversion = \"0.0.0\"\n"),
        ("src/main.rs", AN_INIT),
    ] {
        fs::write(project.path().join(name), content)?;
    }
    let project = project.path().to_string_lossy();
    let args = [project.as_ref(), "--images", "--no-doctests"];
    let ran = command::run_over(over, [&args[..], &pair].concat())?;
    let record = ran.record()?;
    for leg in [0, 1] {
        let seen = &image(&record, leg, Flavour::Runtime)?.as_init;
        let expected = Some(AsInit { stops: true, unreaped: Some(Vec::new()) });
        check(&mut complaints, *seen == expected, || format!("{leg}: {seen:?}"));
    }
    let findings = record.findings.iter().map(|finding| finding.code.as_str());
    let findings: Vec<&str> = findings.collect();
    check(&mut complaints, findings.is_empty(), || format!("{findings:?}"));
    ran.judge(&complaints)
}

fn are_measured(over: Over<'_>) -> Result<(), Failed> {
    let project = command::root().join("sample-projects/ships-programs");
    let project = project.to_string_lossy();
    let pair = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];
    let ran = command::run_over(
        over,
        [&[project.as_ref(), "--images", "--no-doctests"][..], &pair].concat(),
    )?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    let is_local = over.engine() == "docker";
    for (leg, flavour, base, query) in [
        (0, Flavour::Runtime, Some(DEBIAN), Some("dpkg-query --show --showformat '${Package}\\n'")),
        (1, Flavour::Runtime, Some(ALPINE), Some("apk info --quiet")),
        (1, Flavour::Empty, None, None),
    ] {
        let image = image(&record, leg, flavour)?;
        judge(image, base, &mut complaints);
        if let (true, Some(base), Some(query)) = (is_local, base, query) {
            // Docker counts the layers itself.
            check(&mut complaints, image.sizes().unpacked == image.engine_bytes, || {
                format!(
                    "{base}: {} bytes, Docker says {}",
                    image.sizes().unpacked,
                    image.engine_bytes
                )
            });
            packages(image, base, query, &mut complaints)?;
            compressed(image, base, &mut complaints)?;
        }
    }
    let needed = |leg, flavour| -> Result<BTreeSet<String>, Failed> {
        let found = &image(&record, leg, flavour)?.needs.found;
        Ok(found.iter().filter_map(|library| library.package.clone()).collect())
    };
    let debian = needed(0, Flavour::Runtime)?;
    let expected: BTreeSet<String> = ["libc6", "libgcc-s1"].map(str::to_owned).into();
    check(&mut complaints, debian == expected, || format!("on Debian it needs {debian:?}"));
    let alpine = needed(1, Flavour::Runtime)?;
    check(&mut complaints, alpine.is_empty(), || format!("static programs need {alpine:?}"));
    if is_local {
        for (side, empty) in [("baseline", false), ("candidate", false), ("candidate", true)] {
            dockerfile(&ran.file(""), side, empty, &mut complaints)?;
        }
    }
    let shown = ran.stdout();
    check(&mut complaints, shown.contains("setuid files"), || "the report has no images".into());
    nothing_left(over, &record.run_id, &mut complaints)?;
    ran.judge(&complaints)
}

fn image(record: &RunRecord, leg: usize, flavour: Flavour) -> Result<&FinalImage, Failed> {
    let leg = record.legs.get(leg).ok_or("there is no such leg")?;
    let image = leg.final_images.iter().find(|image| image.flavour == flavour);
    image.ok_or_else(|| format!("{} has no image on {flavour:?}", leg.name).into())
}

fn judge(image: &FinalImage, base: Option<&str>, complaints: &mut Vec<String>) {
    let place = base.unwrap_or("nothing");
    check(complaints, image.base.as_deref() == base, || format!("{place}: {:?}", image.base));
    // The package's own program first, whatever the alphabet says.
    let programs = ["/usr/local/bin/ships-programs", "/usr/local/bin/a-server"];
    check(complaints, image.programs == programs, || format!("{place}: {:?}", image.programs));
    check(complaints, image.smoke == Smoke::Ended { exit_code: 0 }, || {
        format!("{place}: {:?}", image.smoke)
    });
    let sizes = image.sizes();
    let smaller = |bytes: u64| 0 < bytes && bytes < sizes.unpacked;
    check(complaints, smaller(sizes.gzip) && smaller(sizes.zstd), || format!("{place}: {sizes:?}"));
}

/// The package manager of the base says the same.
fn packages(
    image: &FinalImage,
    base: &str,
    query: &str,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    let said = command::docker(&["run", "--rm", base, "sh", "-c", query])?;
    let said: BTreeSet<&str> =
        said.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    let told: BTreeSet<&str> = image.contents.packages.iter().map(|p| p.name.as_str()).collect();
    check(complaints, said == told, || {
        let differing: Vec<_> = said.symmetric_difference(&told).collect();
        format!("{base}: packages that only one of the two names: {differing:?}")
    });
    Ok(())
}

/// `docker save | gzip` packs the same layers, by another implementation and with some headers around.
fn compressed(image: &FinalImage, base: &str, complaints: &mut Vec<String>) -> Result<(), Failed> {
    let save = format!("docker save {base} | gzip --stdout | wc --bytes");
    let output = Command::new("sh").args(["-c", &save]).output()?;
    let said: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    let layers = image.layers.iter().filter(|layer| !layer.of_project);
    let told: u64 = layers.map(|layer| layer.bytes.gzip).sum();
    // One in fifty.
    check(complaints, told.abs_diff(said) * 50 < said, || {
        format!("{base}: {told} bytes by gzip, docker save | gzip has {said}")
    });
    Ok(())
}

/// What Docker builds from the Dockerfile runs.
fn dockerfile(
    folder: &Path,
    side: &str,
    empty: bool,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    let folder = folder.to_string_lossy();
    let mut args = vec!["dockerfile", folder.as_ref(), "--side", side];
    args.extend(empty.then_some("--empty"));
    let written = command::libcmatrix(args).output()?;
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("Dockerfile");
    fs::write(&file, &written.stdout)?;
    let (file, project) =
        (file.to_string_lossy(), command::root().join("sample-projects/ships-programs"));
    let project = project.to_string_lossy();
    let tag = format!("libcmatrix-trial:{side}-{}", std::process::id());
    // The stage that compiles has a name as well, so that it can be removed.
    let stage = format!("{tag}-build");
    command::docker(&["build", "--target", "build", "--tag", &stage, "--file", &file, &project])?;
    command::docker(&["build", "--tag", &tag, "--file", &file, &project])?;
    let said = command::docker(&["run", "--rm", "--network", "none", &tag]);
    let user = command::docker(&["inspect", "--format", "{{.Config.User}}", &tag]);
    command::docker(&["rmi", &tag, &stage])?;
    check(complaints, said?.trim() == "hello, world", || {
        format!(
            "what {side}'s Dockerfile makes does not greet: {}",
            String::from_utf8_lossy(&written.stdout)
        )
    });
    check(complaints, user?.trim() == "65534:65534", || format!("{side}'s image runs as root"));
    Ok(())
}

fn nothing_left(over: Over<'_>, run_id: &str, complaints: &mut Vec<String>) -> Result<(), Failed> {
    let left = match over.engine() {
        "docker" => command::docker(&["images", "--all"])?,
        _ => {
            let output = command::libcmatrix_over(over, ["images", "list"]).output()?;
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
    };
    check(complaints, !left.contains(run_id), || format!("an image was left behind: {left}"));
    Ok(())
}
