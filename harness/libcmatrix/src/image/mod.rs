//! Where images come from: the engine's own store, a registry, an archive, a recipe.
//!
//! - [`choose`]: which pair of environments, when none is named
//! - [`mod@resolve`]: the images of an environment, present and pinned
//! - [`recipe`]: images made on this machine out of packages

pub mod choose;
pub mod recipe;
pub mod resolve;

pub use resolve::{ResolvedImages, resolve};
