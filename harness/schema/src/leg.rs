//! One environment's part of a run: what it was made of, what was done in it, what was seen.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Artifact, Attempt, AttemptStatus, BuildMessage, ColdBuild, Crash, FinalImage, Flavour, Outcome,
};

/// One environment's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    /// The environment's name; unique in a run.
    pub name: String,
    /// What the leg is for.
    pub role: Role,
    /// Where it was built and run.
    pub environment: Environment,
    /// What was done, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The test binaries that were built.
    #[serde(default)]
    pub binaries: Vec<Binary>,
    /// What each test did.
    #[serde(default)]
    pub tests: Vec<Test>,
    /// Programs, libraries and test binaries that were built, and objects that came prebuilt.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// Sizes of the leg's images.
    #[serde(default)]
    pub images: Vec<Image>,
    /// What the project would be shipped in, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub final_images: Vec<FinalImage>,
    /// Cold builds after the first one, which warms up the machine and is not counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cold_builds: Vec<ColdBuild>,
    /// Runs of all benchmarks: seconds of one iteration by `binary$benchmark`. Names are hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bench_runs: Vec<std::collections::BTreeMap<String, f64>>,
}

impl Leg {
    /// The step of that name, if it was reached.
    #[must_use]
    pub fn step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|s| s.name == name)
    }

    /// The image that the project would be shipped in, if it was made: of the user's own Dockerfile, or on
    /// the runtime image.
    #[must_use]
    pub fn shipped_image(&self) -> Option<&FinalImage> {
        self.final_images.iter().find(|image| image.flavour != Flavour::Empty)
    }
}

/// What a leg is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What the project runs on today (glibc).
    Baseline,
    /// What it may move to (musl).
    Candidate,
    /// An extra leg that separates causes.
    Control,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
            Self::Control => "control",
        })
    }
}

/// The C library of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        })
    }
}

/// How programs are linked to the C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// The C library is part of the program.
    Static,
    /// The C library is loaded at start.
    Dynamic,
}

impl fmt::Display for Linkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        })
    }
}

/// Where a leg was built and run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// The C library.
    pub libc: Libc,
    /// The distribution, e.g. `debian`.
    pub distro: String,
    /// Its release, e.g. `trixie`.
    pub release: String,
    /// How programs are linked.
    pub linkage: Linkage,
    /// The engine that ran it, e.g. `docker`.
    #[serde(default)]
    pub engine: String,
    /// What sets each limit (`memory`, `processes`): `cgroup-v1`, `cgroup-v2`, `rlimit` (of each
    /// process, not of all together) or `none`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits_by: BTreeMap<String, String>,
    /// The images, pinned.
    #[serde(default)]
    pub images: Vec<Image>,
    /// Variables that the configuration sets for build and tests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The compiler, as it said itself. Absent until it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Toolchain>,
}

/// A container image in the role it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// `builder` (compiles) or `runtime` (runs the tests).
    pub purpose: String,
    /// The name it was asked for by.
    pub reference: String,
    /// The registry's digest where it has one, else the digest of the image's configuration.
    pub digest: String,
    /// Whether that is a registry's digest, by which it can be had again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_registry: bool,
    /// Size of its layers on disk, in bytes, as the engine tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked_bytes: Option<u64>,
}

/// A compiler, from `rustc -vV`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Toolchain {
    /// Release, e.g. `1.96.0`.
    pub release: String,
    /// Commit hash, or `unknown` where the distributor left it out.
    pub commit: String,
    /// The platform the compiler itself runs on.
    pub host: String,
    /// The platform it compiled for.
    pub target: String,
    /// The whole answer.
    #[serde(default)]
    pub verbose_version: String,
}

/// The steps of a leg, in their order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// Images, volumes, source, the agent; the legs are proven matched.
    Prepare,
    /// Dependencies are downloaded. The only step with network.
    Fetch,
    /// Everything that `cargo test` builds is built.
    Build,
    /// It is built from nothing again, several times, for the time that takes.
    Measure,
    /// The test binaries are asked for their tests.
    List,
    /// The tests run.
    Test,
    /// The tests whose outcome differed between the legs run again, equally often on both sides.
    Confirm,
    /// Failing tests run again with one thing changed, to prove a cause.
    Prove,
    /// The documentation's examples are built and run.
    Doctest,
    /// The project's benchmarks are built and run, in turns on both sides.
    Bench,
    /// The images that the project would be shipped in are made, measured and started.
    Image,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Fetch => "fetch",
            Self::Build => "build",
            Self::Measure => "measure",
            Self::List => "list",
            Self::Test => "test",
            Self::Confirm => "confirm",
            Self::Prove => "prove",
            Self::Doctest => "doctest",
            Self::Bench => "bench",
            Self::Image => "image",
        })
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// All of it was done. A test step with failing tests has passed: the tests' outcomes say the rest.
    Passed,
    /// The project's own doing: it does not compile, a dependency cannot be had.
    Failed,
    /// The step's time or silence limit was reached.
    TimedOut,
    /// The memory limit was reached.
    OomKilled,
    /// The engine or the agent failed; says nothing about the project.
    EngineFault,
    /// Ended by the user.
    Interrupted,
    /// There was nothing to do.
    Skipped,
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::OomKilled => "oom-killed",
            Self::EngineFault => "engine-fault",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
        })
    }
}

/// One step of a leg, done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How it ended.
    pub status: StepStatus,
    /// Exit code of the step's command, if it had one and it exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Wall-clock time in seconds.
    pub wall_s: f64,
    /// User time in seconds, of the command and all it waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_s: Option<f64>,
    /// System time in seconds, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_s: Option<f64>,
    /// Largest resident set of any one process of the step, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Its log, relative to the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Why it did not pass, in one line; of a failed build the first error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Compiler errors in order, as the compiler rendered them. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<String>,
    /// What compilers, linkers and build scripts said about what failed, taken apart, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<BuildMessage>,
    /// Packages (`name` of the package, then ` (kind target)`) that did not build.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_targets: Vec<String>,
}

/// A test binary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Binary {
    /// Its binary id: `pkg`, `pkg::name`, `pkg::bin/name`, `pkg::example/name`, `pkg::bench/name`.
    pub id: String,
    /// Whether it has libtest's harness (`harness = true`).
    pub harness: bool,
    /// How listing its tests ended. Anything but passed means that its tests are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<AttemptStatus>,
    /// What it said when listing failed. Hostile text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub listing_output: String,
    /// What was seen when it crashed at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing_crash: Option<Box<Crash>>,
    /// Why none of its tests was run on purpose, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
}

/// What one test did in one leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Test {
    /// `<binary-id>$<test name>`; a doctest: `pkg::doc$<file> - <item> (line N)`.
    pub id: String,
    /// Over all attempts.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Every attempt, in order.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

impl Test {
    /// Whether it is a documentation example.
    #[must_use]
    pub fn is_doctest(&self) -> bool {
        is_doctest(&self.id)
    }
}

/// Whether a test's id is one of a documentation example: `pkg::doc$<file> - <item> (line N)`. An
/// integration test may have the binary id `pkg::doc`, too, but no function is named like that.
#[must_use]
pub fn is_doctest(id: &str) -> bool {
    id.split_once('$').is_some_and(|(binary, name)| {
        binary.ends_with("::doc") && name.contains(" (line ") && name.ends_with(')')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of the outcome stand beside the test's own, so none may have the same name.
    #[test]
    fn every_outcome_comes_back() {
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed { exit_code: 101 },
            Outcome::Crashed { signal: 11 },
            Outcome::TimedOut,
            Outcome::OomKilled,
            Outcome::Leaked,
            Outcome::Ignored,
            Outcome::Unstable { passed: 1, of: 2 },
            Outcome::NotRun { reason: "x".into() },
        ];
        for outcome in outcomes {
            let test = Test { id: "p$t".into(), outcome, attempts: Vec::new() };
            let text = serde_json::to_string(&test).expect("text");
            assert_eq!(serde_json::from_str::<Test>(&text).expect("the test"), test, "{text}");
        }
    }

    #[test]
    fn doctests_are_known_by_their_names() {
        assert!(is_doctest("p::doc$src/lib.rs - a::b (line 3)"));
        assert!(!is_doctest("p::doc$reads_a_document"), "of tests/doc.rs");
        assert!(!is_doctest("p$src (line 3)"));
    }
}
