//! Runs that are kept, night after night, in one SQLite file; and what they show together.
//!
//! - [`kept`]: what is kept of a run (pure)
//! - [`HistoryFile`]: the file: made, brought up to date, added to by many at a time, merged, pruned
//! - [`trend`]: since when a test is worse, which tests are unstable, what grows (pure)
//!
//! A run is one transaction, so a writer that dies leaves all of it or nothing. A run that is there
//! already stays as it is; only details that it lacks are added.

mod add;
mod file;
pub mod kept;
mod merge;
mod migrate;
mod prune;
mod read;
pub mod trend;

pub use file::HistoryFile;
pub use merge::Merged;
pub use prune::{Keep, Pruned};

/// The file where none is named.
pub const DEFAULT_FILE: &str = "libcmatrix-history.sqlite";
