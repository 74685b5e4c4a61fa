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

/// A test that takes another time, or other memory, in the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestMeasurement {
    /// The test's id.
    pub id: String,
    /// What of it.
    #[serde(flatten)]
    pub measurement: Measurement,
}
