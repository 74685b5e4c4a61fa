//! Attempts to get out of a sandbox, each of which must be refused in there. The tests are in
//! `tests/escape`, one attempt each; this is what they are made with.
//!
//! Where `ESCAPE_OUTSIDE` is set, the same attempts run as root on a bare machine and each must
//! succeed: an attempt that would fail anywhere says nothing about a sandbox. Nothing is harmed
//! there: what is set is set to the value that it has, mounts are made in a mount namespace of the
//! attempt's own, and where only damage would be success, an error that the kernel gives *after* it
//! has granted the permission counts as one.
//!
//! - [`attempt`]: runs one and judges it
//! - [`kernel`]: system calls by number, so that both C libraries ask the kernel the same thing
//! - [`bait`]: what the trial has laid out on the host
//! - [`files`]: small helpers around files

pub mod attempt;
pub mod bait;
pub mod files;
pub mod kernel;
