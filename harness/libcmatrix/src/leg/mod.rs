//! One leg: the steps that are done in one environment, over any engine.
//!
//! ```text
//! prepare ─> fetch ─> build ─> list ─> test ─> (confirm) ─> (prove) ─> doctest ─> (image)
//! ```
//!
//! Each step is a file; [`audit`] is the first part of `list`. A step takes the [`Leg`] and the run's [`Context`]; what it observes goes
//! to the recorder as it happens, and what later steps need stays in the leg. The agent does the
//! work inside ([`session`]); this side only says what is to be done and keeps what is answered.

pub mod added_packages;
pub mod archive;
pub mod audit;
pub mod bench;
mod bench_output;
pub mod build;
pub mod build_messages;
pub mod build_output;
pub mod cargo_messages;
pub mod cold_build;
mod compiled_crates;
pub mod doctest;
pub mod experiment;
pub mod fetch;
pub mod final_image;
pub mod inject;
pub mod layout;
pub mod libtest_output;
pub mod other_allocator;
pub mod own_image;
pub mod prepare;
mod scan;
pub mod session;
mod smoke;
pub mod source_tree;
pub mod step;
pub mod test;
pub mod test_environment;

use std::{path::PathBuf, sync::Arc};

use libcmatrix_agent::protocol::TestBinary;
use libcmatrix_schema::{Environment, Role, Settings, Toolchain};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Engine, EngineInfo, Mount, Owner, SandboxSpec, Volume},
    environment::EnvironmentSpec,
    failure::Result,
    image::ResolvedImages,
    project::{CargoSelection, Inspected, config_env::ConfigVariable},
    record::{Recorder, RunFolder},
};

/// What all legs of a run share.
pub struct Context {
    /// What runs the environments.
    pub engine: Arc<dyn Engine>,
    /// What the engine said about itself.
    pub engine_info: EngineInfo,
    /// Whose everything is.
    pub owner: Owner,
    /// Where observations go.
    pub recorder: Arc<Recorder>,
    /// Where files go.
    pub folder: RunFolder,
    /// The project.
    pub project: Inspected,
    /// What of it is tested.
    pub selection: CargoSelection,
    /// Limits and numbers.
    pub settings: Settings,
    /// Ends everything when the user says so.
    pub cancel: CancellationToken,
    /// Holds the agent.
    pub agent: inject::InjectedAgent,
    /// Holds downloaded dependencies; one for all legs, written to only while fetching.
    pub cargo_home: Volume,
    /// Variables that the project's cargo configuration sets for tests.
    pub config_env: Vec<ConfigVariable>,
}

/// One leg while it is being run.
pub struct Leg {
    /// The environment's name.
    pub name: String,
    /// What the leg is for.
    pub role: Role,
    /// Its definition.
    pub spec: EnvironmentSpec,
    /// Flags for rustc beside those that its linkage needs; an experiment sets them.
    pub extra_rustflags: Vec<String>,
    /// Its images.
    pub images: ResolvedImages,
    /// Its own copy of the project.
    pub source: Volume,
    /// Its build output.
    pub target: Volume,
    /// Its compiler, once asked.
    pub toolchain: Option<Toolchain>,
    /// Where the compiler's own libraries are, once asked.
    pub sysroot: String,
    /// Where cargo is, once asked.
    pub cargo: String,
    /// What was copied as the project, in one number.
    pub source_digest: Option<u64>,
    /// The resolved metadata, once fetched.
    pub metadata: Option<Box<cargo_metadata::Metadata>>,
    /// Whether anything of it did not build.
    pub build_failed: bool,
    /// What was built, once it was.
    pub outputs: audit::Outputs,
    /// The test binaries, once built.
    pub binaries: Vec<BuiltBinary>,
    /// The tests to run, once listed.
    pub tests: Vec<test::PlannedTest>,
    /// The sandbox that runs the tests, kept for the tests that are run again.
    pub test_session: Option<session::AgentSession>,
}

/// A test binary that was built.
#[derive(Clone, Debug)]
pub struct BuiltBinary {
    /// How the agent starts it.
    pub test: TestBinary,
    /// What a test is called that is the binary as a whole.
    pub target_name: String,
    /// Whether it runs in the compiler rather than on the target.
    pub is_host_only: bool,
}

impl Leg {
    /// For the record.
    #[must_use]
    pub fn environment(&self, engine: &dyn Engine, info: &EngineInfo) -> Environment {
        Environment {
            libc: self.spec.libc,
            distro: self.spec.distro.clone(),
            release: self.spec.release.clone(),
            linkage: self.spec.linkage(),
            engine: engine.name().to_owned(),
            limits_by: info.limits_by.clone(),
            images: self.images.describe(&self.spec),
            env: self.spec.env.clone(),
            toolchain: self.toolchain.clone(),
        }
    }

    /// The platform it compiles for; before the compiler was asked, what the environment says.
    #[must_use]
    pub fn target_triple(&self) -> &str {
        self.toolchain
            .as_ref()
            .map(|t| t.target.as_str())
            .or(self.spec.target.as_deref())
            .unwrap_or_default()
    }

    /// Where cargo is started.
    #[must_use]
    pub fn working_dir(&self, project: &Inspected) -> String {
        let folder = project.manifest.parent().map(PathBuf::from).unwrap_or_default();
        layout::join(layout::SOURCE, &folder.to_string_lossy())
    }

    /// A session in the image that the tests run in, with what they may take.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn runtime_session(
        &self,
        context: &Context,
        purpose: &str,
    ) -> Result<session::AgentSession> {
        self.session_in(context, purpose, &self.images.runtime.id).await
    }

    /// The same in another image.
    async fn session_in(
        &self,
        context: &Context,
        purpose: &str,
        image: &str,
    ) -> Result<session::AgentSession> {
        let mut sandbox = self.sandbox(context, purpose, image);
        sandbox.memory_bytes = context.settings.limits.test_memory_bytes;
        sandbox.read_only_root = self.spec.read_only_root;
        session::AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await
    }

    fn sandbox(&self, context: &Context, purpose: &str, image: &str) -> SandboxSpec {
        let mount = |volume: &Volume, at: &str, read_only| Mount {
            volume: volume.clone(),
            at: at.into(),
            read_only,
        };
        SandboxSpec {
            owner: context.owner.clone(),
            purpose: format!("{} {purpose}", self.name),
            image: image.into(),
            argv: context.agent.argv.clone(),
            env: self.spec.env.iter().map(|(k, v)| format!("{k}={v}")).collect(),
            working_dir: "/".into(),
            user: self.spec.user.clone(),
            mounts: vec![
                mount(&context.agent.volume, layout::AGENT, true),
                mount(&self.source, layout::SOURCE, false),
                mount(&self.target, layout::TARGET, false),
                mount(&context.cargo_home, layout::CARGO_HOME, true),
            ],
            network: false,
            read_only_root: false,
            memory_bytes: context.settings.limits.build_memory_bytes,
            pids: context.settings.limits.pids,
            cpus: context.settings.limits.cpus,
            file_bytes: context.settings.limits.file_bytes,
        }
    }
}
