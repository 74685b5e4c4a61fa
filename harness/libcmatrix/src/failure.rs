//! How things go wrong: what it was about, why, what to do next, and the exit code that says whose it is.

use std::fmt;

use crate::exit::Exit;

/// An error that a person can act on.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whose fault it is, as an exit code.
    pub exit: Exit,
    /// What could not be done, naming the thing.
    pub what: String,
    /// Why. May be empty where `what` says it all.
    pub cause: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// A result whose error can be shown to a person.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// The user's input is at fault: exit code 2.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// The surroundings are at fault (engine, images, disk, network): exit code 3.
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Exit::Environment, what)
    }

    /// libcmatrix is at fault: exit code 70.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Exit::Bug, what)
    }

    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), cause: String::new(), hint: None }
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = cause.to_string().trim().to_owned();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.cause.is_empty() {
            write!(f, ": {}", self.cause)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
