//! Diagnosed causes: what was found, how it is known, what to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ExperimentKind, StepName};

/// A diagnosed cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Its stable code, e.g. `thread-stack-overflow`; `unexplained` where nothing known fits.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// Which part of a program's life it belongs to, e.g. `runtime-crash`.
    #[serde(default)]
    pub category: String,
    /// How much it hurts a user of the program.
    #[serde(default)]
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What to do, the best first.
    pub remedies: Vec<String>,
    /// What is missing and can be installed; with it, nothing would have failed for this cause.
    #[serde(default, skip_serializing_if = "Packages::is_empty")]
    pub packages: Packages,
    /// Ids of the tests it explains.
    pub tests: Vec<String>,
    /// Steps it explains, of the candidate unless the evidence says otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepName>,
    /// What was tried to prove it, and what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
}

/// Packages by the names that each distribution gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Packages {
    /// For `apk add`.
    pub alpine: Vec<String>,
    /// For `apt-get install`.
    pub debian: Vec<String>,
}

impl Packages {
    /// Whether no distribution has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alpine.is_empty() && self.debian.is_empty()
    }

    /// Takes those of another cause as well.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.alpine, &other.alpine), (&mut self.debian, &other.debian)] {
            to.extend(from.iter().cloned());
            to.sort_unstable();
            to.dedup();
        }
    }
}

/// How sure a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It fits, and other causes fit as well.
    Possible,
    /// The evidence is what this cause leaves, and hardly any other does.
    Likely,
    /// An experiment changed just this cause, and the failure went away; or the fact itself was read.
    Proven,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Proven => "proven",
        })
    }
}

/// How much a cause hurts a user of the program.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Only a text or an order differs.
    Low,
    /// Something does not work or is slower until a package, a flag or a line of code is added.
    #[default]
    Medium,
    /// It crashes, does not build or gives wrong results.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// Something a finding rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// In words, or the line itself. May hold hostile text.
    pub text: String,
    /// The leg it was seen in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// The test it was seen in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// The file it is in: a log of the run, or a source file. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in `file` or in the text that was diagnosed, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What an experiment showed of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What was changed.
    pub kind: ExperimentKind,
    /// The same in words.
    pub change: String,
    /// How many of the finding's tests were run.
    pub of: u32,
    /// How many of them did in every attempt what the cause predicts.
    pub as_predicted: u32,
    /// What it shows, in words.
    pub conclusion: String,
}
