//! The baseline against the candidate, test by test.

use std::fmt;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BenchMeasurement, Measurement, PackageMeasurement, TestMeasurement};

/// The baseline against the candidate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Tests that have a result on both sides.
    pub compared: u64,
    /// Tests known on either side.
    pub total: u64,
    /// How many of `compared` are doctests.
    #[serde(default)]
    pub compared_doctests: u64,
    /// How many of `total` are doctests.
    #[serde(default)]
    pub total_doctests: u64,
    /// One entry a test, also where nothing changed; ordered by id.
    pub changes: Vec<Change>,
    /// What was measured several times on both sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
    /// Tests whose time or memory is not the same, the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests_measured: Vec<TestMeasurement>,
    /// What an iteration of each benchmark takes that both sides have, those first that differ most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benches_measured: Vec<BenchMeasurement>,
    /// What each package costs to build, those first whose cost differs most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages_measured: Vec<PackageMeasurement>,
}

/// One test, seen from both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The test's id.
    pub id: String,
    /// What changed.
    pub change: ChangeKind,
    /// The outcome's name in the baseline; absent if the test does not exist there.
    pub baseline: Option<Cow<'static, str>>,
    /// The outcome's name in the candidate; absent if the test does not exist there.
    pub candidate: Option<Cow<'static, str>>,
    /// Why it was called so, where the two names alone do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Change {
    /// Whether the candidate is the worse side, or may be: also where a test that the baseline does not have,
    /// or does not run, is bad there.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let is_bad = |outcome: &Option<Cow<'static, str>>| {
            matches!(outcome.as_deref(), Some("failed" | "crashed" | "timed-out" | "oom-killed"))
        };
        let is_not_run = matches!(self.baseline.as_deref(), None | Some("ignored"));
        self.change.is_worse() || (is_not_run && is_bad(&self.candidate))
    }
}

/// The kinds of change.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Good in the baseline, bad in the candidate.
    Regressed,
    /// Known and run in the baseline, not in the candidate, though its binary was built and listed there.
    Disappeared,
    /// No result on one side, for a reason outside the test; or too few attempts to tell a difference
    /// from chance.
    Indeterminate,
    /// Attempts disagree with each other.
    Unstable,
    /// Bad on both sides in different ways, or passed on both with processes left behind on one.
    Differs,
    /// Bad in the baseline, good in the candidate.
    Fixed,
    /// Known and run in the candidate only.
    Appeared,
    /// The same on both sides.
    Same,
}

impl ChangeKind {
    /// All kinds, the most telling first.
    pub const ALL: [Self; 8] = [
        Self::Regressed,
        Self::Disappeared,
        Self::Indeterminate,
        Self::Unstable,
        Self::Differs,
        Self::Fixed,
        Self::Appeared,
        Self::Same,
    ];

    /// Whether the candidate is the worse side, or may be, by the kind alone; see [`Change::is_worse`].
    #[must_use]
    pub fn is_worse(self) -> bool {
        matches!(self, Self::Regressed | Self::Disappeared | Self::Differs)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Regressed => "regressed",
            Self::Fixed => "fixed",
            Self::Appeared => "appeared",
            Self::Disappeared => "disappeared",
            Self::Differs => "differs",
            Self::Unstable => "unstable",
            Self::Indeterminate => "indeterminate",
        })
    }
}
