//! What is different between two runs of one project (`libcmatrix compare --format json`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ChangeKind, Confidence, Quantity, Role, Severity, StepName, StepStatus, VerdictOutcome,
};

/// An earlier run against a later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunDifference {
    /// The earlier run.
    pub earlier: RunInBrief,
    /// The later run.
    pub later: RunInBrief,
    /// What makes the two less comparable, the weightiest first.
    pub conditions: Vec<ConditionDifference>,
    /// What got worse for a move to musl, in words; empty where nothing did. The exit code is 10 where
    /// there is something. May hold hostile text.
    pub worse: Vec<String>,
    /// What keeps the later run from an all-clear, in words; empty where nothing does. The exit code is 11
    /// where there is something and nothing got worse.
    #[serde(default)]
    pub cannot_tell: Vec<String>,
    /// Tests of which the two runs do not say the same, the most telling first.
    pub tests: Vec<TestDifference>,
    /// Tests that were worse in the candidate than in the baseline, and still are.
    pub still_worse: u64,
    /// Findings that only the later run has.
    pub new_findings: Vec<FindingInBrief>,
    /// Findings that only the earlier run has.
    pub gone_findings: Vec<FindingInBrief>,
    /// Steps that ended differently.
    pub steps: Vec<StepDifference>,
    /// Times, as far as both runs measured them.
    pub costs: Vec<CostDifference>,
    /// Images that the project would be shipped in, as far as both runs made them.
    pub images: Vec<ImageDifference>,
}

/// A run in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInBrief {
    /// The run's id.
    pub run_id: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// The project's name. Hostile text.
    pub project: String,
    /// The commit that was tested, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Its answer; absent where none was given.
    pub verdict: Option<VerdictOutcome>,
    /// Tests that have a result on both sides.
    pub compared: u64,
    /// Tests known on either side.
    pub total: u64,
    /// Tests that are worse in the candidate.
    pub worse: u64,
}

/// A condition of the runs that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionDifference {
    /// A stable name, e.g. `candidate-toolchain`.
    pub code: String,
    /// What it was in the earlier run. Hostile text.
    pub earlier: String,
    /// What it was in the later run. Hostile text.
    pub later: String,
    /// What that means for the comparison.
    pub weight: Weight,
}

/// How much a condition matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The runs did not ask the same question: what differs may come from this alone.
    OtherQuestion,
    /// A cause that a difference may have, beside the project itself.
    MayExplain,
    /// Times and memory cannot be set against each other.
    TimesOnly,
}

/// One test of which the runs do not say the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestDifference {
    /// The test's id. Hostile text.
    pub id: String,
    /// What became of it.
    pub kind: TestDifferenceKind,
    /// What the earlier run's comparison says; absent where it does not know the test.
    pub earlier: Option<ChangeKind>,
    /// What the later run's comparison says; absent where it does not know the test.
    pub later: Option<ChangeKind>,
    /// Whether that is worse in the candidate, in the earlier run.
    pub earlier_is_worse: bool,
    /// Whether that is worse in the candidate, in the later run.
    pub later_is_worse: bool,
    /// Why it is called so, with the numbers. May hold hostile text.
    pub reason: String,
    /// How often chance makes the candidate's attempts differ at least so much between two runs of the
    /// same test (Fisher's exact test, two-sided); absent where it was not run in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// What became of a test from one run to the other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TestDifferenceKind {
    /// It was not worse in the candidate and is now, or it ends worse than before.
    Regressed,
    /// It was worse in the candidate and is good now, or it ends less badly than before.
    Fixed,
    /// It was good on both sides and is bad on both: no matter of the libc.
    BrokenAlike,
    /// It was bad on both sides and is good on both.
    MendedAlike,
    /// It was bad on both sides, and only the baseline is good now: what was hidden is seen.
    Uncovered,
    /// It was worse in the candidate, and the baseline is bad now as well: it is hidden, not fixed.
    Hidden,
    /// It had a result on both sides and has none on one of them now.
    ResultLost,
    /// It had no result on one side and has one on both now.
    ResultGained,
    /// Only the later run has it.
    Appeared,
    /// Only the earlier run has it.
    Gone,
    /// The runs do not say the same, but chance alone makes such differences.
    WithinChance,
}

impl TestDifferenceKind {
    /// All kinds, the most telling first.
    pub const ALL: [Self; 11] = [
        Self::Regressed,
        Self::Uncovered,
        Self::Fixed,
        Self::BrokenAlike,
        Self::MendedAlike,
        Self::Hidden,
        Self::ResultLost,
        Self::ResultGained,
        Self::Appeared,
        Self::Gone,
        Self::WithinChance,
    ];

    /// What it is called where the runs are swapped.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Regressed => Self::Fixed,
            Self::Fixed => Self::Regressed,
            Self::BrokenAlike => Self::MendedAlike,
            Self::MendedAlike => Self::BrokenAlike,
            Self::Uncovered => Self::Hidden,
            Self::Hidden => Self::Uncovered,
            Self::ResultLost => Self::ResultGained,
            Self::ResultGained => Self::ResultLost,
            Self::Appeared => Self::Gone,
            Self::Gone => Self::Appeared,
            Self::WithinChance => Self::WithinChance,
        }
    }
}

/// A finding in a few words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FindingInBrief {
    /// Its code.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// How much it hurts.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many tests it explains.
    pub tests: u64,
}

/// A step that did not end as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepDifference {
    /// Of which leg.
    pub role: Role,
    /// Which step.
    pub step: StepName,
    /// How it ended in the earlier run; absent where it was not reached.
    pub earlier: Option<StepStatus>,
    /// How it ended in the later run; absent where it was not reached.
    pub later: Option<StepStatus>,
}

/// What one thing takes in both runs. The baseline tells a slower machine, or a project that does more,
/// from a candidate that got slower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostDifference {
    /// What was measured.
    pub quantity: Quantity,
    /// The baseline, from run to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Moved>,
    /// The candidate, from run to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Moved>,
    /// The candidate's ratio by the baseline's, with its 95 % interval; absent where there are too few
    /// values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_baseline: Option<[f64; 3]>,
    /// What that shows.
    pub shows: CostShows,
}

/// Medians of both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Median of the earlier run.
    pub earlier_median: f64,
    /// Median of the later run.
    pub later_median: f64,
    /// Values of the earlier run.
    pub earlier_values: u64,
    /// Values of the later run.
    pub later_values: u64,
    /// The later median by the earlier; absent where that is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Its 95 % interval; absent where there are too few values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

/// What two runs show of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostShows {
    /// The candidate takes more than before, also by the baseline's measure.
    More,
    /// The candidate takes less than before, also by the baseline's measure.
    Less,
    /// The candidate moved and the baseline with it: the machine or the project, not the libc.
    BothMoved,
    /// No difference is shown.
    NoDifference,
    /// One of the runs has too few values.
    NotMeasured,
}

/// An image of both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageDifference {
    /// Of which leg.
    pub role: Role,
    /// What the programs were put on.
    pub flavour: crate::Flavour,
    /// Size in the earlier run, unpacked, in bytes.
    pub earlier_bytes: u64,
    /// Size in the later run, unpacked, in bytes.
    pub later_bytes: u64,
    /// Size of the archive compressed by gzip in the earlier run, in bytes.
    pub earlier_gzip_bytes: u64,
    /// Size of the archive compressed by gzip in the later run, in bytes.
    pub later_gzip_bytes: u64,
}
