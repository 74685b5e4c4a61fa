//! What runs environments: the one interface that everything above sees.
//!
//! An engine has images, volumes (folders that outlive one sandbox and belong to one run) and
//! sandboxes (one started program with limits, isolation, standard input and output). Everything
//! it makes for a run carries the run's mark ([`Owner`]), so that it can be found and removed
//! after any end of the run, also by another process ([`Engine::sweep`]).
//!
//! [`docker`] talks to a daemon, [`embedded`] needs none. Nothing above this module knows which
//! engine it is.

pub mod docker;
pub mod embedded;
mod image_format;
mod owner;
mod registry;
mod tail;

use std::{collections::BTreeMap, path::Path, pin::Pin};

use async_trait::async_trait;
use futures_util::Stream;
use libcmatrix_sandbox::unreaped::Unreaped;
use tokio::io::{AsyncRead, AsyncWrite};

pub use image_format::saved;
pub use owner::{Owner, current_owner, image_repository};

use crate::failure::{Failure, Result};

/// The machine's name in every sandbox: the same in all legs and on all engines, so that no test
/// differs by it.
const HOST_NAME: &str = "libcmatrix";

/// What an engine says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// `docker`, or another product behind the same interface, e.g. `podman`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The way it works: the interface that was agreed on, or whose rights are used.
    pub way: String,
    /// Where it is reached.
    pub address: String,
    /// Processors it may use.
    pub cpus: u32,
    /// Memory it may use, in bytes.
    pub memory_bytes: u64,
    /// The kernel's architecture, e.g. `x86_64`.
    pub architecture: String,
    /// What sets each limit: `memory` and `processes`, by `cgroup-v1`, `cgroup-v2`, `rlimit` (of each
    /// process) or `none`.
    pub limits_by: BTreeMap<String, String>,
    /// Limits that cannot be set here, in words; empty is good.
    pub missing_limits: Vec<String>,
    /// Where it keeps its data, if it is on this machine and says so.
    pub data_root: Option<String>,
}

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// How the engine names this very image (never a tag that may move).
    pub id: String,
    /// Its names.
    pub references: Vec<String>,
    /// `name@sha256:...` of the registries it came from.
    pub repo_digests: Vec<String>,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// The image's own variables (`NAME=value`).
    pub env: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its architecture as the image format names it, e.g. `amd64`.
    pub architecture: String,
}

/// A volume of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Volume(pub String);

/// A volume put into a sandbox.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The volume.
    pub volume: Volume,
    /// Where.
    pub at: String,
    /// Whether the sandbox may only read it.
    pub read_only: bool,
}

/// What a sandbox may reach and use.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// The run it belongs to.
    pub owner: Owner,
    /// For people: the leg and the step.
    pub purpose: String,
    /// [`LocalImage::id`].
    pub image: String,
    /// The program and its arguments. It is PID 1.
    pub argv: Vec<String>,
    /// Variables on top of the image's own (`NAME=value`).
    pub env: Vec<String>,
    /// Working directory.
    pub working_dir: String,
    /// `uid[:gid]`; `None` is the image's default.
    pub user: Option<String>,
    /// Volumes.
    pub mounts: Vec<Mount>,
    /// Whether it may reach the network. Without, only its own loopback exists.
    pub network: bool,
    /// Whether its root file system is read-only.
    pub read_only_root: bool,
    /// Memory with swap, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads at a time.
    pub pids: u64,
    /// Processors; `None` is all.
    pub cpus: Option<f64>,
    /// Size of one file, in bytes; `None` is no limit.
    pub file_bytes: Option<u64>,
}

/// How a sandbox ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxExit {
    /// Exit code of its first process; 128 + signal where a signal ended it.
    pub exit_code: i64,
    /// Whether the engine says that memory ran out in it.
    pub oom_killed: bool,
    /// What the engine says went wrong, if anything.
    pub error: Option<String>,
}

/// Bytes of a tar archive, as they come.
pub type TarStream = Pin<Box<dyn Stream<Item = std::io::Result<bytes::Bytes>> + Send>>;

/// A running sandbox. Dropping it does not end it: call [`Sandbox::remove`], or the run's clean-up will.
#[async_trait]
pub trait Sandbox: Send {
    /// Standard input of its first process. Can be taken once; dropping it ends the input.
    fn take_stdin(&mut self) -> Option<Box<dyn AsyncWrite + Send + Unpin>>;
    /// Standard output of its first process. Can be taken once.
    fn take_stdout(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>>;
    /// Standard error of its first process, so far (for error messages; bounded).
    fn stderr_so_far(&self) -> String;
    /// Sends SIGTERM to its first process. That it has ended already is no error.
    ///
    /// # Errors
    /// The engine cannot be reached any more.
    async fn terminate(&mut self) -> Result<()>;
    /// The children of its first process that have ended and were not waited for, the first few; `None`
    /// where it has ended itself, or the engine cannot tell.
    ///
    /// # Errors
    /// The engine cannot be reached any more.
    async fn unreaped(&mut self) -> Result<Option<Vec<Unreaped>>>;
    /// Waits for its end. Waiting may be given up and begun again.
    ///
    /// # Errors
    /// The engine cannot be reached any more.
    async fn wait(&mut self) -> Result<SandboxExit>;
    /// Kills everything in it and removes it. Doing it twice is no error.
    ///
    /// # Errors
    /// The engine cannot be reached any more.
    async fn remove(&mut self) -> Result<()>;
}

/// How a pull goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// Bytes received over all layers.
    pub received_bytes: u64,
    /// Bytes to receive over all layers that are known so far.
    pub total_bytes: u64,
}

/// What was removed of an engine's images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrunedImages {
    /// Images.
    pub images: u64,
    /// Bytes of disk that were freed.
    pub freed_bytes: u64,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Containers or sandboxes.
    pub sandboxes: u32,
    /// Volumes.
    pub volumes: u32,
    /// Images that a run has made.
    pub images: u32,
}

/// What runs environments.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Asks it about itself.
    ///
    /// # Errors
    /// It cannot be reached.
    async fn info(&self) -> Result<EngineInfo>;

    /// The image of that name, digest or id, if the engine has it.
    ///
    /// # Errors
    /// The engine cannot be reached.
    async fn find_image(&self, reference: &str) -> Result<Option<LocalImage>>;

    /// Fetches an image from its registry.
    ///
    /// # Errors
    /// No registry answers, or it does not have the image.
    async fn pull_image(
        &self,
        reference: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalImage>;

    /// Asks an image's registry whether it has it, by the way that a pull would go. Fetches nothing.
    ///
    /// # Errors
    /// No registry answers, or it does not have the image.
    async fn ask_registry(&self, reference: &str) -> Result<()>;

    /// Takes the images of an archive; gives their names. `name` is for one image that has none,
    /// such as a root file system.
    ///
    /// # Errors
    /// The file cannot be read, or is no image archive.
    async fn load_images(&self, archive: &Path, name: Option<&str>) -> Result<Vec<String>>;

    /// Writes an image into a file, as an archive of images.
    ///
    /// # Errors
    /// It is not there, or the disk is full.
    async fn save_image(&self, owner: &Owner, image: &str, archive: &Path) -> Result<()>;

    /// Labels that an image of a run needs, beside its name ([`image_repository`]), to be removed with it.
    fn image_labels(&self, owner: &Owner) -> BTreeMap<String, String>;

    /// Whether it can build Dockerfiles.
    fn builds_dockerfiles(&self) -> bool;

    /// Builds a Dockerfile. `context` is the archive of what it may copy, `dockerfile` its name in it;
    /// the image gets the name `name`. `said` is given the builder's output as it comes.
    ///
    /// # Errors
    /// It does not build, or the engine cannot.
    async fn build_image(
        &self,
        owner: &Owner,
        context: &Path,
        dockerfile: &str,
        name: &str,
        said: &(dyn Fn(String) + Send + Sync),
    ) -> Result<LocalImage>;

    /// Removes images without a name that nobody uses, and what downloads that were broken off have
    /// left.
    ///
    /// # Errors
    /// The engine keeps its images by other means.
    async fn prune_images(&self) -> Result<PrunedImages>;

    /// Bytes of disk that images take; `None` where the engine's images are not libcmatrix's own.
    ///
    /// # Errors
    /// The disk cannot be read.
    async fn images_disk_bytes(&self) -> Result<Option<u64>>;

    /// Removes an image.
    ///
    /// # Errors
    /// It does not exist, or is in use.
    async fn remove_image(&self, reference: &str) -> Result<()>;

    /// Makes an empty volume.
    ///
    /// # Errors
    /// The engine refuses.
    async fn create_volume(&self, owner: &Owner, purpose: &str) -> Result<Volume>;

    /// Unpacks a tar archive into a volume. `image` is any image that the engine has: some engines
    /// reach a volume only through one.
    ///
    /// # Errors
    /// The archive is refused, or the disk is full.
    async fn write_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        image: &str,
        tar: TarStream,
    ) -> Result<()>;

    /// Reads a path of a volume as a tar archive, whose entries begin with the path's last
    /// component; `None` if there is nothing at that path.
    ///
    /// # Errors
    /// The engine cannot be reached.
    async fn read_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        image: &str,
        path: &str,
    ) -> Result<Option<TarStream>>;

    /// Starts a sandbox, attached to its standard streams from its first byte on.
    ///
    /// # Errors
    /// The engine refuses, or the program cannot be started.
    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>>;

    /// Removes everything that belongs to a run.
    ///
    /// # Errors
    /// The engine cannot be reached; what could be removed is removed.
    async fn remove_run(&self, run_id: &str) -> Result<Removed>;

    /// Removes everything whose owner is no longer alive on this machine. With `all`, also what
    /// belongs to other machines or to living owners.
    ///
    /// # Errors
    /// The engine cannot be reached; what could be removed is removed.
    async fn sweep(&self, all: bool) -> Result<Removed>;
}

/// Why an engine that has no builder refuses a Dockerfile.
#[must_use]
pub fn no_dockerfiles(dockerfile: &str) -> Failure {
    Failure::usage(format!("{dockerfile} cannot be built"))
        .because("the embedded engine builds no Dockerfiles")
        .hint("take another with --engine docker (Docker or Podman); or leave out the Dockerfile: images are then put together of the environment's runtime image and the programs")
}

/// Loads the one image of an archive that was made for it; gives it as the engine has it.
///
/// # Errors
/// The file cannot be read, is no image archive, or the engine does not have what it loaded.
pub async fn load_made_image(
    engine: &dyn Engine,
    archive: &Path,
    name: &str,
) -> Result<LocalImage> {
    let loaded = engine.load_images(archive, None).await?;
    let name = loaded.first().map_or(name, String::as_str);
    engine.find_image(name).await?.ok_or_else(|| {
        Failure::environment(format!("the engine does not have the image {name}"))
            .because("it was loaded a moment ago")
    })
}
