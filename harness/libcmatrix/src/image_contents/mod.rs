//! What is in an image: its files after all layers, whose they are, what its programs need to start.
//!
//! Takes layers as plain archives; gives what stands where, and a layer that has packages of one image
//! for another. Pure but for files in a scratch folder; no engine is asked here.
//!
//! ```text
//! layers ──> files ──> packages ──> needs
//!              └──────────┴───────────┴──> transplant (a layer for another image)
//! ```

pub(crate) mod files;
pub(crate) mod needs;
pub(crate) mod packages;
pub mod transplant;
