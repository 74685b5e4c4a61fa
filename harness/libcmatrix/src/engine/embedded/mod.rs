//! The engine without a daemon: sandboxes are helper processes of this command, in namespaces of
//! their own; images are trees on disk.
//!
//! Takes requests in the words of [`Engine`]; does them itself. What a sandbox is from the inside is
//! the crate `libcmatrix-sandbox`.
//!
//! ```text
//! connect ──> EmbeddedEngine ─┬─ store    images: registries, archives, trees
//!    │                        ├─ volume   folders of a run      ┐
//!    └─ users, trial          ├─ sandbox  ── resolver           ├─ helper ──> libcmatrix-sandbox
//!       (what works here)     └─ sweep    what runs have left   ┘
//! ```

mod background;
mod connect;
mod helper;
mod home;
mod info;
mod limits;
mod resolver;
mod sandbox;
mod saved_image;
mod spares;
pub mod store;
mod sweep;
mod trial;
mod unpacker;
mod users;
mod volume;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
pub use connect::connect;
use libcmatrix_sandbox::{
    cgroup::find::Found,
    request::{Answer, Request, Users},
};

use self::{
    background::Background,
    helper::{Executable, Helper},
    home::{Home, RunFolder},
    spares::Spares,
    store::Store,
};
use super::{
    Engine, EngineInfo, LocalImage, Owner, PrunedImages, PullProgress, Removed, Sandbox,
    SandboxSpec, TarStream, Volume, no_dockerfiles,
};
use crate::failure::{Failure, Result};

/// What sandboxes are made with.
struct EngineParts {
    executable: Arc<Executable>,
    home: Home,
    users: Users,
    works: trial::Works,
    groups: Found,
    store: Store,
    runs: Mutex<HashMap<String, Arc<RunFolder>>>,
    spares: Spares,
    background: Background,
}

/// The engine without a daemon.
#[derive(Clone)]
pub struct EmbeddedEngine(Arc<EngineParts>);

impl EngineParts {
    /// The folder of a run, made at its first use.
    fn run(&self, run_id: &str) -> Result<Arc<RunFolder>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = runs.get(run_id) {
            return Ok(run.clone());
        }
        let parents: Vec<PathBuf> = self.groups.parents.iter().map(|p| p.path.clone()).collect();
        let run = RunFolder::make(&self.home, run_id, &parents).map_err(|e| {
            Failure::environment(format!("the folder of the run {run_id} cannot be made"))
                .because(e)
                .hint("see whether the disk is full: `libcmatrix doctor`")
        })?;
        Ok(runs.entry(run_id.to_owned()).or_insert(Arc::new(run)).clone())
    }

    /// Lets go of a run that was removed.
    fn forget(&self, run_id: &str) {
        self.spares.forget(run_id);
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(run_id);
    }

    /// Removes trees that sandboxes have written to, as their users.
    async fn remove_trees(&self, paths: Vec<PathBuf>) -> Result<()> {
        remove_trees(&self.executable, self.users, paths).await
    }
}

/// Whom helpers work for that remove something: a sweep ends those of the run it removes.
const CLEANING: &str = "cleaning";

/// Removes trees, as the users of sandboxes.
async fn remove_trees(executable: &Executable, users: Users, paths: Vec<PathBuf>) -> Result<()> {
    let what = || {
        let places: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        format!("cannot remove {}", places.join(", "))
    };
    if !matches!(users, Users::Subordinate { .. }) {
        // All files are the caller's own, or root's: no helper could do more.
        let (trees, what) = (paths.clone(), what());
        let removed = tokio::task::spawn_blocking(move || {
            trees.iter().try_for_each(|path| libcmatrix_sandbox::tree::remove(path))
        });
        return match removed.await {
            Ok(removed) => removed.map_err(|e| {
                Failure::environment(what).because(e).hint("libcmatrix clean removes what is left")
            }),
            Err(e) => Err(Failure::bug(what).because(e)),
        };
    }
    let request = Request::Remove { users, paths: paths.clone() };
    let mut helper = Helper::ask(executable, CLEANING, request, None).await?;
    let answer = helper.answer().await;
    helper.end().await;
    match answer {
        Ok(Answer::Removed) => Ok(()),
        Ok(other) => Err(Failure::bug(what()).because(format!("{other:?}"))),
        Err(failed) => {
            Err(helper::failure(what(), &failed).hint("libcmatrix clean removes what is left"))
        }
    }
}

#[async_trait]
impl Engine for EmbeddedEngine {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn info(&self) -> Result<EngineInfo> {
        Ok(info::info(&self.0))
    }

    async fn find_image(&self, reference: &str) -> Result<Option<LocalImage>> {
        self.0.store.find(reference)
    }

    async fn pull_image(
        &self,
        reference: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalImage> {
        self.0.store.pull(reference, progress).await
    }

    async fn ask_registry(&self, reference: &str) -> Result<()> {
        self.0.store.ask_registry(reference).await
    }

    async fn load_images(&self, archive: &Path, name: Option<&str>) -> Result<Vec<String>> {
        self.0.store.load(archive, name).await
    }

    async fn save_image(&self, owner: &Owner, image: &str, archive: &Path) -> Result<()> {
        saved_image::save(&self.0, owner, image, archive).await
    }

    fn image_labels(&self, _owner: &Owner) -> BTreeMap<String, String> {
        // The folder of the run says whose they are.
        BTreeMap::new()
    }

    fn builds_dockerfiles(&self) -> bool {
        false
    }

    async fn build_image(
        &self,
        _owner: &Owner,
        _context: &Path,
        dockerfile: &str,
        _name: &str,
        _said: &(dyn Fn(String) + Send + Sync),
    ) -> Result<LocalImage> {
        Err(no_dockerfiles(dockerfile))
    }

    async fn prune_images(&self) -> Result<PrunedImages> {
        let pruned = self.0.store.prune().await?;
        Ok(PrunedImages {
            images: u64::try_from(pruned.images.len()).unwrap_or(u64::MAX),
            freed_bytes: pruned.bytes,
        })
    }

    async fn images_disk_bytes(&self) -> Result<Option<u64>> {
        let usage = self.0.store.disk_usage()?;
        Ok(Some(usage.images_bytes.saturating_add(usage.downloads_bytes)))
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        self.0.store.remove(reference).await
    }

    async fn create_volume(&self, owner: &Owner, purpose: &str) -> Result<Volume> {
        volume::create(&self.0, owner, purpose)
    }

    async fn write_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        _image: &str,
        tar: TarStream,
    ) -> Result<()> {
        volume::write(&self.0, owner, volume, tar).await
    }

    async fn read_volume(
        &self,
        owner: &Owner,
        volume: &Volume,
        _image: &str,
        path: &str,
    ) -> Result<Option<TarStream>> {
        volume::read(&self.0, owner, volume, path).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>> {
        Ok(Box::new(sandbox::start(&self.0, spec).await?))
    }

    async fn remove_run(&self, run_id: &str) -> Result<Removed> {
        sweep::remove_run(&self.0, run_id).await
    }

    async fn sweep(&self, all: bool) -> Result<Removed> {
        sweep::sweep(&self.0, all).await
    }
}
