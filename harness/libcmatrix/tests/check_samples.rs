//! `check` over real sample projects without dependencies: what is found, and that nothing is
//! written into them.

use std::{fs, path::Path};

use libcmatrix::{
    hazards::{self, HazardReport},
    project::{inspect, resolved},
};
use libcmatrix_schema::{Confidence, ProjectKind};

fn check(folder: &Path) -> HazardReport {
    let shown = folder.display().to_string();
    let project = inspect(folder, ProjectKind::Directory, &shown).expect("a project");
    let resolved = resolved::resolve(&project).expect("dependencies");
    let name = project.project.name;
    hazards::find(&resolved, &name, &mut |_| {}).expect("a report")
}

fn sample(name: &str) -> HazardReport {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-projects").join(name))
}

/// Code, confidence, file and line of each hazard.
fn shown(report: &HazardReport) -> Vec<(&str, Confidence, &str, Option<u64>)> {
    let place = |h: &'_ hazards::Hazard| h.line;
    report
        .hazards
        .iter()
        .map(|h| (&*h.code, h.confidence, h.file.as_deref().unwrap_or(""), place(h)))
        .collect()
}

#[test]
fn a_symbol_that_only_glibc_has() {
    let report = sample("glibc-only-symbol");
    let expected = ("reloc-glibc-symbol", Confidence::Likely, "tests/version.rs", Some(5));
    assert_eq!(shown(&report), [expected]);
}

#[test]
fn tests_that_run_bash() {
    let report = sample("shell-needs-bash");
    let expected = [
        ("no-bash", Confidence::Likely, "tests/scripts.rs", Some(20)),
        ("no-bash", Confidence::Likely, "tests/scripts/words.bash", Some(1)),
    ];
    assert_eq!(shown(&report), expected);
}

#[test]
fn projects_without_hazards() {
    for name in ["all-green", "missing-tool", "strerror-text"] {
        assert_eq!(shown(&sample(name)), [], "{name}");
    }
}

/// Without a lockfile cargo would make one; it makes it elsewhere.
#[test]
fn nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("p");
    for (file, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"p\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\nmembers = [\"in/m\"]\n",
        ),
        ("src/lib.rs", "#[cfg(windows)] mod w;\n"),
        ("in/m/Cargo.toml", "[package]\nname = \"m\"\nversion = \"1.0.0\"\n"),
        (
            "in/m/src/lib.rs",
            "extern \"C\" { fn mallinfo2(); }\npub fn f() { unsafe { mallinfo2() } }\n",
        ),
        ("in/m/c/a.c", "#include <fts.h>\n"),
        (
            ".cargo/config.toml",
            "[build]\nrustc = \"/nowhere/evil\"\n[target.x86_64-unknown-linux-musl]\nlinker = \"musl-gcc\"\n",
        ),
    ] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let files = || walkdir::WalkDir::new(&root).into_iter().count();
    let before = files();
    let report = check(&root);
    assert_eq!(files(), before);
    let expected = [
        ("rust-cdylib-crt-static", Confidence::Proven, "src/lib.rs", None),
        ("malloc-introspection", Confidence::Likely, "in/m/src/lib.rs", Some(1)),
        ("rust-static-pie-musl-gcc", Confidence::Likely, ".cargo/config.toml", Some(4)),
        ("missing-header-gnu", Confidence::Possible, "in/m/c/a.c", Some(1)),
    ];
    assert_eq!(shown(&report), expected);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}
