//! The event stream: what a run saw, in the order it saw it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Artifact, Attempt, Binary, ColdBuild, Environment, Experiment, FinalImage, Host, Note, Outcome,
    Project, Role, Settings, Step, StepName, Tool,
};

/// One line of `events.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// When it was written (RFC 3339, UTC).
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// See [`crate::SCHEMA_VERSION`].
        schema_version: u32,
        /// What writes the events.
        tool: Tool,
        /// The run's id.
        run_id: String,
        /// The machine.
        host: Host,
        /// The code under test.
        project: Project,
        /// What was asked for.
        settings: Settings,
    },
    /// Something the reader should know.
    Noted(Note),
    /// More is known of the project than before.
    ProjectDescribed {
        /// All that is known.
        project: Project,
    },
    /// A leg begins, or more is known of its environment than before.
    LegDescribed {
        /// The leg.
        leg: String,
        /// What it is for.
        role: Role,
        /// Where it is built and run.
        environment: Environment,
    },
    /// A step begins.
    StepStarted {
        /// The leg.
        leg: String,
        /// Which step.
        step: StepName,
    },
    /// A step goes on: for the eye only, not kept in the record.
    StepProgress {
        /// The leg.
        leg: String,
        /// Which step.
        step: StepName,
        /// Units done.
        done: u64,
        /// Units in all, where known.
        total: Option<u64>,
        /// What is being done, e.g. the crate being compiled. Hostile text.
        doing: String,
    },
    /// A step is done.
    StepFinished {
        /// The leg.
        leg: String,
        /// The step.
        step: Step,
    },
    /// A test binary was built, or its tests were listed. The last one of an id counts.
    BinaryFound {
        /// The leg.
        leg: String,
        /// The binary.
        binary: Binary,
    },
    /// A program, library or test binary was built, or an object was found prebuilt.
    ArtifactBuilt {
        /// The leg.
        leg: String,
        /// The file.
        artifact: Artifact,
    },
    /// A test exists, and will be run.
    TestFound {
        /// The leg.
        leg: String,
        /// Its id.
        id: String,
    },
    /// A test exists and will not be run.
    TestSkipped {
        /// The leg.
        leg: String,
        /// Its id.
        id: String,
        /// [`Outcome::Ignored`] or [`Outcome::NotRun`].
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// An attempt begins: for the eye only, not kept in the record.
    TestStarted {
        /// The leg.
        leg: String,
        /// The test's id.
        id: String,
    },
    /// An attempt is done.
    TestFinished {
        /// The leg.
        leg: String,
        /// The test's id.
        id: String,
        /// What it did.
        attempt: Attempt,
    },
    /// A leg was built once more, from nothing.
    BuiltAgain {
        /// The leg's name.
        leg: String,
        /// What it took.
        build: ColdBuild,
    },
    /// All benchmarks of a leg ran once.
    Benchmarked {
        /// The leg's name.
        leg: String,
        /// Seconds of one iteration by `binary$benchmark`. Names are hostile text.
        results: std::collections::BTreeMap<String, f64>,
    },
    /// An image that the project would be shipped in was made and measured.
    ImageMade {
        /// The leg's name.
        leg: String,
        /// The image.
        image: FinalImage,
    },
    /// An experiment was made, or could not be.
    ExperimentFinished {
        /// The experiment.
        experiment: Experiment,
    },
    /// The last event of a run.
    RunFinished {
        /// Whether the user stopped it.
        interrupted: bool,
    },
}
