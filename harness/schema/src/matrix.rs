//! Many pairs of environments of one project (`matrix.json`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Tool, VerdictOutcome};

/// A matrix, or the shards of it that were merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// See [`crate::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// Its id: its start time and a random part.
    pub matrix_id: String,
    /// When it was begun (RFC 3339, UTC).
    pub started_at: String,
    /// Name of the project.
    pub project: String,
    /// One entry a pair, in the order of the configuration; also of pairs that are another shard's.
    pub cells: Vec<MatrixCell>,
}

/// A pair of environments, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    /// The baseline's name.
    pub baseline: String,
    /// The candidate's.
    pub candidate: String,
    /// What came of it.
    #[serde(flatten)]
    pub result: CellResult,
}

/// What came of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum CellResult {
    /// It was run.
    Ran(CellRun),
    /// It could not be run, or not to its end.
    Failed {
        /// Why. May hold hostile text.
        why: String,
        /// Its folder beside `matrix.json`, if it came so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
    },
    /// Nothing yet: it is another shard's, or was not come to.
    NotRun,
}

/// A run in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellRun {
    /// Its folder beside `matrix.json`, which is its run id.
    pub folder: String,
    /// Its answer.
    pub verdict: VerdictOutcome,
    /// Why. May hold hostile text.
    pub reasons: Vec<String>,
    /// Tests that have a result on both sides.
    pub compared: u64,
    /// Tests known on either side.
    pub total: u64,
    /// Tests by the kind of their change, without those that are the same.
    pub changes: BTreeMap<String, u64>,
    /// Codes of its findings.
    pub findings: Vec<String>,
}

impl Matrix {
    /// The answer to all of it: no-go if any pair is, go only if every pair is.
    #[must_use]
    pub fn verdict(&self) -> VerdictOutcome {
        let is = |wanted| move |cell: &MatrixCell| matches!(&cell.result, CellResult::Ran(run) if run.verdict == wanted);
        if self.cells.iter().any(is(VerdictOutcome::NoGo)) {
            VerdictOutcome::NoGo
        } else if !self.cells.is_empty() && self.cells.iter().all(is(VerdictOutcome::Go)) {
            VerdictOutcome::Go
        } else {
            VerdictOutcome::Inconclusive
        }
    }
}
