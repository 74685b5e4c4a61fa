//! The engine that talks to a daemon with Docker's interface: Docker from 20.10 on, and Podman.
//!
//! Takes requests in the words of [`Engine`]; gives them to the daemon, and its answers back.
//! Everything goes through the daemon's interface, files too, so a daemon on another machine
//! works like a local one.
//!
//! ```text
//! connect ──> DockerEngine ─┬─ image    ── progress (and the engines' common `registry`)
//!                           ├─ build    ── an image of a user's Dockerfile
//!                           ├─ volume   ── upload and download through a container that never runs
//!                           ├─ sandbox  ── streams
//!                           └─ sweep    ── labels        (and `state`, as `sandbox` does)
//! ```

mod build;
mod connect;
mod container;
mod fault;
mod image;
mod info;
mod labels;
mod progress;
mod sandbox;
mod state;
mod streams;
mod sweep;
mod volume;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bollard::Docker;

pub use connect::connect;

use super::{
    Engine, EngineInfo, LocalImage, Owner, PrunedImages, PullProgress, Removed, Sandbox,
    SandboxSpec, TarStream, Volume,
};
use crate::failure::{Failure, Result};

/// How long the daemon may take to answer a request that moves no data. Creating or removing a
/// container on a busy disk takes many seconds.
const ANSWER: Duration = Duration::from_secs(180);

/// How long the answer to a request may take that moves data or waits for an end: such requests
/// are limited by whoever makes them, not here.
const UNBOUNDED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A daemon with Docker's interface.
#[derive(Debug)]
pub struct DockerEngine {
    daemon: Docker,
    address: String,
    product: &'static str,
    version: String,
    api_version: String,
    /// Makes the names of containers unique within this process.
    created: AtomicU64,
    /// Held while a volume's name is chosen and taken.
    naming: tokio::sync::Mutex<()>,
}

impl DockerEngine {
    /// For requests whose answer may come late.
    fn patient(&self) -> Docker {
        self.daemon.clone().with_timeout(UNBOUNDED)
    }

    /// A name for a container, for people who look at the daemon.
    fn container_name(&self, owner: &Owner, purpose: &str) -> String {
        let number = self.created.fetch_add(1, Ordering::Relaxed);
        let purpose = labels::in_a_name(purpose);
        format!("{}-{}-{number}", labels::name(&owner.run_id, &purpose), owner.pid)
    }
}

#[async_trait]
impl Engine for DockerEngine {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn info(&self) -> Result<EngineInfo> {
        info::info(self).await
    }

    async fn find_image(&self, reference: &str) -> Result<Option<LocalImage>> {
        image::find(&self.daemon, reference).await
    }

    async fn pull_image(
        &self,
        reference: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalImage> {
        image::pull(&self.patient(), reference, progress).await
    }

    async fn ask_registry(&self, reference: &str) -> Result<()> {
        image::ask_registry(&self.daemon, reference).await
    }

    async fn load_images(&self, archive: &Path, name: Option<&str>) -> Result<Vec<String>> {
        if let Some(name) = name {
            return Err(Failure::usage(format!("{name} cannot be given as a name"))
                .because("this engine takes archives of images, which have names of their own")
                .hint("for a root file system: docker import FILE NAME; or --engine embedded"));
        }
        image::load(&self.patient(), archive).await
    }

    async fn save_image(&self, _owner: &Owner, image: &str, archive: &Path) -> Result<()> {
        image::save(&self.patient(), image, archive).await
    }

    fn image_labels(&self, owner: &Owner) -> BTreeMap<String, String> {
        labels::labels(owner, "image").into_iter().collect()
    }

    fn builds_dockerfiles(&self) -> bool {
        true
    }

    async fn build_image(
        &self,
        owner: &Owner,
        context: &Path,
        dockerfile: &str,
        name: &str,
        said: &(dyn Fn(String) + Send + Sync),
    ) -> Result<LocalImage> {
        build::build(&self.patient(), owner, context, dockerfile, name, said).await
    }

    async fn prune_images(&self) -> Result<PrunedImages> {
        Err(Failure::usage("the images of this engine are not libcmatrix's own")
            .because("others may use them")
            .hint("docker image prune; or --engine embedded for the images of that"))
    }

    async fn images_disk_bytes(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        image::remove(&self.daemon, reference).await
    }

    async fn create_volume(&self, owner: &Owner, purpose: &str) -> Result<Volume> {
        volume::create(self, owner, purpose).await
    }

    async fn write_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        image: &str,
        tar: TarStream,
    ) -> Result<()> {
        volume::write(self, owner, volume, image, tar).await
    }

    async fn read_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        image: &str,
        path: &str,
    ) -> Result<Option<TarStream>> {
        volume::read(self, owner, volume, image, path).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>> {
        Ok(Box::new(sandbox::start(self, spec).await?))
    }

    async fn remove_run(&self, run_id: &str) -> Result<Removed> {
        sweep::remove_run(&self.daemon, run_id).await
    }

    async fn sweep(&self, all: bool) -> Result<Removed> {
        sweep::sweep(&self.daemon, all).await
    }
}
