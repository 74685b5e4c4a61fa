//! The image that a project would be shipped in: made of a base and the project's programs, and read.
//!
//! Takes the saved base and the programs; gives an archive that engines load, and what a user of the
//! image gets with it: sizes, packages, programs, what is needed to start. Pure but for files in a
//! scratch folder; no engine is asked here (`leg::final_image` does that).
//!
//! ```text
//! programs ──> layer ──┬──> assemble ──> archive for the engine
//! base's layers ───────┤
//!                      ├──> compressed (sizes of each layer)
//!                      └──> image_contents (files, packages, needs) ──> surface
//! ```

mod assemble;
mod compressed;
mod surface;

pub use assemble::{Assembled, FOLDER, Program, USER, assemble};
