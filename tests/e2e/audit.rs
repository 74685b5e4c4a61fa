//! Objects that come prebuilt for glibc are seen before anything loads or links them, on each engine.

use std::{fs, path::Path, process::Command};

use libcmatrix_schema::{Artifact, Leg, Libc, Linkage};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, Over, check};

pub fn trials() -> Vec<Trial> {
    let trial = |over: Over<'static>| {
        let name = format!("prebuilt objects are read on {}", over.engine());
        Trial::test(name, move || prebuilt(over))
    };
    Over::ENGINES.map(trial).into()
}

/// A function of the C library that only glibc has, as a program, a library and an object call it.
const SOURCE: &str = "const char *gnu_get_libc_version(void);
char v(void) { return *gnu_get_libc_version(); }
int main(void) { return v() == 0; }
";

fn prebuilt(over: Over<'_>) -> Result<(), Failed> {
    let project = TempDir::with_prefix("libcmatrix-prebuilt-")?;
    for (name, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"carrier\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n",
        ),
        ("src/lib.rs", "#[test]\nfn passes() {}\n"),
        ("src/main.rs", "fn main() {}\n"),
        // Only for an integration test are programs built as such.
        ("tests/starts.rs", "#[test]\nfn starts() {}\n"),
    ] {
        let path = project.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        fs::write(path, text)?;
    }
    let objects = [("v", &[][..]), ("libv.so", &["-shared", "-fPIC"]), ("v.o", &["-c"])];
    for (name, args) in objects {
        compile(project.path(), name, args)?;
    }
    let arguments =
        ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local", "--no-doctests"];
    let project = project.path().display().to_string();
    let ran = command::run_over(over, [&[project.as_str()][..], &arguments].concat())?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    check(&mut complaints, record.legs.len() == 2, || "there are not two legs".into());
    for leg in &record.legs {
        judge(leg, &mut complaints);
    }
    ran.judge(&complaints)
}

fn compile(project: &Path, name: &str, args: &[&str]) -> Result<(), Failed> {
    let folder = project.join("vendor");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("v.c"), SOURCE)?;
    let status =
        Command::new("cc").current_dir(&folder).args(["v.c", "-o", name]).args(args).status()?;
    if status.success() { Ok(()) } else { Err("cc fails".into()) }
}

fn judge(leg: &Leg, complaints: &mut Vec<String>) {
    let is_musl = leg.environment.libc == Libc::Musl;
    let missing: &[&str] = if is_musl { &["gnu_get_libc_version"] } else { &[] };
    for name in ["vendor/v", "vendor/libv.so", "vendor/v.o"] {
        let Some(Artifact { elf: Some(elf), prebuilt: true, .. }) = find(leg, name) else {
            complaints.push(format!("{}: {name} is not told as prebuilt", leg.name));
            continue;
        };
        check(complaints, elf.missing_symbols == missing, || {
            format!("{}: {name} misses {:?}", leg.name, elf.missing_symbols)
        });
        check(complaints, elf.missing_libraries.is_empty(), || {
            format!("{}: {name} misses {:?}", leg.name, elf.missing_libraries)
        });
        check(complaints, elf.interpreter_missing == (is_musl && name == "vendor/v"), || {
            format!("{}: the loader of {name} is judged wrongly", leg.name)
        });
    }
    let own = |binary: Option<&str>| {
        leg.artifacts.iter().find(|a| a.binary.as_deref() == binary && !a.prebuilt)
    };
    let linkage = Some(if is_musl { Linkage::Static } else { Linkage::Dynamic });
    for binary in [None, Some("carrier"), Some("carrier::bin/carrier")] {
        let is_right = own(binary).is_some_and(|a| {
            let misses =
                a.elf.as_ref().map(|e| e.missing_symbols.len() + e.missing_libraries.len());
            a.linkage == linkage && misses == Some(0)
        });
        check(complaints, is_right, || format!("{}: {binary:?} is judged wrongly", leg.name));
    }
}

fn find<'a>(leg: &'a Leg, path: &str) -> Option<&'a Artifact> {
    leg.artifacts.iter().find(|a| a.path == path)
}
