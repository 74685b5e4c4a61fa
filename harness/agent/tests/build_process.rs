//! Processes of a build, measured, with a real cargo. This executable is both: started with the argument
//! of a build process it stands before one, else it runs the trials.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use libcmatrix_agent::{BUILD_PROCESS_ARGUMENT, BUILD_SCRIPT, COMPILER};
use libcmatrix_schema::{BuildProcess, BuildProcessKind};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if std::env::args().nth(1).as_deref() == Some(BUILD_PROCESS_ARGUMENT) {
        std::process::exit(libcmatrix_agent::run_build_process());
    }
    let trials: [(&str, fn()); 2] = [
        ("every process of a build is measured", every_process),
        ("a build script that fails fails as if nobody watched", failing_script),
    ];
    let trials = trials.map(|(name, run)| {
        Trial::test(name, move || {
            std::panic::catch_unwind(run).map_err(|_| Failed::without_message())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

/// Builds a package with this build script; gives what cargo said and what was measured.
fn build(folder: &Path, script: &str) -> (Output, Vec<BuildProcess>) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("written");
    // A name that a shell would take apart.
    let folder_of_build = folder.join("it's there");
    write(
        "Cargo.toml",
        "[package]\nname = \"measured\"\nversion = \"1.2.3\"\nedition = \"2021\"\n[workspace]\n",
    );
    write("build.rs", script);
    fs::create_dir(folder.join("src")).expect("made");
    write("src/lib.rs", "");
    let log = folder.join("log");
    let this = std::env::current_exe().expect("this executable");
    let wrapper = |name: &str, words: &[&str]| {
        let path = folder.join(name);
        let words = words.join(" ");
        let text =
            format!("#!/bin/sh\nexec {} {BUILD_PROCESS_ARGUMENT} {words} \"$@\"\n", this.display());
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        path.display().to_string()
    };
    let log_name = log.display().to_string();
    let before_script = wrapper("script", &[BUILD_SCRIPT, &log_name]);
    let before_compiler = wrapper("compiler", &[COMPILER, &log_name, &before_script]);
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["build", "--offline"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder_of_build)
        .env("RUSTC_WRAPPER", before_compiler)
        .output()
        .expect("cargo starts");
    let log = fs::read_to_string(log).unwrap_or_default();
    let processes = log.lines().map(|line| serde_json::from_str(line).expect("a process"));
    (output, processes.collect())
}

fn every_process() {
    let folder = tempfile::tempdir().expect("a folder");
    // As one that calls a C compiler.
    let script = "fn main() {
        let work = \"i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done\";
        assert!(std::process::Command::new(\"sh\").args([\"-c\", work]).status().unwrap().success());
        assert_eq!(std::env::args().count(), 1);
        assert!(std::env::var_os(\"RUSTC_WRAPPER\").is_none());
        println!(\"cargo::rustc-cfg=told\");
    }";
    let (output, processes) = build(folder.path(), script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<_> = processes.iter().map(|p| (p.kind, p.target.as_str())).collect();
    assert_eq!(
        told,
        [
            (BuildProcessKind::Compiler, "build_script_build"),
            (BuildProcessKind::BuildScript, ""),
            (BuildProcessKind::Compiler, "measured"),
        ]
    );
    for process in &processes {
        assert_eq!(process.package, "measured 1.2.3");
        assert!(process.wall_s > 0.0 && process.user_s + process.system_s > 0.0, "{process:?}");
        assert!(process.peak_rss_bytes > 1 << 20, "{process:?}");
    }
    // The linker's, and the shell's.
    assert!(processes[0].children_s > 0.0, "{:?}", processes[0]);
    let script = &processes[1];
    assert!(script.children_s > 0.5 * (script.user_s + script.system_s), "{script:?}");
}

fn failing_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "fn main() { println!(\"it says this\"); std::process::exit(7) }";
    let (output, processes) = build(folder.path(), script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("exit status: 7") && said.contains("it says this"), "{said}");
    assert_eq!(processes.len(), 2);
}
