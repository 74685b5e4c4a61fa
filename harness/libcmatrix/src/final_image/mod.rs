//! The image that a project would be shipped in: made of a base and the project's programs, or built by the
//! user's own Dockerfile; and read.
//!
//! Takes the saved base and the programs, or the saved image; gives an archive that engines load, and what
//! a user of the image gets with it: sizes, packages, programs, what is needed to start. Pure but for
//! files in a scratch folder; no engine is asked here (`leg::final_image` and `leg::own_image` do that).
//!
//! ```text
//! programs ──────> assemble ──> archive for the engine
//! base's layers ──────┤
//! own image's layers ─┴─> examine ──┬─> compressed (sizes of each layer)
//!  └─> start_command                └─> image_contents (files, packages, needs) ──> surface
//! ```
//!
//! [`Scanner`]: how vulnerability scanners are called over such an archive, and read.

mod assemble;
mod compressed;
mod examine;
mod own;
mod scanners;
mod start_command;
mod surface;

pub use assemble::{Assembled, FOLDER, Program, USER, assemble};
pub use examine::Examined;
pub use own::{OwnImage, read_own};
pub use scanners::Scanner;
pub use start_command::StartCommand;
