//! Every exit code, in one place.

use libcmatrix_schema::VerdictOutcome;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; of a run: go.
    Success = 0,
    /// A run's verdict is no-go; of two runs: something got worse.
    NoGo = 10,
    /// A run's verdict is inconclusive.
    Inconclusive = 11,
    /// Usage or configuration: the user's input must change.
    Usage = 2,
    /// No engine, no image, no disk, no network: the surroundings must change.
    Environment = 3,
    /// Stopped by the user.
    Interrupted = 130,
    /// A bug of ours.
    Bug = 70,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<VerdictOutcome> for Exit {
    fn from(outcome: VerdictOutcome) -> Self {
        match outcome {
            VerdictOutcome::Go => Self::Success,
            VerdictOutcome::NoGo => Self::NoGo,
            VerdictOutcome::Inconclusive => Self::Inconclusive,
        }
    }
}
