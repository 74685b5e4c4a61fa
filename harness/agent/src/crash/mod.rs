//! What can be seen of a crash at the moment it happens, by the crashed process's tracer.
//!
//! ```text
//! supervisor ── wait4 ──> tracer ── signal of a crash ──> evidence ──> Crash
//!                           |                               | registers, maps, stack
//!                           └── every other stop goes on    └── helper (a fork): unwind, symbols
//! ```
//!
//! The program's supervisor traces it from before its `exec`, with all its threads. What the program
//! can notice of that:
//!
//! - `TracerPid` in `/proc/self/status`, and `EPERM` where it asks to be traced (`PTRACE_TRACEME`)
//!   or a child of it wants to trace it. What it does with processes of its own is not affected.
//! - A system call that does not start again after a signal, e.g. `epoll_wait`, ends with `EINTR`
//!   also for a signal that is ignored, mostly `SIGCHLD`.
//! - Starting a thread takes two stops, each some microseconds.
//!
//! Where the kernel does not allow tracing, the program runs without, and the attempt says so.

mod cfi;
mod disposition;
mod evidence;
mod helper;
mod maps;
mod memory;
mod objects;
mod ptrace;
mod registers;
mod search;
mod stack;
mod symbols;
mod tracer;
mod trampoline;
mod turn;
mod unwind;

pub(crate) use tracer::{Tracer, is_crash};
