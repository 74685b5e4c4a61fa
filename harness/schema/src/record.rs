//! The run record: the one document that holds a whole run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Comparison, Experiment, Finding, Leg, Role, Verdict};

/// Everything a run found (`run.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// See [`crate::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The run's id: its start time and a random part; also the name of its folder.
    pub run_id: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// When it finished; absent while it runs and if it was killed.
    pub finished_at: Option<String>,
    /// Whether the user stopped it before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// The machine that ran the command.
    pub host: Host,
    /// The code under test.
    pub project: Project,
    /// What was asked for; the same in every leg.
    pub settings: Settings,
    /// Things the reader should know, in order.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The legs, the baseline first.
    pub legs: Vec<Leg>,
    /// Experiments: failing tests, run again with one thing changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<Experiment>,
    /// The baseline against the candidate; absent until it was made.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// Diagnosed causes.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The answer; absent until it was given.
    #[serde(default)]
    pub verdict: Option<Verdict>,
}

impl RunRecord {
    /// The leg of that role; of several, the first.
    #[must_use]
    pub fn leg(&self, role: Role) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.role == role)
    }

    /// The baseline, then the candidate, as far as they are there. Legs that an experiment was built in are
    /// part of that experiment and no side.
    pub fn sides(&self) -> impl Iterator<Item = &Leg> {
        [Role::Baseline, Role::Candidate].into_iter().filter_map(|role| self.leg(role))
    }
}

/// The program that wrote a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `libcmatrix`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The machine that ran the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Operating system, e.g. `linux`.
    pub os: String,
    /// Processor architecture, e.g. `x86_64`.
    pub arch: String,
    /// Kernel release.
    pub kernel: String,
    /// Logical processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// The code under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Project {
    /// Name of the root package, or of the folder for a workspace without one.
    pub name: String,
    /// Its folder as given; for a published crate `NAME@VERSION`.
    pub path: String,
    /// Where it came from.
    pub kind: ProjectKind,
    /// The packages under test.
    pub packages: Vec<Package>,
    /// The git commit that is checked out, whatever was changed since; absent where the folder is in no
    /// repository, or its `Cargo.toml` is not of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Where a project came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectKind {
    /// A folder.
    Directory,
    /// A crate from the registry.
    PublishedCrate,
}

/// A package of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder relative to the workspace root; empty for the root itself.
    pub path: String,
    /// Its targets.
    pub targets: Vec<Target>,
    /// The features it declares.
    #[serde(default)]
    pub features: Vec<String>,
    /// The oldest compiler it says it supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust_version: Option<String>,
    /// Native libraries that it or a dependency links, as `package: library`.
    #[serde(default)]
    pub native: Vec<String>,
}

/// A target of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// Whether its tests use libtest's harness.
    pub harness: bool,
    /// Whether `cargo test` tests it.
    pub test: bool,
    /// Whether `cargo test` runs its documentation's examples.
    pub doctest: bool,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A library.
    Lib,
    /// A procedural macro.
    ProcMacro,
    /// A program.
    Bin,
    /// An integration test.
    Test,
    /// An example.
    Example,
    /// A benchmark.
    Bench,
    /// A build script.
    BuildScript,
}

/// What was asked for; the same in every leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Arguments given to cargo, as resolved from the options.
    pub cargo_args: Vec<String>,
    /// Only tests whose name contains one of these; empty: all.
    #[serde(default)]
    pub filters: Vec<String>,
    /// `debug` or `release`.
    pub profile: String,
    /// Attempts of every test.
    pub attempts: u32,
    /// Further attempts, on both sides, of every test whose outcome differed.
    pub confirm: u32,
    /// Cold builds of each side that were measured, besides the first.
    #[serde(default)]
    pub build_repeats: u32,
    /// Runs of the benchmarks on each side.
    #[serde(default)]
    pub bench_repeats: u32,
    /// Tests that ran at the same time.
    pub test_threads: u32,
    /// Jobs given to cargo.
    pub build_jobs: u32,
    /// `runtime` or `builder`: the images the tests ran in.
    pub test_image: String,
    /// Whether doctests were asked for.
    pub doctests: bool,
    /// Whether the images that the project would be shipped in were asked for.
    #[serde(default)]
    pub images: bool,
    /// What is compared instead of two environments, to see how well that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// Limits.
    pub limits: Limits,
}

/// A comparison whose answer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// The baseline against itself. Every change is a false alarm.
    Aa,
}

/// Limits, the same in every leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Memory with swap of a build, in bytes.
    pub build_memory_bytes: u64,
    /// Memory with swap of all tests that run at a time, in bytes.
    pub test_memory_bytes: u64,
    /// Processes and threads at a time.
    pub pids: u64,
    /// Processors; absent where all may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Size of one file, in bytes; absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Time of one test, in seconds.
    pub test_time_s: f64,
    /// Time of one step, in seconds.
    pub step_time_s: f64,
    /// Time without any output of one step, in seconds.
    pub step_silence_s: f64,
}

/// Something the reader should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// A stable name, e.g. `config-neutralised`.
    pub code: String,
    /// In words.
    pub text: String,
}
