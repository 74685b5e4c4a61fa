//! Why something could not be done: what was being done, and what the kernel said.

use std::{fmt, io};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::request::Answer;

/// A failure, in words that a user can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What was being done.
    pub what: String,
    /// Why it failed.
    pub why: String,
    /// The kernel's error number, where it was the kernel that refused.
    pub errno: Option<i32>,
}

impl Failed {
    /// A failure that is not the kernel's.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), errno: None }
    }

    /// Reading or writing failed.
    pub fn io(what: impl Into<String>, error: &io::Error) -> Self {
        Self { what: what.into(), why: error.to_string(), errno: error.raw_os_error() }
    }

    /// The kernel refused.
    pub fn kernel(what: impl Into<String>, errno: Errno) -> Self {
        Self::io(what, &errno.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for Answer {
    fn from(Failed { what, why, errno }: Failed) -> Self {
        Self::Failed { what, why, errno }
    }
}

/// Gives an error the words for what was being done.
pub trait Doing<T> {
    /// The same result; an error says that `what` failed.
    ///
    /// # Errors
    /// The error as it was.
    fn doing(self, what: impl Into<String>) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failed> {
        self.map_err(|error| Failed::io(what, &error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_number_is_kept() {
        let Answer::Failed { errno, why, .. } = Failed::kernel("x", Errno::NOSPC).into() else {
            panic!("a failure");
        };
        assert_eq!(errno, Some(28));
        assert!(why.contains("No space"), "{why}");
    }
}
