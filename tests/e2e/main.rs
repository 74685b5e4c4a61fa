//! End-to-end trials: the `libcmatrix` command on real projects in real containers.
//!
//! `cargo test -p tests` runs all, `cargo test -p tests -- thread-stack` those whose name contains
//! that. A machine without an engine or without images fails them: nothing is skipped.
//!
//! - [`samples`]: each of `sample-projects/` must come out as its `expected.toml` says
//! - [`leftovers`]: what a killed run leaves behind, and that it is gone after the next command
//! - [`commands`]: the other commands, and bad input
//! - [`registry`]: images that are pulled

mod command;
mod commands;
mod expected;
mod leftovers;
mod registry;
mod samples;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    if !arguments.list {
        command::build();
    }
    let trials = [samples::trials(), leftovers::trials(), commands::trials(), registry::trials()];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}
