//! A hazard: something in a project that a move to musl may stumble over, and what to do about it.
//! Its form as JSON is stable: keys are only added.

use std::path::Path;

use libcmatrix_schema::Confidence;
use serde::Serialize;

use crate::diagnose::rulebook;

/// What was found in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HazardReport {
    /// Of this form.
    pub schema_version: u32,
    /// The project's name.
    pub project: String,
    /// The target that was asked about.
    pub target: String,
    /// The surest first.
    pub hazards: Vec<Hazard>,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

/// A hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hazard {
    /// Code of the finding that it would be.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether only a run tells if it does harm.
    pub needs_run: bool,
    /// The package, as `name@version`; for the workspace as a whole, its name.
    pub package: String,
    /// The file: below the workspace's root, or below the package's folder for a dependency.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// What is there. May hold hostile text.
    pub text: String,
    /// What to do, the best first.
    pub remedies: Vec<String>,
}

impl Hazard {
    /// A hazard with the title and the remedies of its code.
    #[must_use]
    pub fn new(code: &str, confidence: Confidence, package: &str, text: impl Into<String>) -> Self {
        let rule = rulebook().get(code).map(|entry| &entry.rule);
        Self {
            code: code.to_owned(),
            title: rule.map(|rule| rule.title.clone()).unwrap_or_default(),
            confidence,
            needs_run: confidence == Confidence::Possible,
            package: package.to_owned(),
            file: None,
            line: None,
            text: text.into(),
            remedies: rule.map(|rule| rule.remedies.clone()).unwrap_or_default(),
        }
    }

    /// Says where it is: `file` below `folder`.
    #[must_use]
    pub fn at(mut self, file: &Path, folder: &Path, line: impl Into<Option<usize>>) -> Self {
        let shown = file.strip_prefix(folder).unwrap_or(file);
        self.file = Some(shown.to_string_lossy().into_owned());
        self.line = line.into().and_then(|l| u64::try_from(l).ok());
        self
    }

    /// Says whether only a run tells.
    #[must_use]
    pub fn needs_run(mut self, needs_run: bool) -> Self {
        self.needs_run = needs_run;
        self
    }

    /// Says what to do instead of what its code says.
    #[must_use]
    pub fn remedies(mut self, remedies: Vec<String>) -> Self {
        self.remedies = remedies;
        self
    }
}
