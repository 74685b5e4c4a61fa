//! What a move to musl may stumble over, found without running anything: from the resolved
//! dependencies, their sources, and the files of the project.
//!
//! ```text
//! project::resolved ─> collect (reads files) ─> one module a kind of hazard (pure) ─> HazardReport
//! ```
//!
//! - [`hazard`]: the form of a hazard
//! - [`native`], [`crate_type`], [`bindgen`], [`old_version`]: from the resolved packages
//! - [`libc_item`], [`foreign`], [`command`]: from Rust sources, which [`source`] reads
//! - [`script`], [`c_header`], [`prebuilt`], [`cargo_config`]: from other files
//! - [`symbol`]: the symbols that only glibc has

pub mod bindgen;
pub mod c_header;
pub mod cargo_config;
mod collect;
pub mod command;
pub mod crate_type;
pub mod foreign;
pub mod hazard;
pub mod libc_item;
pub mod native;
pub mod old_version;
pub mod prebuilt;
pub mod script;
pub mod source;
pub mod symbol;
#[cfg(test)]
mod testing;
mod text;

pub use collect::find;
pub use hazard::{Hazard, HazardReport};
