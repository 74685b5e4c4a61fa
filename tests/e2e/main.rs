//! End-to-end trials: the `libcmatrix` command on real projects in real containers.
//!
//! `cargo test -p tests` runs all, `cargo test -p tests -- thread-stack` those whose name contains
//! that. A machine without an engine or without images fails them: nothing is skipped.
//!
//! - [`samples`]: each of `sample-projects/` must come out as its `expected.toml` says
//! - [`escape`]: every attempt to get out of a sandbox is refused, and would succeed outside; [`bait`]
//!   is what such an attempt would find
//! - [`leftovers`]: what a killed run leaves behind, and that it is gone after the next command
//! - [`audit`]: what ELF files say and miss
//! - [`final_images`]: what the project would be shipped in, against Docker, dpkg and apk
//! - [`measures`]: the baseline against itself, attempts in turns, builds from nothing
//! - [`matrix`]: many pairs of environments, in shards
//! - [`cargo_test`]: the comparison as tests of a project
//! - [`commands`]: the other commands, and bad input
//! - [`registry`]: images that are pulled
//! - [`rootless`]: the embedded engine for ordinary users
//! - [`podman`]: the same command over Podman's socket

mod audit;
mod bait;
mod cargo_test;
mod command;
mod commands;
mod escape;
mod expected;
mod final_images;
mod leftovers;
mod matrix;
mod measures;
mod podman;
mod registry;
mod rootless;
mod samples;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    if !arguments.list {
        command::build();
    }
    let trials = [
        samples::trials(),
        escape::trials(),
        leftovers::trials(),
        audit::trials(),
        measures::trials(),
        final_images::trials(),
        matrix::trials(),
        cargo_test::trials(),
        commands::trials(),
        registry::trials(),
        rootless::trials(),
        podman::trials(),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    podman::end();
    conclusion.exit();
}
