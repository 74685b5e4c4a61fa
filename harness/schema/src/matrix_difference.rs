//! What is different between two nights of many pairs of environments (`libcmatrix compare --format json` of
//! two matrices).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RunDifference, VerdictOutcome};

/// What is different between two matrices, pair by pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixDifference {
    /// Pairs of the later matrix in its order, then those that only the earlier one has.
    pub pairs: Vec<PairDifference>,
}

/// A pair of environments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairDifference {
    /// The baseline's name. Hostile text.
    pub baseline: String,
    /// The candidate's. Hostile text.
    pub candidate: String,
    /// What the two nights show of it.
    #[serde(flatten)]
    pub shows: PairShows,
}

/// What two nights show of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "shows", rename_all = "kebab-case")]
pub enum PairShows {
    /// Both ran it.
    Compared {
        /// What is different.
        difference: Box<RunDifference>,
    },
    /// Only the later matrix ran it, with this answer.
    Appeared {
        /// The answer.
        verdict: VerdictOutcome,
    },
    /// Only the earlier matrix names it.
    Gone,
    /// The later matrix names it and has no run of it, while the earlier one has.
    ResultLost,
    /// Both name it, and neither ran it; or the later one alone names it, and did not run it.
    NotRun,
}
