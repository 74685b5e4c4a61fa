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
    /// Every rule of the policy with what was measured.
    pub rules: Vec<Rule>,
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

impl fmt::Display for VerdictOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Go => "go",
            Self::NoGo => "no-go",
            Self::Inconclusive => "inconclusive",
        })
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
