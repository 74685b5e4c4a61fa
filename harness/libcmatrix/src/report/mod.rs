//! A run, made readable. Pure: each report is a function of the run record and computes no result
//! of its own.
//!
//! - [`terminal`]: for people, in columns
//! - [`difference`]: what changed between two runs
//! - [`diagnosis`]: what was found in a log
//! - [`explanation`]: the page of a finding
//! - [`hazards`]: what may go wrong, before any run
//! - [`history`]: what many runs show together, for terminals and as a page
//! - [`dockerfile`], [`sbom`]: an image that was made, to build again, and what is in it
//! - [`excerpt`]: the lines of a test's output that tell most
//! - [`sanitise`]: text of tested programs is hostile; it is made harmless before it goes anywhere
//! - [`amount`]: seconds and bytes as people read them

pub mod amount;
mod chosen_image;
pub mod diagnosis;
pub mod difference;
pub mod dockerfile;
pub mod excerpt;
pub mod explanation;
pub mod hazards;
pub mod history;
pub mod sanitise;
pub mod sbom;
pub mod terminal;
