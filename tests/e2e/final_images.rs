//! The images that a project would be shipped in: what is told of them is held against Docker, dpkg and
//! apk themselves.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use libcmatrix_schema::{
    AsInit, FinalImage, Flavour, RuleStatus, RunRecord, Smoke, StepName, StepStatus,
};
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
    let own = [
        Trial::test("a Dockerfile of one's own is built and measured", own_dockerfiles),
        Trial::test(
            "a Dockerfile that does not build is an error that says why",
            broken_dockerfile,
        ),
    ];
    Over::ENGINES.map(trials).into_iter().flatten().chain(own).collect()
}

const OWN_DEBIAN: &str = r#"
FROM libcmatrix/debian-builder:trixie AS build
COPY . /src
RUN cargo build --release --offline --manifest-path /src/Cargo.toml
FROM libcmatrix/debian:trixie
COPY --from=build /src/target/release/ships-programs /opt/own/
ENV PATH="/opt/own:$PATH"
CMD ["ships-programs"]
"#;

const OWN_ALPINE: &str = r#"
FROM libcmatrix/debian-builder:trixie AS build
COPY . /src
RUN test ! -e /src/secret
RUN cargo build --release --offline --manifest-path /src/Cargo.toml --target x86_64-unknown-linux-musl
FROM libcmatrix/alpine:3.23
COPY --from=build /src/target/x86_64-unknown-linux-musl/release/ships-programs /opt/own/
ENTRYPOINT ["/opt/own/ships-programs"]
"#;

/// A copy of the sample, with Dockerfiles.
fn with_dockerfiles(debian: &str, alpine: &str) -> Result<tempfile::TempDir, Failed> {
    let project = tempfile::tempdir()?;
    let sample = command::root().join("sample-projects/ships-programs");
    let copied = Command::new("cp").arg("-r").arg(sample).arg(project.path().join("p")).status()?;
    if !copied.success() {
        return Err("the sample cannot be copied".into());
    }
    for (name, content) in [
        ("debian.Dockerfile", debian),
        ("alpine.Dockerfile", alpine),
        (".dockerignore", "secret\n"),
        ("secret", "x"),
    ] {
        fs::write(project.path().join("p").join(name), content)?;
    }
    Ok(project)
}

fn run_own(over: Over<'_>, project: &Path) -> Result<command::Ran, Failed> {
    let project = project.join("p");
    let side = |side: &str, name: &str| format!("{side}={}", project.join(name).display());
    let baseline = side("baseline", "debian.Dockerfile");
    let candidate = side("candidate", "alpine.Dockerfile");
    let project = project.to_string_lossy();
    let args =
        [project.as_ref(), "--no-doctests", "--dockerfile", &baseline, "--dockerfile", &candidate];
    let pair = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];
    command::run_over(over, [&args[..], &pair].concat())
}

fn own_dockerfiles() -> Result<(), Failed> {
    let project = with_dockerfiles(OWN_DEBIAN, OWN_ALPINE)?;
    let ran = run_own(Over::Docker, project.path())?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    for (leg, name) in [(0, "debian.Dockerfile"), (1, "alpine.Dockerfile")] {
        let image = image(&record, leg, Flavour::Own)?;
        let named = image.dockerfile.as_deref();
        check(&mut complaints, named == Some(name), || format!("{name}: it is {named:?}"));
        let programs = ["/opt/own/ships-programs"];
        check(&mut complaints, image.programs == programs, || {
            format!("{name}: {:?}", image.programs)
        });
        check(&mut complaints, image.smoke == Smoke::Ended { exit_code: 0 }, || {
            format!("{name}: {:?}", image.smoke)
        });
        check(&mut complaints, image.sizes().unpacked == image.engine_bytes, || {
            format!("{name}: {} bytes, Docker says {}", image.sizes().unpacked, image.engine_bytes)
        });
        let of_project: Vec<bool> = image.layers.iter().map(|layer| layer.of_project).collect();
        check(&mut complaints, of_project == [false, true], || format!("{name}: {of_project:?}"));
    }
    let packages = image(&record, 0, Flavour::Own)?.needs.found.len();
    check(&mut complaints, packages >= 3, || {
        "the loader and libraries of Debian's are lacking".into()
    });
    let shown = ran.stdout();
    check(&mut complaints, shown.contains("alpine.Dockerfile"), || "it is not shown".into());
    nothing_left(Over::Docker, &record.run_id, &mut complaints)?;
    ran.judge(&complaints)
}

fn broken_dockerfile() -> Result<(), Failed> {
    let project =
        with_dockerfiles("FROM libcmatrix/debian:trixie\nRUN echo a-reason; exit 7\n", OWN_ALPINE)?;
    let ran = run_own(Over::Docker, project.path())?;
    let mut complaints = Vec::new();
    let said = ran.stderr();
    for words in ["debian.Dockerfile", "does not build", "a-reason", "code: 7", "hint:"] {
        check(&mut complaints, said.contains(words), || format!("it lacks {words:?}: {said}"));
    }
    check(&mut complaints, ran.code() == Some(3), || format!("exit code {:?}", ran.code()));
    let record = ran.record()?;
    let step = record.legs[0].step(StepName::Image).map(|step| step.status);
    check(&mut complaints, step == Some(StepStatus::EngineFault), || format!("{step:?}"));
    image(&record, 1, Flavour::Own)?;
    nothing_left(Over::Docker, &record.run_id, &mut complaints)?;
    ran.judge(&complaints)?;
    let ran = run_own(Over::Embedded, project.path())?;
    let mut complaints = Vec::new();
    check(&mut complaints, ran.code() == Some(2), || format!("exit code {:?}", ran.code()));
    let said = ran.stderr();
    check(&mut complaints, said.contains("--engine docker"), || format!("no hint: {said}"));
    ran.judge(&complaints)
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
