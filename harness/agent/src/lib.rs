//! The agent: what runs inside an environment.
//!
//! It is the `libcmatrix` executable itself, copied into the environment and started there as
//! PID 1 (see [`serve`]). It takes [`protocol::Job`]s, one JSON line each, on standard input and
//! answers with [`protocol::Report`]s, one JSON line each, on standard output. The end of standard
//! input means that whoever gave the jobs is gone: the agent ends, and as PID 1 takes everything
//! with it.
//!
//! ```text
//! serve ── job ──> exec | list | test ── Command ──> pool ── fork ──> supervisor ── fork ──> the program
//!   ^                                                 |  <── output (pipe) ──────────────────── |
//!   └──────────────── reports ────────────────────────┘  <── status (pipe) ─── supervisor <──── wait4
//! ```
//!
//! The job `audit` starts nothing: it reads files.
//!
//! Everything is single-threaded on purpose: only so may a process that was forked go on running
//! ordinary Rust code without `exec`. One supervisor per program is that program's subreaper, so
//! whatever the program leaves behind is known to be its own.

mod audit;
mod build_process;
mod capture;
mod command;
mod crash;
mod input;
mod memory_events;
mod pool;
mod process;
pub mod protocol;
mod scratch;
mod serve;
mod stack_header;
mod supervisor;
mod tests_job;

pub use audit::{asks_for, glibc_only::glibc_only_symbols, read_elf, read_elf_content};
pub use build_process::{BUILD_PROCESS_ARGUMENT, BUILD_SCRIPT, COMPILER, run_build_process};
pub use serve::{ARGUMENT, serve};
