//! The Dockerfile of an image that a run has made. Pure: takes the record; gives text.
//!
//! It has two stages: one that compiles, one that is shipped. Commands are written in the form that no
//! shell reads, so that nothing in them has to be quoted.

use std::fmt::Write;

use libcmatrix_schema::{
    AsInit, Environment, FinalImage, Flavour, Image, Leg, Linkage, Role, RunRecord,
};
use serde_json::json;

use super::{chosen_image::chosen_image, sanitise::sanitise_line};
use crate::{
    environment::linkage_flags,
    failure::{Failure, Result},
    final_image::{FOLDER, USER},
    project::native_packages,
};

/// Notes of what the run did otherwise than the project has it.
const TOLD: [&str; 2] = ["config-neutralised", "lockfile-made"];

/// What installs packages in an image.
#[derive(Clone, Copy, PartialEq)]
enum Manager {
    Apt,
    Apk,
}

impl Manager {
    /// The one that an image was seen to have.
    fn of(image: &FinalImage) -> Option<Self> {
        let has = |program: &str| {
            let mut all = image.contents.package_managers.iter();
            all.any(|path| path.rsplit('/').next() == Some(program))
        };
        match (has("apk"), has("apt-get")) {
            (true, _) => Some(Self::Apk),
            (_, true) => Some(Self::Apt),
            _ => None,
        }
    }
}

/// Writes the Dockerfile for one side; with `empty`, of the image that has nothing but the programs.
///
/// # Errors
/// The run has made no such image.
pub fn render(record: &RunRecord, side: Role, empty: bool) -> Result<String> {
    let (leg, image) = chosen_image(record, side, empty)?;
    if let Some(own) = &image.dockerfile {
        return Err(Failure::usage(format!("{} has its own Dockerfile: {own}", leg.name))
            .because("the image that was measured was built from it")
            .hint("for one that libcmatrix writes, run with --images and without --dockerfile"));
    }
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Written by libcmatrix: {} on {}, as it was made and measured.",
        sanitise_line(&record.project.name),
        sanitise_line(&leg.name)
    );
    stage_that_compiles(&mut out, record, leg, image)?;
    stage_that_is_shipped(&mut out, record, leg, image)?;
    Ok(out)
}

fn stage_that_compiles(
    out: &mut String,
    record: &RunRecord,
    leg: &Leg,
    image: &FinalImage,
) -> Result<()> {
    let environment = &leg.environment;
    from(out, environment.images.iter().find(|image| image.purpose == "builder"), Some("build"))?;
    variables(out, environment);
    let toolchain = environment.toolchain.as_ref();
    let host = toolchain.map(|toolchain| toolchain.host.as_str()).unwrap_or_default();
    let manager = if host.contains("musl") { Manager::Apk } else { Manager::Apt };
    let packages = build_packages(record, leg, manager);
    install(out, manager, &packages, Some(".build-dependencies"));
    let _ = writeln!(out, "# Of the workspace's root; keep target/ out of it by a .dockerignore.");
    let _ = writeln!(out, "WORKDIR /src\nCOPY . .");
    // As in the run: the compiler is the environment's, whatever the project pins.
    let _ = writeln!(out, "RUN {}", json!(["rm", "-f", "rust-toolchain.toml", "rust-toolchain"]));
    for note in record.notes.iter().filter(|note| TOLD.contains(&note.code.as_str())) {
        let _ = writeln!(out, "# Not so in the run: {}", sanitise_line(&note.text));
    }
    if let [package] = record.project.packages.as_slice()
        && !package.path.is_empty()
    {
        let _ = writeln!(out, "WORKDIR {}", json!(format!("/src/{}", package.path)));
    }
    let mut argv: Vec<String> = ["cargo", "build", "--bins", "--locked"].map(str::to_owned).into();
    let has_profile =
        record.settings.cargo_args.iter().any(|arg| arg == "--release" || arg == "--profile");
    if !has_profile {
        argv.push("--release".into());
    }
    argv.extend(["--target-dir".into(), "/target".into()]);
    if let Some(toolchain) = toolchain {
        argv.extend(["--target".into(), toolchain.target.clone()]);
    }
    let flags = linkage_flags(environment.libc, environment.linkage);
    if !flags.is_empty() {
        argv.extend(["--config".into(), format!("build.rustflags={}", json!(flags))]);
    }
    argv.extend(record.settings.cargo_args.iter().cloned());
    let _ = writeln!(out, "RUN {}", json!(argv));
    if manager == Manager::Apk && !packages.is_empty() {
        let _ = writeln!(out, "RUN {}", json!(["apk", "del", ".build-dependencies"]));
    }
    let profile = if has_profile { record.settings.profile.as_str() } else { "release" };
    let target = toolchain.map(|toolchain| format!("{}/", toolchain.target)).unwrap_or_default();
    let mut argv = vec!["install".to_owned(), "-D".into(), "-t".into(), "/programs".into()];
    let names = image.programs.iter().filter_map(|path| path.rsplit('/').next());
    argv.extend(names.map(|name| format!("/target/{target}{profile}/{name}")));
    let _ = writeln!(out, "RUN {}", json!(argv));
    Ok(())
}

/// The packages that the project's native dependencies need to be built.
fn build_packages(record: &RunRecord, leg: &Leg, manager: Manager) -> Vec<String> {
    let mut all = Vec::new();
    let natives = record.project.packages.iter().flat_map(|package| &package.native);
    for native in natives {
        // `package: library`
        let name = native.split([':', ' ', '@']).next().unwrap_or(native);
        let Some(known) = native_packages::for_crate(name) else { continue };
        match manager {
            Manager::Apt => all.extend(known.debian.iter().cloned()),
            Manager::Apk => {
                all.extend(known.alpine.iter().cloned());
                if leg.environment.linkage == Linkage::Static {
                    all.extend(known.alpine_static.iter().cloned());
                }
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn stage_that_is_shipped(
    out: &mut String,
    record: &RunRecord,
    leg: &Leg,
    image: &FinalImage,
) -> Result<()> {
    let _ = writeln!(out);
    let wants_init = wants_init(record);
    let mut init = None;
    let manager = match image.flavour {
        Flavour::Empty => {
            let _ = writeln!(out, "FROM scratch");
            None
        }
        Flavour::Own | Flavour::Runtime => {
            let images = &leg.environment.images;
            from(out, images.iter().find(|image| image.purpose == "runtime"), None)?;
            Manager::of(image)
        }
    };
    for name in &image.needs.missing {
        let _ = writeln!(out, "# It lacks {}.", sanitise_line(name));
    }
    match manager {
        Some(manager) => {
            let mut packages = runtime_packages(image, manager);
            if wants_init {
                packages.push("tini".into());
                init = Some(if manager == Manager::Apk { "/sbin/tini" } else { "/usr/bin/tini" });
            }
            install(out, manager, &packages, None);
        }
        None if wants_init => {
            let _ = writeln!(out, "# Its program is no init, and wants one: docker run --init");
        }
        None => {}
    }
    let _ = writeln!(out, "COPY --from=build /programs/ /{FOLDER}/");
    variables(out, &leg.environment);
    let _ = writeln!(out, "USER {USER}");
    let mut entrypoint: Vec<&str> = init.into_iter().flat_map(|init| [init, "--"]).collect();
    entrypoint.extend(image.programs.first().map(String::as_str));
    let _ = writeln!(out, "ENTRYPOINT {}", json!(entrypoint));
    Ok(())
}

/// The configuration's variables, which the run had as well.
fn variables(out: &mut String, environment: &Environment) {
    for (name, value) in &environment.env {
        let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || value.contains(char::is_control) {
            let _ = writeln!(out, "# Not written: the variable {}", sanitise_line(name));
            continue;
        }
        // What Docker would replace or end the value at is quoted (Dockerfile reference, "ENV").
        let mut quoted = String::new();
        for c in sanitise_line(value).chars() {
            if matches!(c, '\\' | '"' | '$') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        let _ = writeln!(out, "ENV {name}=\"{quoted}\"");
    }
}

/// Whether the program needs an init before it, which ends on SIGTERM and waits for orphans: it was seen
/// not to do so itself, or may start others, on any side where that can be told.
fn wants_init(record: &RunRecord) -> bool {
    let mut images = record.legs.iter().flat_map(|leg| &leg.final_images);
    images.any(|image| {
        let fails = |seen: &AsInit| {
            !seen.stops || seen.unreaped.as_ref().is_some_and(|names| !names.is_empty())
        };
        image.starts_children == Some(true) || image.as_init.as_ref().is_some_and(fails)
    })
}

/// What apk installs for the libraries that the image lacks: it knows packages by their libraries. apt
/// does not.
fn runtime_packages(image: &FinalImage, manager: Manager) -> Vec<String> {
    let is_plain = |name: &&String| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'))
    };
    match manager {
        Manager::Apk => {
            image.needs.missing.iter().filter(is_plain).map(|name| format!("so:{name}")).collect()
        }
        Manager::Apt => Vec::new(),
    }
}

/// `FROM`, by digest where a registry has the image.
fn from(out: &mut String, image: Option<&Image>, stage: Option<&str>) -> Result<()> {
    let image = image.ok_or_else(|| Failure::usage("the record does not name the leg's images"))?;
    let stage = stage.map(|name| format!(" AS {name}")).unwrap_or_default();
    let reference = sanitise_line(&image.reference);
    let digest = sanitise_line(&image.digest);
    if image.from_registry {
        let name = reference.split('@').next().unwrap_or_default();
        let _ = writeln!(out, "FROM {name}@{digest}{stage}");
    } else {
        let _ = writeln!(out, "# From no registry, as far as is known: {digest}");
        let _ = writeln!(out, "FROM {reference}{stage}");
    }
    Ok(())
}

fn install(out: &mut String, manager: Manager, packages: &[String], together: Option<&str>) {
    if packages.is_empty() {
        return;
    }
    let names = packages.join(" ");
    let _ = match (manager, together) {
        (Manager::Apk, Some(name)) => {
            writeln!(out, "RUN apk add --no-cache --virtual {name} {names}")
        }
        (Manager::Apk, None) => writeln!(out, "RUN apk add --no-cache {names}"),
        (Manager::Apt, _) => writeln!(
            out,
            "RUN apt-get update \\\n && apt-get install --yes --no-install-recommends {names} \\\n \
             && rm -rf /var/lib/apt/lists/*"
        ),
    };
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use libcmatrix_schema::NeededLibrary;

    use super::*;

    fn record() -> RunRecord {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
        let text = fs::read_to_string(folder.join("program-crashes.json")).expect("a record");
        serde_json::from_str(&text).expect("a record that is understood")
    }

    /// The images of a registry, a native library, a program that starts others.
    fn of_a_registry() -> RunRecord {
        let mut record = record();
        record.project.packages[0].native = vec!["openssl-sys: openssl".into()];
        for (leg, (builder, runtime)) in record
            .legs
            .iter_mut()
            .zip([("rust:1-bookworm", "debian:bookworm-slim"), ("rust:1-alpine", "alpine:3.23")])
        {
            for image in &mut leg.environment.images {
                let is_builder = image.purpose == "builder";
                image.reference = if is_builder { builder } else { runtime }.into();
                image.from_registry = true;
                image.digest = format!("sha256:{}", if is_builder { "1" } else { "2" }.repeat(64));
            }
        }
        record.legs[0].final_images[0].starts_children = Some(true);
        let alpine = &mut record.legs[1];
        alpine.environment.linkage = Linkage::Dynamic;
        if let Some(toolchain) = &mut alpine.environment.toolchain {
            toolchain.host = "x86_64-alpine-linux-musl".into();
        }
        alpine.final_images[0].needs.found =
            vec![NeededLibrary { name: "libc.so".into(), package: None }];
        alpine.final_images[0].needs.missing = vec!["libz.so.1".into()];
        record
    }

    #[test]
    fn images_made_here() {
        insta::assert_snapshot!(render(&record(), Role::Candidate, false).expect("a Dockerfile"));
    }

    #[test]
    fn a_registrys_debian() {
        let text = render(&of_a_registry(), Role::Baseline, false).expect("a Dockerfile");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_registrys_alpine() {
        let text = render(&of_a_registry(), Role::Candidate, false).expect("a Dockerfile");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn nothing_but_programs() {
        insta::assert_snapshot!(render(&record(), Role::Candidate, true).expect("a Dockerfile"));
    }

    #[test]
    fn variables_reach_both_stages_as_they_are() {
        let mut record = record();
        let environment = &mut record.legs[1].environment;
        for (name, value) in [("TZ", "UTC"), ("ODD", "a \\ \" $HOME"), ("A B", "c"), ("NL", "a\nb")]
        {
            environment.env.insert(name.into(), value.into());
        }
        let text = render(&record, Role::Candidate, false).expect("a Dockerfile");
        assert_eq!(text.matches("ENV TZ=\"UTC\"\n").count(), 2, "{text}");
        assert_eq!(text.matches("ENV ODD=\"a \\\\ \\\" \\$HOME\"\n").count(), 2, "{text}");
        assert_eq!(text.matches("ENV ").count(), 4, "{text}");
        assert_eq!(text.matches("# Not written: the variable ").count(), 4, "{text}");
    }

    #[test]
    fn what_was_not_made_is_not_written() {
        let mut record = record();
        let refused = |record: &RunRecord, side, empty| {
            render(record, side, empty).expect_err("refused").hint.unwrap_or_default()
        };
        assert!(refused(&record, Role::Baseline, true).contains("--empty"));
        record.legs[1].final_images.clear();
        assert!(refused(&record, Role::Candidate, false).contains("log"));
        record.settings.images = false;
        assert!(refused(&record, Role::Candidate, false).contains("--images"));
    }
}
