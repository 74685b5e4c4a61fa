//! Sandboxes without a daemon: one program in namespaces of its own, and the trees it lives in.
//!
//! This is the inside of a short-lived helper process, one for each sandbox and for each tree that
//! is packed, unpacked or removed. It is single-threaded from its first instruction to its last:
//! namespaces and credentials are a thread's, and only a process with one thread may be forked
//! without care. The command starts it from a sealed copy of its own executable.
//!
//! ```text
//! command (tokio) ──control socket──> helper ──clone──> first process ──exec──> program
//!                                     limits, clean-up   mounts, users,
//!                                     waits, kills        filters
//! ```
//!
//! Takes one [`request::Request`] on the control socket; gives [`request::Answer`]s there. Hanging
//! up means: end everything.

pub mod cgroup;
mod control;
pub mod failed;
mod filter;
mod fork;
mod helper;
mod identity;
mod mount;
mod network;
mod program;
pub mod request;
mod rootfs;
mod run;
mod surroundings;
pub mod tree;
mod trees;
pub mod unreaped;
mod users;

pub use helper::{ARGUMENT, serve};
