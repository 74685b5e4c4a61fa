//! What one test did: in one attempt, and in one leg over all its attempts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Crash;

/// How one attempt of one test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum AttemptStatus {
    /// Exit code 0 and no process left behind.
    Passed,
    /// Any other exit code.
    Failed {
        /// The exit code.
        exit_code: i32,
    },
    /// Ended by a signal that libcmatrix did not send.
    Crashed {
        /// The signal's number; 0 where it is not known (rustdoc does not always tell).
        signal: i32,
    },
    /// Still running at its time limit, and ended by libcmatrix.
    TimedOut,
    /// Killed by the kernel because the memory limit was reached, by the control group's counter.
    OomKilled,
    /// Exit code 0, but processes it started were still running when the grace time was over.
    Leaked,
    /// The process could not be started, or its end was not seen.
    NotRun {
        /// Why.
        reason: String,
    },
}

/// One attempt of one test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// How it ended.
    #[serde(flatten)]
    pub status: AttemptStatus,
    /// Wall-clock time in seconds. Absent where it was not measured (doctests).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// User and system time of the test's process and the children it waited for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// Largest resident set of any one process of the test, in bytes (`ru_maxrss`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// How often one of these processes gave the processor up to wait, e.g. for a lock (`ru_nvcsw`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<u64>,
    /// How often memory had to be brought in for them without a disk, e.g. anew after it was given back
    /// (`ru_minflt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_faults: Option<u64>,
    /// Standard output and error as they came, interleaved. Bytes that are not UTF-8 are replaced.
    /// Hostile: escape it before it is shown. Where `output_cut_bytes` is above 0 the middle is missing.
    #[serde(default)]
    pub output: String,
    /// How many bytes of output are not in `output`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output_cut_bytes: u64,
    /// Processes that were still there after the test's own process had ended, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked_processes: Vec<String>,
    /// Kills by the memory limit that were counted while this attempt ran. With parallel tests they
    /// may belong to a neighbour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub oom_kills: u64,
    /// What was seen when it crashed, at that moment. Absent where it did not, or could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Box<Crash>>,
    /// Why nothing was seen, where it crashed by a signal that would have been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash_unseen: Option<String>,
}

impl Attempt {
    /// An attempt of which nothing is known but how it ended.
    #[must_use]
    pub fn unmeasured(status: AttemptStatus) -> Self {
        Self {
            status,
            wall_s: None,
            cpu_s: None,
            peak_rss_bytes: None,
            waits: None,
            page_faults: None,
            output: String::new(),
            output_cut_bytes: 0,
            leaked_processes: Vec::new(),
            oom_kills: 0,
            crash: None,
            crash_unseen: None,
        }
    }
}

pub(crate) fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What one test did in one leg, over all its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Every attempt passed.
    Passed,
    /// Every attempt ended with this exit code.
    Failed {
        /// The exit code.
        exit_code: i32,
    },
    /// Every attempt was ended by this signal.
    Crashed {
        /// The signal's number.
        signal: i32,
    },
    /// Every attempt reached its time limit.
    TimedOut,
    /// Every attempt was killed at the memory limit.
    OomKilled,
    /// Every attempt passed and left processes behind.
    Leaked,
    /// Marked `#[ignore]`, so never run.
    Ignored,
    /// The attempts did not agree.
    Unstable {
        /// Attempts that passed.
        passed: u32,
        /// Attempts in all. (Not `attempts`: that key is the list of them in the record.)
        of: u32,
    },
    /// There is no result.
    NotRun {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The outcome over `attempts`, in the order they were made. An attempt that was not run says
    /// nothing where others were. No attempts: [`Outcome::NotRun`].
    #[must_use]
    pub fn of(attempts: &[Attempt]) -> Self {
        let Some(first) = attempts.first() else {
            return Self::NotRun { reason: "no attempt was finished".into() };
        };
        let was_run = |a: &&Attempt| !matches!(a.status, AttemptStatus::NotRun { .. });
        let run: Vec<&Attempt> = attempts.iter().filter(was_run).collect();
        let Some(first_run) = run.first() else { return Self::from(&first.status) };
        if run.iter().all(|a| a.status == first_run.status) {
            return Self::from(&first_run.status);
        }
        let passed = run.iter().filter(|a| a.status == AttemptStatus::Passed).count();
        Self::Unstable { passed: passed as u32, of: run.len() as u32 }
    }

    /// The outcome's name without its details, as in the JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Crashed { .. } => "crashed",
            Self::TimedOut => "timed-out",
            Self::OomKilled => "oom-killed",
            Self::Leaked => "leaked",
            Self::Ignored => "ignored",
            Self::Unstable { .. } => "unstable",
            Self::NotRun { .. } => "not-run",
        }
    }
}

impl From<&AttemptStatus> for Outcome {
    fn from(status: &AttemptStatus) -> Self {
        match status {
            AttemptStatus::Passed => Self::Passed,
            AttemptStatus::Failed { exit_code } => Self::Failed { exit_code: *exit_code },
            AttemptStatus::Crashed { signal } => Self::Crashed { signal: *signal },
            AttemptStatus::TimedOut => Self::TimedOut,
            AttemptStatus::OomKilled => Self::OomKilled,
            AttemptStatus::Leaked => Self::Leaked,
            AttemptStatus::NotRun { reason } => Self::NotRun { reason: reason.clone() },
        }
    }
}

/// The notation of the design: `passed`, `failed{101}`, `crashed{11}`, `unstable{1 of 2}`, `not-run{reason}`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { exit_code } => write!(f, "failed{{{exit_code}}}"),
            Self::Crashed { signal } => write!(f, "crashed{{{signal}}}"),
            Self::Unstable { passed, of } => write!(f, "unstable{{{passed} of {of}}}"),
            Self::NotRun { reason } => write!(f, "not-run{{{reason}}}"),
            plain => f.write_str(plain.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(statuses: &[AttemptStatus]) -> Outcome {
        Outcome::of(&statuses.iter().cloned().map(Attempt::unmeasured).collect::<Vec<_>>())
    }

    #[test]
    fn an_attempt_that_was_not_run_says_nothing() {
        let not_run = |reason: &str| AttemptStatus::NotRun { reason: reason.into() };
        assert_eq!(outcome(&[AttemptStatus::Passed, not_run("x")]), Outcome::Passed);
        let first = Outcome::NotRun { reason: "x".into() };
        assert_eq!(outcome(&[not_run("x"), not_run("y")]), first);
        assert!(matches!(outcome(&[]), Outcome::NotRun { .. }));
        let unstable = Outcome::Unstable { passed: 1, of: 2 };
        let crashed = AttemptStatus::Crashed { signal: 11 };
        assert_eq!(outcome(&[AttemptStatus::Passed, not_run("x"), crashed]), unstable);
    }
}
