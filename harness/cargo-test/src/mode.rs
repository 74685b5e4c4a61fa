//! Where the trials come from this time. Pure: takes the arguments and the variables; gives the source.

use std::{ffi::OsString, path::PathBuf};

use libtest_mimic::Arguments;

/// Set for every test that runs inside a leg.
const INSIDE: &str = "LIBCMATRIX";
/// A run to show.
const RECORD: &str = "LIBCMATRIX_RECORD";
/// How nextest runs tests (<https://nexte.st/docs/configuration/env-vars/>).
const NEXTEST_MODE: &str = "NEXTEST_EXECUTION_MODE";

/// Where the trials come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// There are none: this is a test inside a leg.
    Inside,
    /// There are none of those that were asked for.
    None,
    /// A run that was made before.
    Record(PathBuf),
    /// What the process left that listed them.
    Kept,
    /// A run that is made now.
    Run,
}

impl Mode {
    pub(crate) fn of(arguments: &Arguments, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if variable(INSIDE).is_some() {
            return Self::Inside;
        }
        // No trial is an ignored one: nextest asks for those apart, at the same time.
        if arguments.ignored {
            return Self::None;
        }
        if let Some(path) = variable(RECORD).filter(|path| !path.is_empty()) {
            return Self::Record(path.into());
        }
        let is_one_of_many = variable(NEXTEST_MODE).is_some_and(|mode| mode == "process-per-test");
        if is_one_of_many && !arguments.list { Self::Kept } else { Self::Run }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(arguments: &[&str], variables: &[(&str, &str)]) -> Mode {
        let arguments = Arguments::from_iter([&["alpine"], arguments].concat());
        Mode::of(&arguments, |name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into())
        })
    }

    const NEXTEST: (&str, &str) = ("NEXTEST_EXECUTION_MODE", "process-per-test");

    #[test]
    fn cargo_test_runs() {
        assert_eq!(mode(&[], &[]), Mode::Run);
        assert_eq!(mode(&["--list"], &[]), Mode::Run);
        assert_eq!(mode(&["a$b", "--exact"], &[]), Mode::Run);
    }

    #[test]
    fn nextest_runs_once() {
        assert_eq!(mode(&["--list", "--format", "terse"], &[NEXTEST]), Mode::Run);
        assert_eq!(mode(&["--list", "--format", "terse", "--ignored"], &[NEXTEST]), Mode::None);
        assert_eq!(mode(&["a$b", "--nocapture", "--exact"], &[NEXTEST]), Mode::Kept);
    }

    #[test]
    fn a_run_within_a_run_is_none() {
        let inside = ("LIBCMATRIX", "1");
        assert_eq!(mode(&[], &[inside]), Mode::Inside);
        assert_eq!(mode(&["--list"], &[inside, ("LIBCMATRIX_RECORD", "x")]), Mode::Inside);
    }

    #[test]
    fn a_record_is_shown_whoever_asks() {
        let record = ("LIBCMATRIX_RECORD", "out/latest");
        assert_eq!(
            mode(&["a$b", "--exact"], &[NEXTEST, record]),
            Mode::Record("out/latest".into())
        );
        assert_eq!(mode(&[], &[("LIBCMATRIX_RECORD", "")]), Mode::Run);
    }
}
