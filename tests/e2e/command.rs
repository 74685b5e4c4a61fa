//! The command under test: built from this checkout, run as a user runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use libcmatrix_schema::RunRecord;
use libtest_mimic::Failed;
use tempfile::TempDir;

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Builds the executable that the trials run. Cargo builds no programs of other packages for a test.
pub fn build() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--package", "libcmatrix", "--bin", "libcmatrix"]).current_dir(root());
    if is_release() {
        build.arg("--release");
    }
    // What cargo says of this test's package would make build scripts that look at it run again.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|p| name.to_string_lossy().starts_with(p)) {
            build.env_remove(name);
        }
    }
    assert!(build.status().is_ok_and(|s| s.success()), "libcmatrix does not build");
}

fn is_release() -> bool {
    !cfg!(debug_assertions)
}

/// The executable: beside the folder of this very test's executable.
pub fn executable() -> PathBuf {
    let this = env::current_exe().unwrap_or_default();
    this.ancestors().nth(2).unwrap_or(Path::new("")).join("libcmatrix")
}

/// The command with arguments, its input closed.
pub fn libcmatrix<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(executable());
    command.args(args).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// A run that has ended.
pub struct Ran {
    /// The folder of its folder; removed with this unless the trial failed.
    out: TempDir,
    /// What it printed, and how it ended.
    pub output: Output,
}

/// Runs `libcmatrix run` with a folder of its own for the output.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Result<Ran, Failed> {
    let out = TempDir::with_prefix("libcmatrix-trial-")?;
    let mut command = libcmatrix(["run"]);
    command.arg("--out").arg(out.path()).args(args);
    Ok(Ran { output: command.output()?, out })
}

impl Ran {
    /// Exit code.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// A file of the run's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.out.path().join("latest").join(name)
    }

    /// The record.
    pub fn record(&self) -> Result<RunRecord, Failed> {
        let text = fs::read_to_string(self.file("run.json"))
            .map_err(|e| format!("run.json: {e}\n{}", self.stderr()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Turns complaints into a failed trial that keeps its files and says where they are.
    pub fn judge(self, complaints: &[String]) -> Result<(), Failed> {
        if complaints.is_empty() {
            return Ok(());
        }
        let (stdout, stderr, code) = (self.stdout(), self.stderr(), self.code());
        let kept = self.out.keep();
        Err(format!(
            "{}\n\nfiles: {}\nexit code: {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
            complaints.join("\n"),
            kept.display()
        )
        .into())
    }
}

/// Notes a complaint unless `holds`.
pub fn check(complaints: &mut Vec<String>, holds: bool, complaint: impl FnOnce() -> String) {
    if !holds {
        complaints.push(complaint());
    }
}

/// What `docker` prints; the trials ask the daemon, not the code under test.
pub fn docker(args: &[&str]) -> Result<String, Failed> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("docker {args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
