//! The comparison of [libcmatrix](https://github.com/libcmatrix/libcmatrix) as tests of a project: each test
//! that was compared is a trial, which fails if it regressed on musl. Works with `cargo test` and with
//! nextest.
//!
//! ```toml
//! # Cargo.toml
//! [dev-dependencies]
//! libcmatrix-test = "0.1"
//!
//! [[test]]
//! name = "alpine"
//! harness = false
//! ```
//!
//! ```no_run
//! // tests/alpine.rs
//! fn main() {
//!     libcmatrix_test::run(&[]) // or options of `libcmatrix run`: &["--candidate", "alpine-3.22"]
//! }
//! ```
//!
//! `cargo test --test alpine` then runs `libcmatrix run` on the package, which must be installed (it is no
//! dependency, and with its container clients no light one), and shows what came of it:
//!
//! - a trial for each test that has a result on both sides; one that is worse on musl fails with what both
//!   sides did, the cause and what to do;
//! - a last one, `the verdict is go`, which fails with the reasons if the answer is no-go or inconclusive: a
//!   project that does not build for musl has no test to compare, and must not look green.
//!
//! The run's folder, with all reports, is in `target/libcmatrix/<package>/<test>/`. Where the comparison cannot be
//! made, without an engine for instance, the test binary ends with exit code 101 and says why: nothing is
//! skipped.
//!
//! # Variables
//!
//! - `LIBCMATRIX_BIN`: the program, if it is not the `libcmatrix` on the search path;
//! - `LIBCMATRIX_RECORD`: a folder of a run, or its `run.json` (as seen from the package): shows that one, and
//!   runs nothing;
//! - `LIBCMATRIX`: set for the tests inside a run. This test is one of the project's, too: there it has no
//!   trials.
//!
//! # With nextest
//!
//! nextest asks for the list of tests first, then starts a process for each. The comparison is made when the
//! list is asked for and kept beside the reports; the processes look it up. `cargo nextest list` makes it as
//! well.

#![allow(clippy::needless_doctest_main, reason = "the example is a whole file")]

mod comparison;
mod mode;
mod program;
mod trials;

use std::env;

use libtest_mimic::{Arguments, Trial};

use mode::Mode;

/// Exit code of a test binary that did not come to its tests, as libtest has it.
const CANNOT_RUN: i32 = 101;

/// Compares, runs the trials, and ends the process with their exit code. Takes further options of
/// `libcmatrix run`; arguments on the command line are those of every test binary (a filter, `--exact`,
/// `--list`).
pub fn run(options: &[&str]) -> ! {
    let arguments = Arguments::from_args();
    let mode = Mode::of(&arguments, |name| env::var_os(name));
    // Said so that it is known for a list: saying nothing is what any program may do.
    if mode == Mode::Inside && arguments.list {
        println!("0 tests, 0 benchmarks");
    }
    match comparison::of(mode, options) {
        Ok(told) => {
            let trials = told.into_iter().map(Trial::from).collect();
            libtest_mimic::run(&arguments, trials).exit()
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(CANNOT_RUN)
        }
    }
}
