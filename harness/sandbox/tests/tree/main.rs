//! Trees against hostile archives: every way out of the folder that is known, and what must work. They pass
//! as root and as an ordinary user.
//!
//! - [`archive`], [`ground`]: what the tests are made of
//! - [`content`], [`links`], [`whiteouts`], [`damage`]: unpacking
//! - [`packing`], [`removing`]: the way back
//! - [`random`]: all of it with archives that nobody thought of

mod archive;
mod content;
mod damage;
mod ground;
mod links;
mod packing;
mod random;
mod removing;
mod whiteouts;
