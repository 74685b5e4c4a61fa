//! Many pairs of environments: which there are, whose turn they are, and what came of all of them. Pure.
//!
//! ```text
//! [matrix] of libcmatrix.toml ──> pairs ──> shard ──> (a run each) ──> in_short ──> merge
//! ```

mod in_short;
mod merge;
mod pairs;
mod shard;

pub use in_short::in_short;
pub use merge::merge;
pub use pairs::{MatrixConfig, Pair, pairs};
pub use shard::Shard;
