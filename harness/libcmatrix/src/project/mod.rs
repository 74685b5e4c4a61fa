//! What the project is, as far as its own files tell. Takes a folder or the name of a published
//! crate; gives [`Inspected`]. Only reads; the project's tree is never written to.
//!
//! - [`mod@inspect`]: packages, targets, features, and paths that lead out of the tree (cargo_metadata)
//! - [`build_context`]: what a Dockerfile of it may copy
//! - `commit`: the git commit that is checked out
//! - [`config_env`]: variables that its cargo configuration sets for tests
//! - [`host_cargo`]: the cargo of this machine, asked for metadata
//! - [`native_packages`]: what is to be installed for a native dependency
//! - [`neutralise`]: settings in the tree that would make the legs unequal
//! - [`published`]: a crate from the registry as a folder
//! - [`resolved`]: its dependencies on the musl target, with their sources
//! - [`select`]: which packages, features and profile (options of cargo, passed on)

pub mod build_context;
mod commit;
pub mod config_env;
pub mod harness;
pub mod host_cargo;
pub mod inspect;
pub mod native_packages;
pub mod neutralise;
pub mod published;
pub mod resolved;
pub mod select;

pub use inspect::{Inspected, inspect};
pub use select::CargoSelection;
