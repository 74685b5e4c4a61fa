//! The store of images of the engine without a daemon.
//!
//! Takes images from registries and archives; gives each as one tree of files on disk, with its layers
//! applied from the lowest to the highest. So nothing has to be mounted to see it, and no rights are
//! needed to have whiteouts. Several processes use one store at once.
//!
//! ```text
//! pull: endpoint ─> registry (manifest, configuration) ─> download (partial/) ─┐
//! load: source ─> archive ────────────────────────────────────────────────────┤
//!                     trees <── staging (staging/) <── decompress, digests <──┘
//!                     names
//! ```
//!
//! What arrives is checked against the digests that name it: manifest, configuration, each layer as it is
//! stored, each layer as it is unpacked. Nothing is kept of an image that fails one.

mod download;
mod endpoint;
mod fault;
mod image;
mod layout;
mod lock;
mod mount_points;
mod names;
mod prune;
mod registry;
mod staging;
mod trees;
mod unpacker;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use image::StoredImage;
pub use prune::{DiskUsage, Pruned};
pub use trees::Held;
pub use unpacker::{Direct, Unpacker, owner_key};

use self::{
    archive::{Archived, Layer},
    described::Described,
    digest::Digest,
    download::{Broken, Counters},
    layout::Layout,
    lock::{Kind, Lock},
    names::Names,
    registry::Offered,
    source::Source,
    staging::Staging,
    trees::Reserved,
};
use super::super::{
    LocalImage, PullProgress,
    image_format::{archive, decompress, described, digest, manifest, source},
    registry::reference::Reference,
};
use crate::failure::{Failure, Result};

/// Layers that are fetched at the same time.
const AT_ONCE: usize = 3;

/// How often a pull says how far it is.
const PROGRESS: Duration = Duration::from_millis(100);

/// The fewest digits of an id that are taken for one.
const SHORTEST_ID: usize = 12;

/// A store of images.
#[derive(Clone)]
pub struct Store {
    layout: Layout,
    unpacker: Arc<dyn Unpacker>,
}

impl Store {
    /// Opens a store; makes it where it is not there yet, closed to other users. What a killed
    /// process has left half done is removed.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub async fn open(folder: PathBuf, unpacker: Arc<dyn Unpacker>) -> Result<Self> {
        let layout = Layout::make(folder)?;
        staging::sweep(&layout, &*unpacker).await?;
        Ok(Self { layout, unpacker })
    }

    /// The image of that name, digest or id, if it is here. An id may be cut to twelve digits.
    ///
    /// # Errors
    /// The name is none, or a cut id fits several images.
    pub fn find(&self, reference: &str) -> Result<Option<LocalImage>> {
        let names = names::read(&self.layout)?;
        let Some(id) = self.id_of(reference, &names)? else { return Ok(None) };
        Ok(self.stored(&id)?.map(|image| local_image(&image, &names)))
    }

    /// All images.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn list(&self) -> Result<Vec<LocalImage>> {
        let names = names::read(&self.layout)?;
        let images = trees::all(&self.layout, &self.unpacker.owner_key())?;
        Ok(images.iter().map(|image| local_image(image, &names)).collect())
    }

    /// An image's tree. As long as that is held no process removes it.
    ///
    /// # Errors
    /// It is not here.
    pub async fn tree(&self, reference: &str) -> Result<Held> {
        let missing = || {
            Failure::environment(format!("the image {reference} is not in the store"))
                .hint(format!("fetch it with: libcmatrix images pull {reference}"))
        };
        let id = self.id_of(reference, &names::read(&self.layout)?)?.ok_or_else(missing)?;
        trees::hold(&self.layout, &self.key(&id)).await?.ok_or_else(missing)
    }

    /// Asks an image's registry whether it has it for this machine. Fetches no layers.
    ///
    /// # Errors
    /// No registry answers, or it does not have the image.
    pub async fn ask_registry(&self, reference: &str) -> Result<()> {
        registry::find(reference, &Reference::parse(reference)?).await.map(drop)
    }

    /// Fetches an image from its registry, or a mirror of that. If another process fetches it at
    /// the moment this one waits for that.
    ///
    /// # Errors
    /// No registry answers or it does not have the image; what it gives is damaged; the disk is full.
    pub async fn pull(
        &self,
        reference: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalImage> {
        let parsed = Reference::parse(reference)?;
        let offered = Arc::new(registry::find(reference, &parsed).await?);
        let repository = names::repository(&parsed);
        let mut kept = vec![format!("{repository}@{}", offered.digest)];
        if parsed.digest.is_none() {
            kept.push(names::name(&parsed));
        }
        let key = self.key(&offered.config.digest);
        let place = match trees::reserve(&self.layout, &key).await? {
            Reserved::Free(place) => place,
            Reserved::Held(_held) => return self.name(&offered.config.digest, kept).await,
        };
        let image = registry::config(reference, &offered).await?;
        let mut staging = self.begin()?;
        let filled = self.pull_layers(reference, &offered, &image, &mut staging, progress).await;
        let staging = self.filled(staging, filled).await?;
        self.finish(staging, &place, &image).await?;
        let named = self.name(&image.id, kept).await;
        drop(place);
        for layer in &offered.layers {
            // Another image may need it at the moment. What stays is found when the store is pruned.
            let path = self.layout.partial().join(layer.digest.hash());
            if let Ok(Some(lock)) = Lock::now(&path, Kind::Exclusive) {
                let _ = lock.retire();
            }
        }
        named
    }

    /// Fetches the layers, several at once, and unpacks each as soon as it and those below it are there.
    async fn pull_layers(
        &self,
        reference: &str,
        offered: &Arc<Offered>,
        image: &Described,
        staging: &mut Staging,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<()> {
        let counters = Counters::new(offered.layers.len());
        let total_bytes = offered.layers.iter().map(|layer| layer.size).sum();
        let tell = || progress(PullProgress { received_bytes: counters.sum(), total_bytes });
        let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        // Dropped, it ends them.
        let mut downloads = tokio::task::JoinSet::new();
        let mut arriving = Vec::new();
        for index in 0..offered.layers.len() {
            let (done, arrives) = tokio::sync::oneshot::channel();
            let (offered, permits) = (offered.clone(), permits.clone());
            let (partial, counter) = (self.layout.partial(), counters.of(index));
            downloads.spawn(async move {
                let _permit = permits.acquire_owned().await;
                let layer = &offered.layers[index];
                let file = download::fetch(&offered.endpoints, &partial, layer, &counter).await;
                // Nobody waits any more if another layer has failed.
                let _ = done.send(file);
            });
            arriving.push(arrives);
        }
        let work = async {
            for ((layer, diff), arrives) in offered.layers.iter().zip(&image.layers).zip(arriving) {
                let file = match arrives.await {
                    Ok(Ok(file)) => file,
                    Ok(Err(Broken::Registry(cause))) => {
                        let host = &offered.endpoints[offered.endpoints.len() - 1].host;
                        return Err(fault::failure(reference, host, &cause));
                    }
                    Ok(Err(Broken::Disk(error))) => {
                        let what = format!("cannot fetch the image {reference}");
                        return Err(Failure::environment(what).because(error));
                    }
                    Err(_) => {
                        return Err(Failure::bug(format!("the layer {} is lost", layer.digest)));
                    }
                };
                let what = format!("cannot unpack the layer {} of {reference}", layer.digest);
                let digest = Some(&layer.digest);
                staging.add(&*self.unpacker, &what, file, digest, diff).await?;
            }
            Ok(())
        };
        futures_util::pin_mut!(work);
        let mut ticks = tokio::time::interval(PROGRESS);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick() => tell(),
            }
        };
        if done.is_ok() {
            tell();
        }
        done
    }

    /// Takes the images of an archive or an OCI layout folder; gives their names. `name` is for one
    /// image that has none, such as a root file system, or instead of the name it has.
    ///
    /// # Errors
    /// It cannot be read or is damaged, is no image archive, or needs a name.
    pub async fn load(&self, path: &Path, name: Option<&str>) -> Result<Vec<String>> {
        let what = format!("cannot load images from {}", path.display());
        let failed = |why: String| Failure::environment(&what).because(why);
        let given = name.map(Reference::parse).transpose()?;
        if given.as_ref().is_some_and(|name| name.digest.is_some()) {
            return Err(Failure::usage(&what).because("the given name holds a digest"));
        }
        let (archive, scratch) = (path.to_path_buf(), self.layout.staging());
        let read = move || {
            let source = Source::open(&archive, &scratch).map_err(|error| error.to_string())?;
            Ok((archive::images(&source)?, source))
        };
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|error| Failure::bug(&what).because(error))?;
        let (mut images, source) =
            read.map_err(|why| failed(why).hint("make it with: docker save --output FILE IMAGE"))?;
        match (given, images.as_mut_slice()) {
            (_, []) => return Err(failed("there is no image in it".to_owned())),
            (Some(given), [image]) => image.names = vec![given],
            (Some(_), _) => {
                let why = format!("it has {} images, and one name is given", images.len());
                return Err(Failure::usage(&what).because(why).hint("leave out --name"));
            }
            (None, images) if images.iter().any(|image| image.names.is_empty()) => {
                return Err(Failure::usage(&what)
                    .because("it does not say the image's name")
                    .hint("give one with --name NAME:TAG"));
            }
            _ => {}
        }
        let mut loaded = Vec::new();
        for image in images {
            loaded.extend(image.names.iter().map(names::name));
            self.load_one(&what, &source, image).await?;
        }
        Ok(loaded)
    }

    async fn load_one(&self, what: &str, source: &Source, archived: Archived) -> Result<()> {
        let Archived { image, names, layers, .. } = archived;
        let names: Vec<String> = names.iter().map(names::name).collect();
        let place = match trees::reserve(&self.layout, &self.key(&image.id)).await? {
            Reserved::Free(place) => place,
            Reserved::Held(_held) => return self.name(&image.id, names).await.map(drop),
        };
        let mut staging = self.begin()?;
        let filled = self.load_layers(what, source, &image, &layers, &mut staging).await;
        let staging = self.filled(staging, filled).await?;
        self.finish(staging, &place, &image).await?;
        self.name(&image.id, names).await.map(drop)
    }

    async fn load_layers(
        &self,
        what: &str,
        source: &Source,
        image: &Described,
        layers: &[Layer],
        staging: &mut Staging,
    ) -> Result<()> {
        for (layer, diff) in layers.iter().zip(&image.layers) {
            let unreadable = |error| Failure::environment(what).because(error);
            let (file, blob) = match layer {
                Layer::Whole => (source.whole(), None),
                Layer::File(name, digest) => {
                    let file = source.file(name).map_err(unreadable)?;
                    (file.map(|(file, _)| file), digest.as_ref())
                }
            };
            let missing =
                || Failure::environment(what).because(format!("the layer {diff} is not in it"));
            let file = file.ok_or_else(missing)?;
            let what = format!("{what} (layer {diff})");
            staging.add(&*self.unpacker, &what, file, blob, diff).await?;
        }
        Ok(())
    }

    /// Begins a tree.
    fn begin(&self) -> Result<Staging> {
        let staging = Staging::new(&self.layout)?;
        staging.make_tree()?;
        Ok(staging)
    }

    /// Gives the tree if it was filled; else nothing is left of it.
    async fn filled(&self, staging: Staging, filled: Result<()>) -> Result<Staging> {
        let completed = match filled {
            Ok(()) => staging.complete(&*self.unpacker).await,
            failed => failed,
        };
        match completed {
            Ok(()) => Ok(staging),
            Err(failure) => {
                // The first failure says more than one to clean up; the next start tries that again.
                let _ = staging.discard(&*self.unpacker).await;
                Err(failure)
            }
        }
    }

    async fn finish(
        &self,
        staging: Staging,
        place: &trees::Place,
        image: &Described,
    ) -> Result<()> {
        trees::clear(&self.layout, place, &*self.unpacker).await?;
        let stored = StoredImage::of(image, staging.bytes());
        staging.finish(&place.path, &stored).await.map_err(|error| {
            Failure::environment(format!("cannot store the image {}", image.id)).because(error)
        })
    }

    /// Gives an image that is here names, which other images lose.
    async fn name(&self, id: &Digest, new: Vec<String>) -> Result<LocalImage> {
        let id = id.to_string();
        let names = names::change(&self.layout, |names| {
            names.extend(new.into_iter().map(|name| (name, id.clone())));
            names.clone()
        })
        .await?;
        let image = self.stored(&id)?.ok_or_else(|| {
            Failure::environment(format!("the image {id} was removed while it was fetched"))
        })?;
        Ok(local_image(&image, &names))
    }

    /// Removes a name of an image, or with an id all its names; the image goes with its last name.
    ///
    /// # Errors
    /// It is not here. Or it is in use: then the name stays as well.
    pub async fn remove(&self, reference: &str) -> Result<()> {
        let before = names::read(&self.layout)?;
        let what = || format!("cannot remove the image {reference}");
        let missing = || Failure::environment(what()).because("it is not in the store");
        let id = self.id_of(reference, &before)?.ok_or_else(missing)?;
        let name = Reference::parse(reference).map(|reference| names::name(&reference)).ok();
        let name = name.filter(|name| before.get(name) == Some(&id));
        let kept = |names: &Names| without(names, &id, name.as_deref());
        let lock = if kept(&before).values().any(|other| *other == id) {
            None
        } else {
            let in_use = || {
                Failure::environment(what())
                    .because("it is in use")
                    .hint("wait until the runs that use it have ended")
            };
            Some(trees::alone(&self.layout, &self.key(&id))?.ok_or_else(in_use)?)
        };
        let last = names::change(&self.layout, |names| {
            *names = kept(names);
            !names.values().any(|other| *other == id)
        })
        .await?;
        match lock {
            Some(lock) if last => {
                trees::remove(&self.layout, &self.key(&id), lock, &*self.unpacker).await
            }
            _ => Ok(()),
        }
    }

    /// Removes images without a name that are not in use, downloads that were broken off, and what
    /// killed processes have left.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub async fn prune(&self) -> Result<Pruned> {
        prune::prune(&self.layout, &*self.unpacker).await
    }

    /// How much disk the store takes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn disk_usage(&self) -> Result<DiskUsage> {
        prune::disk_usage(&self.layout)
    }

    fn key(&self, id: impl AsRef<str>) -> String {
        trees::key(&self.unpacker.owner_key(), id.as_ref())
    }

    fn stored(&self, id: &str) -> Result<Option<StoredImage>> {
        trees::read(&self.layout, &self.key(id))
    }

    /// The id that a name, a digest or an id stands for.
    fn id_of(&self, reference: &str, names: &Names) -> Result<Option<String>> {
        let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
        let is_id = digits.len() >= SHORTEST_ID
            && digits.len() <= 64
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !(is_id && reference.starts_with("sha256:"))
            && let Some(id) = names.get(&names::name(&Reference::parse(reference)?))
        {
            return Ok(Some(id.clone()));
        }
        if !is_id {
            return Ok(None);
        }
        let images = trees::all(&self.layout, &self.unpacker.owner_key())?;
        let mut fitting = images
            .into_iter()
            .map(|image| image.id)
            .filter(|id| id["sha256:".len()..].starts_with(digits));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => {
                Err(Failure::usage(format!("{reference} is the beginning of several ids"))
                    .hint("write more digits of it"))
            }
            (first, _) => Ok(first),
        }
    }
}

/// The names without one of them. With the last tag of a repository go its digests: nobody could
/// name them. Without a name, all of the image go.
fn without(names: &Names, id: &str, name: Option<&str>) -> Names {
    let Some(name) = name else {
        return names.iter().filter(|(_, other)| *other != id).map(cloned).collect();
    };
    let repository = names::repository_of(name);
    let of_it = |other: &str| names::repository_of(other) == repository && other != name;
    let last_tag =
        !names.iter().any(|(other, of)| of == id && of_it(other) && !names::is_pinned(other));
    let goes = |other: &str, of: &str| {
        of == id && (other == name || last_tag && of_it(other) && names::is_pinned(other))
    };
    names.iter().filter(|(other, of)| !goes(other, of)).map(cloned).collect()
}

fn cloned((name, id): (&String, &String)) -> (String, String) {
    (name.clone(), id.clone())
}

fn local_image(image: &StoredImage, names: &Names) -> LocalImage {
    let own = names.iter().filter(|(_, id)| **id == image.id).map(|(name, _)| name.clone());
    let (repo_digests, references) = own.partition(|name| names::is_pinned(name));
    LocalImage {
        id: image.id.clone(),
        references,
        repo_digests,
        size_bytes: image.size_bytes,
        env: image.config.env.clone(),
        labels: image.config.labels.clone(),
        architecture: image.architecture.clone(),
    }
}
