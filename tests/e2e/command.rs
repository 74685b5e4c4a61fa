//! The command under test: built from this checkout, run as a user runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use libcmatrix_schema::{Event, EventLine, RunRecord};
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

/// What runs the environments of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over<'a> {
    /// The machine's Docker.
    Docker,
    /// Another daemon with Docker's interface, by its address.
    Daemon(&'a str),
    /// None: the command itself.
    Embedded,
}

impl<'a> Over<'a> {
    /// Both engines.
    pub const ENGINES: [Self; 2] = [Self::Docker, Self::Embedded];

    /// The engine's name.
    pub fn engine(self) -> &'static str {
        match self {
            Self::Docker | Self::Daemon(_) => "docker",
            Self::Embedded => "embedded",
        }
    }

    /// The variable that names the daemon.
    fn variable(self) -> Option<(&'static str, &'a str)> {
        match self {
            Self::Daemon(address) => Some(("DOCKER_HOST", address)),
            Self::Docker | Self::Embedded => None,
        }
    }
}

/// A subcommand that takes an engine, with its arguments.
pub fn libcmatrix_over<S: AsRef<std::ffi::OsStr>>(
    over: Over<'_>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = libcmatrix(args);
    command.args(["--engine", over.engine()]).envs(over.variable());
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
    run_over(Over::Docker, args)
}

/// The same over another engine.
pub fn run_over<S: AsRef<std::ffi::OsStr>>(
    over: Over<'_>,
    args: impl IntoIterator<Item = S>,
) -> Result<Ran, Failed> {
    let out = TempDir::with_prefix("libcmatrix-trial-")?;
    let mut command = libcmatrix_over(over, ["run"]);
    command.arg("--out").arg(out.path()).args(args);
    Ok(Ran { output: command.output()?, out })
}

/// As [`run`], by a command that is made for a line of shell, which it runs.
pub fn run_by(args: &[String], by: impl FnOnce(&str) -> Command) -> Result<Ran, Failed> {
    let out = TempDir::with_prefix("libcmatrix-trial-")?;
    let printed = ["stdout", "stderr"].map(|name| out.path().join(name));
    let words: Vec<String> = [executable(), "run".into(), "--out".into(), out.path().into()]
        .iter()
        .map(PathBuf::as_path)
        .chain(args.iter().map(Path::new))
        .map(quoted)
        .collect();
    let [stdout, stderr] = printed.each_ref().map(|path| quoted(path));
    let mut command = by(&format!("{} >{stdout} 2>{stderr}", words.join(" ")));
    let status = command.stdout(Stdio::null()).env_remove("NO_COLOR").status()?;
    let [stdout, stderr] = printed.map(fs::read);
    Ok(Ran { output: Output { status, stdout: stdout?, stderr: stderr? }, out })
}

/// A word as a shell takes it.
pub fn quoted(word: &Path) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
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

    /// What was seen, as it was seen.
    pub fn events(&self) -> Result<Vec<Event>, Failed> {
        let text = fs::read_to_string(self.file("events.ndjson"))?;
        let read = |line| serde_json::from_str::<EventLine>(line).map(|line| line.event);
        Ok(text.lines().map(read).collect::<Result<_, _>>()?)
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
    docker_over(Over::Docker, args)
}

/// The same of another daemon.
pub fn docker_over(over: Over<'_>, args: &[&str]) -> Result<String, Failed> {
    let mut docker = Command::new("docker");
    docker.envs(over.variable());
    let output = docker.args(args).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("docker {args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
