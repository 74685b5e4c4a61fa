//! Experiments: failing tests, run again with one thing changed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Test;

/// Failing tests, run again with one thing changed. Raw, as every observation; what it shows is said
/// by the finding that it was made for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Experiment {
    /// What was changed.
    pub kind: ExperimentKind,
    /// The leg whose tests they are.
    pub leg: String,
    /// Code of the finding that it was made for, where the change is that finding's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// The packages that were added, as the baseline's package manager calls them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// What the tests did with the change.
    #[serde(default)]
    pub tests: Vec<Test>,
    /// Why it could not be made, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_made: Option<String>,
}

/// The one thing that is changed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ExperimentKind {
    /// `PT_GNU_STACK` of a copy of the test binary asks for threads with 8 MiB of stack.
    StackSize,
    /// The glibc side runs with glibc's heap checks on.
    GlibcHeapChecks,
    /// The same musl binary runs in the baseline's image.
    BaselineUserland,
    /// The candidate's image has packages of the baseline's beside its own.
    PackagesAdded,
    /// The project is linked to musl dynamically.
    DynamicLibc,
    /// The project is linked with another allocator than musl's.
    OtherAllocator,
}

impl fmt::Display for ExperimentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StackSize => "stack-size",
            Self::GlibcHeapChecks => "glibc-heap-checks",
            Self::BaselineUserland => "baseline-userland",
            Self::PackagesAdded => "packages-added",
            Self::DynamicLibc => "dynamic-libc",
            Self::OtherAllocator => "other-allocator",
        })
    }
}
