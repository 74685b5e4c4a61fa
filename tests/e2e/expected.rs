//! `expected.toml`: what `libcmatrix run` must say of a sample project. The format is described in
//! `sample-projects/README.md`.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What the project is the witness of; for people.
    #[allow(dead_code, reason = "the file must say it, the trial need not read it")]
    pub summary: String,
    /// Further arguments of `libcmatrix run`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its exit code.
    pub exit: i32,
    /// The verdict, where there is one.
    pub verdict: Option<String>,
    /// Tests known on either side.
    pub total: Option<u64>,
    /// Tests with an outcome on both sides.
    pub compared: Option<u64>,
    /// Texts on standard error.
    #[serde(default)]
    pub stderr: Vec<String>,
    /// Tests that are not plainly passed on both sides.
    #[serde(default)]
    pub tests: BTreeMap<String, ExpectedTest>,
    /// Exactly the findings there must be: code and confidence.
    #[serde(default)]
    pub findings: BTreeMap<String, String>,
    /// Steps that do not end well, or whose log must hold something: by role, then by step.
    #[serde(default)]
    pub steps: BTreeMap<String, BTreeMap<String, ExpectedStep>>,
}

/// A test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTest {
    /// Its outcome in the baseline, or `absent`.
    pub baseline: String,
    /// Its outcome in the candidate, or `absent`.
    pub candidate: String,
    /// The change.
    pub change: String,
    /// Texts in its output in the baseline.
    #[serde(default)]
    pub baseline_output: Vec<String>,
    /// Texts in its output in the candidate.
    #[serde(default)]
    pub candidate_output: Vec<String>,
}

/// A step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedStep {
    /// How it ended.
    pub status: String,
    /// Texts in its log.
    #[serde(default)]
    pub log: Vec<String>,
}

impl Expected {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }
}
