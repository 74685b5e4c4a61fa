//! What was measured several times on both sides, with how sure it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One cold build of a leg, after the first: nothing of it was built before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColdBuild {
    /// Wall-clock time in seconds.
    pub wall_s: f64,
    /// User time of all processes, in seconds.
    pub user_s: f64,
    /// System time of all processes, in seconds.
    pub system_s: f64,
    /// Largest resident set of any one process, in bytes.
    pub peak_rss_bytes: u64,
    /// Load average of the last minute just before it began; absent where it cannot be read, as of
    /// another machine's engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_before: Option<f64>,
    /// Its processes, in the order of their ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<BuildProcess>,
}

/// A process of a build that cargo started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildProcess {
    /// What it is.
    pub kind: BuildProcessKind,
    /// The package that it builds, e.g. `serde 1.0.1`.
    pub package: String,
    /// Name of the crate that is compiled; empty of a build script that runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// Wall-clock time in seconds.
    pub wall_s: f64,
    /// User time in seconds, with that of the processes it waited for.
    pub user_s: f64,
    /// System time in seconds, likewise.
    pub system_s: f64,
    /// What of both is of the processes it waited for, in seconds, to 10 ms: of a compiler, that is the
    /// linker; of a build script, mostly a C compiler.
    pub children_s: f64,
    /// Largest resident set of any one of them, in bytes.
    pub peak_rss_bytes: u64,
}

/// What a process of a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BuildProcessKind {
    /// rustc.
    Compiler,
    /// A build script that runs.
    BuildScript,
}

/// A number that both sides have, measured several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// What it is.
    pub quantity: Quantity,
    /// The baseline's values, in the order in which they were taken.
    pub baseline: Vec<f64>,
    /// The candidate's.
    pub candidate: Vec<f64>,
    /// Median of the baseline.
    pub baseline_median: f64,
    /// Median of the candidate.
    pub candidate_median: f64,
    /// The candidate's median by the baseline's; absent where that is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Lower and upper end of the ratio's 95 % interval; absent where there are too few values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// What that shows.
    pub shows: Shows,
}

/// What was measured. Times are in seconds, memory in bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Wall-clock time of a cold build, in seconds.
    BuildWall,
    /// Processor time of a cold build, in seconds.
    BuildProcessor,
    /// Largest resident set of a process of a cold build, in bytes.
    BuildMemory,
    /// Wall-clock time of all tests that do the same on both sides, one after another, in seconds.
    TestWall,
    /// Processor time of these tests, in seconds.
    TestProcessor,
    /// Largest resident sets of these tests, added up, in bytes.
    TestMemory,
    /// Wall-clock time of an iteration of a benchmark, in seconds; of several the geometric mean.
    BenchIteration,
}

/// What a measurement shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// The interval of the ratio lies above 1.
    More,
    /// It lies below 1.
    Less,
    /// It spans 1: no difference is shown.
    NoDifference,
    /// There are too few values for an interval.
    TooFew,
}

/// What a package costs to build, on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PackageMeasurement {
    /// The package, e.g. `serde 1.0.1`.
    pub package: String,
    /// Processor time of its compilations, of their linkers and of its build script, in one cold build.
    #[serde(flatten)]
    pub measurement: Measurement,
    /// Whether the difference is clear: all values of one side lie above all of the other, and the
    /// medians are 10 % and 50 ms apart. Among many packages a few may be so by chance.
    pub is_clear: bool,
}

/// What an iteration of a benchmark takes, on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BenchMeasurement {
    /// `binary$benchmark`. Hostile text.
    pub id: String,
    /// Wall-clock time of an iteration, as the benchmark's own harness estimates it in each run.
    #[serde(flatten)]
    pub measurement: Measurement,
    /// Whether the difference is clear: all values of one side lie above all of the other, and the
    /// medians are 10 % apart. Among many benchmarks a few may be so by chance.
    pub is_clear: bool,
}

/// A test that takes another time, or other memory, in the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestMeasurement {
    /// The test's id.
    pub id: String,
    /// What of it.
    #[serde(flatten)]
    pub measurement: Measurement,
}
