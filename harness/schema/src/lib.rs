//! The documents that libcmatrix writes, as serde types.
//!
//! Two documents exist. The [`RunRecord`] (`run.json`) holds everything a run found. The stream of
//! [`Event`]s (`events.ndjson`, one JSON object a line) is written while the run goes on, and
//! [`RunRecord::from_events`] makes the observed part of the record out of it, so a run that was
//! killed is readable up to its last event.
//!
//! Keys are append-only: a reader of version 1 must be able to read every later record.
//! Four further documents are made out of records: the [`RunDifference`] of two runs, the [`Trends`]
//! of many, the [`Matrix`] (`matrix.json`) of many pairs of environments, and the [`MatrixDifference`] of two
//! of these.
//! There is no I/O here and no clock.

mod artifact;
mod build_message;
mod comparison;
mod crash;
mod difference;
mod event;
mod experiment;
mod final_image;
mod finding;
mod fold;
mod history;
mod leg;
mod matrix;
mod matrix_difference;
mod measurement;
mod outcome;
mod record;
mod verdict;

pub use artifact::{Artifact, Elf};
pub use build_message::BuildMessage;
pub use comparison::{Change, ChangeKind, Comparison};
pub use crash::{Crash, CrashedThread, Frame, Mapping, Place, StackBounds};
pub use difference::{
    ConditionDifference, CostDifference, CostShows, FindingInBrief, ImageDifference, Moved,
    RunDifference, RunInBrief, StepDifference, TestDifference, TestDifferenceKind, Weight,
};
pub use event::{Event, EventLine};
pub use experiment::{Experiment, ExperimentKind};
pub use final_image::{
    AsInit, CompiledCrate, FinalImage, Flavour, ImageContents, ImageLayer, InstalledPackage,
    LayerSizes, NeededLibrary, RuntimeNeeds, Smoke, VulnerabilityCounts,
};
pub use finding::{Confidence, Evidence, Finding, Packages, Proof, Severity};
pub use history::{
    Growth, GrowthOf, HistoryImage, HistoryRun, HistoryTime, OngoingRegression, RunName, Series,
    Trends, UnstableTest,
};
pub use leg::{
    Binary, Environment, Image, Leg, Libc, Linkage, Role, Step, StepName, StepStatus, Test,
    Toolchain, is_doctest,
};
pub use matrix::{CellResult, CellRun, Matrix, MatrixCell};
pub use matrix_difference::{MatrixDifference, PairDifference, PairShows};
pub use measurement::{
    BenchMeasurement, BuildProcess, BuildProcessKind, ColdBuild, Measurement, PackageMeasurement,
    Quantity, Shows, TestMeasurement,
};
pub use outcome::{Attempt, AttemptStatus, Outcome};
pub use record::{
    Control, Host, Limits, Note, Package, Project, ProjectKind, RunRecord, Settings, Target,
    TargetKind, Tool,
};
pub use verdict::{Acceptance, Rule, RuleStatus, Verdict, VerdictOutcome};

/// Version of both documents. It grows only when a reader of an older version would misread a newer document.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of `run.json`.
#[must_use]
pub fn run_schema() -> schemars::Schema {
    schemars::schema_for!(RunRecord)
}

/// The JSON Schema of one line of `events.ndjson`.
#[must_use]
pub fn event_schema() -> schemars::Schema {
    schemars::schema_for!(EventLine)
}

/// The JSON Schema of `libcmatrix compare --format json`.
#[must_use]
pub fn difference_schema() -> schemars::Schema {
    schemars::schema_for!(RunDifference)
}

/// The JSON Schema of `libcmatrix compare --format json` of two matrices.
#[must_use]
pub fn matrix_difference_schema() -> schemars::Schema {
    schemars::schema_for!(MatrixDifference)
}

/// The JSON Schema of `libcmatrix history --format json`.
#[must_use]
pub fn trends_schema() -> schemars::Schema {
    schemars::schema_for!(Trends)
}

/// The JSON Schema of `matrix.json`.
#[must_use]
pub fn matrix_schema() -> schemars::Schema {
    schemars::schema_for!(Matrix)
}
