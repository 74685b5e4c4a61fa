//! What many runs show together (`libcmatrix history --format json`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ChangeKind, Quantity, Role, VerdictOutcome};

/// All runs that were kept, project by project and pair by pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trends {
    /// One entry for each project, pair of environments and question, the one with the newest run first.
    pub series: Vec<Series>,
}

/// Runs of one project with one pair of environments that ask the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// The project's name. Hostile text.
    pub project: String,
    /// The baseline's environment.
    pub baseline: String,
    /// The candidate's environment.
    pub candidate: String,
    /// What they ask, by the codes of `compare`'s conditions, e.g. `profile`. May hold hostile text.
    pub question: BTreeMap<String, String>,
    /// The runs, the oldest first.
    pub runs: Vec<HistoryRun>,
    /// Tests that are worse in the candidate in the newest run that tells of them, those first that are so
    /// for the longest.
    pub regressions: Vec<OngoingRegression>,
    /// Tests that do not do the same each time, the flakiest first.
    pub unstable: Vec<UnstableTest>,
    /// Times and sizes that grew, those first that grew most.
    pub growth: Vec<Growth>,
}

/// One run of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryRun {
    /// The run's id.
    pub run_id: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// Version of the project's package, where it has but one. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The commit that was tested, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The answer; absent where none was given.
    pub verdict: Option<VerdictOutcome>,
    /// Tests that have a result on both sides.
    pub compared: u64,
    /// Tests known on either side.
    pub total: u64,
    /// Tests that are worse in the candidate.
    pub worse: u64,
    /// Tests that are better in the candidate.
    pub fixed: u64,
    /// Codes of its findings.
    pub findings: Vec<String>,
    /// Whether what each test did is still kept.
    pub has_details: bool,
    /// Times of both sides.
    pub times: Vec<HistoryTime>,
    /// Images that the project would be shipped in.
    pub images: Vec<HistoryImage>,
}

/// What something took in one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryTime {
    /// On which side.
    pub role: Role,
    /// A build, or all tests that passed on both sides, one after another.
    pub quantity: Quantity,
    /// The median, in seconds.
    pub seconds: f64,
    /// Of how many values.
    pub values: u64,
}

/// An image of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryImage {
    /// On which side.
    pub role: Role,
    /// What the programs were put on.
    pub flavour: crate::Flavour,
    /// Unpacked, in bytes.
    pub bytes: u64,
    /// Compressed by gzip, in bytes.
    pub gzip_bytes: u64,
}

/// A run, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunName {
    /// The run's id.
    pub run_id: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// The commit that was tested, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A test that is worse in the candidate, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OngoingRegression {
    /// The test's id. Hostile text.
    pub id: String,
    /// What the newest run that tells of it says.
    pub change: ChangeKind,
    /// The first run of those, without a good one between, in which it is worse.
    pub first_bad: RunName,
    /// The last run before that in which it was good; absent where none is kept.
    pub last_good: Option<RunName>,
    /// Runs in which it is worse, from the first on.
    pub bad_runs: u64,
    /// Runs since the last good one that do not tell: it was not run there, or its attempts disagree.
    pub silent_runs: u64,
}

/// A test that does not do the same each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnstableTest {
    /// The test's id. Hostile text.
    pub id: String,
    /// On which side.
    pub role: Role,
    /// Runs that have a result for it.
    pub runs: u64,
    /// Those in which its attempts disagreed.
    pub unstable_runs: u64,
    /// How often it went from good to bad or back from one run to the next.
    pub flips: u64,
    /// Attempts that passed.
    pub passed: u64,
    /// Attempts in all.
    pub attempts: u64,
}

/// Something that grew from the first to the last run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// What.
    pub of: GrowthOf,
    /// On which side.
    pub role: Role,
    /// In the first runs, in seconds or bytes: where the line through all values (Theil and Sen) begins.
    pub from: f64,
    /// In the last runs: where it ends.
    pub to: f64,
    /// Runs that have a value.
    pub runs: u64,
    /// How often values in no order at all look at least so much like growth (Kendall's exact test);
    /// absent of sizes, which are what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// What may grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum GrowthOf {
    /// The time of a cold build.
    Build,
    /// The time of one test.
    Test {
        /// Its id. Hostile text.
        id: String,
    },
    /// An image.
    Image {
        /// What the programs were put on.
        flavour: crate::Flavour,
    },
}
