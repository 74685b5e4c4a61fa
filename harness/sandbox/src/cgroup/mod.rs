//! Control groups: where they may be made here, and each one's making, limits and removal.
//!
//! [`find`] looks once, in the command; `group` is the helper's, once a sandbox. Both know version
//! 1 (one hierarchy a controller) and version 2 (one for all), also side by side.

pub mod find;
pub(crate) mod group;
mod leaf;
mod mounts;
mod scope;

pub use group::{count_oom_kills, remove};
