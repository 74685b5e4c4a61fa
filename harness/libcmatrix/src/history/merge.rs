//! Several files become one: what other machines kept is added here.

use super::HistoryFile;
use crate::failure::Result;

/// What came of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Runs of the other file.
    pub all: usize,
    /// Those that were new, or brought details that were lacking.
    pub new: usize,
}

impl HistoryFile {
    /// Adds all runs of another file. The other file stays as it is.
    ///
    /// # Errors
    /// The other cannot be read, or this one cannot be written.
    pub fn merge(&mut self, other: &mut Self) -> Result<Merged> {
        let runs = other.runs()?;
        let mut new = 0;
        for run in &runs {
            new += usize::from(self.add(run)?);
        }
        Ok(Merged { all: runs.len(), new })
    }
}
