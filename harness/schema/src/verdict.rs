//! The answer, and the rules that gave it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Can it move?
    pub outcome: VerdictOutcome,
    /// Why, in words, the weightiest first.
    pub reasons: Vec<String>,
    /// What a `go` rests on: settings of the candidate that are not the usual ones, in words. They were
    /// in force in the run, and must be where the project moves to. May hold hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Every rule of the policy with what was measured.
    pub rules: Vec<Rule>,
    /// Known differences, as they were accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptances: Vec<Acceptance>,
}

/// A known difference that was accepted, with what it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Patterns of test ids.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Code of the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Why.
    pub reason: String,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub expires: String,
    /// Whether that day was over when the run began.
    pub expired: bool,
    /// Ids of the tests that are worse in the candidate and covered by it; none: nothing of what was
    /// accepted was seen.
    pub covers: Vec<String>,
    /// Whether its finding was made without any test that is worse; then it covers the finding itself.
    #[serde(default)]
    pub covers_finding: bool,
}

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictOutcome {
    /// It can move.
    Go,
    /// It cannot move as it is.
    NoGo,
    /// The run does not tell.
    Inconclusive,
}

impl VerdictOutcome {
    /// Its name in the record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoGo => "no-go",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for VerdictOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One rule of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its name in the policy, e.g. `max-regressed`.
    pub id: String,
    /// The limit it sets.
    pub limit: f64,
    /// What was measured; absent where it was not.
    pub measured: Option<f64>,
    /// How it came out.
    pub status: RuleStatus,
    /// What a failure of this rule means for the verdict.
    pub on_failure: VerdictOutcome,
    /// In words, what of the run made it fail; absent where it did not. May hold hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleStatus {
    /// Within the limit.
    Pass,
    /// Over the limit.
    Fail,
    /// There was nothing to measure.
    NotMeasured,
}

impl fmt::Display for RuleStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotMeasured => "not measured",
        })
    }
}
