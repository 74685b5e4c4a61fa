//! Removing what runs leave behind.
//!
//! Takes a run's id, or looks for runs whose owner is dead; asks the daemon itself what there is,
//! so nothing that was forgotten here is forgotten.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use bollard::{
    Docker,
    errors::Error,
    query_parameters::{
        ListImagesOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveImageOptions, RemoveVolumeOptions,
    },
};
use futures_util::{StreamExt, stream};

use super::{fault, labels, state};
use crate::{
    engine::{
        Owner, Removed,
        owner::{self, Alive},
    },
    failure::{Failure, Result},
};

/// How long something may stay busy before it is said that it cannot be removed.
const BUSY: Duration = Duration::from_secs(20);

/// How long to wait before trying again.
const AGAIN: Duration = Duration::from_millis(100);

/// How many removals go on at a time.
const AT_A_TIME: usize = 8;

/// Removes everything of a run.
///
/// # Errors
/// The daemon cannot be reached, or something cannot be removed; everything else is.
pub(super) async fn remove_run(daemon: &Docker, run_id: &str) -> Result<Removed> {
    let belongs =
        |labels: &HashMap<String, String>| labels.get(labels::RUN).is_some_and(|run| run == run_id);
    let filter = format!("{}={run_id}", labels::RUN);
    let found = Found::look(daemon, &filter).await?.only(belongs);
    let mut removal = found.remove(daemon).await;
    // What a request that was under way made meanwhile.
    let late = Found::look(daemon, &filter).await?.only(belongs);
    if !late.is_empty() && removal.kept.is_empty() {
        removal.add(late.remove(daemon).await);
    }
    removal.done()
}

/// Removes everything of runs whose owner is dead; with `all`, everything of any run.
///
/// # Errors
/// The daemon cannot be reached, or something cannot be removed; everything else is.
pub(super) async fn sweep(daemon: &Docker, all: bool) -> Result<Removed> {
    let found = Found::look(daemon, labels::RUN).await?;
    if all {
        return found.remove(daemon).await.done();
    }
    let owners: Vec<Option<Owner>> = found.all().map(|(_, l)| labels::owner(l)).collect();
    let dead = dead_runs(owners.iter().flatten(), owner::alive);
    let is_dead = |labels: &HashMap<String, String>| {
        labels::owner(labels).is_some_and(|owner| dead.contains(&owner.run_id))
    };
    found.only(is_dead).remove(daemon).await.done()
}

/// The runs all of whose owners are dead: a run that was taken up again by another process is that
/// one's too.
fn dead_runs<'a>(
    owners: impl Iterator<Item = &'a Owner>,
    alive: impl Fn(&Owner) -> Alive,
) -> HashSet<String> {
    let mut runs: HashMap<&str, bool> = HashMap::new();
    for owner in owners {
        let dead = alive(owner) == Alive::No;
        runs.entry(&owner.run_id).and_modify(|all| *all &= dead).or_insert(dead);
    }
    runs.into_iter().filter(|(_, dead)| *dead).map(|(run, _)| run.to_owned()).collect()
}

/// The name of something and its labels.
type Labelled = (String, HashMap<String, String>);

/// Containers, volumes and names of images, with their labels.
#[derive(Default)]
struct Found {
    containers: Vec<Labelled>,
    volumes: Vec<Labelled>,
    images: Vec<Labelled>,
}

impl Found {
    /// Asks the daemon for all that carry a label.
    async fn look(daemon: &Docker, label: &str) -> Result<Self> {
        let failed = |error: Error| {
            fault::failure("the engine does not say what runs have left in it", &error)
        };
        let filters = HashMap::from([("label", vec![label])]);
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let images = ListImagesOptionsBuilder::new().filters(&filters).build();
        let containers = state::list(daemon, label).await.map_err(failed)?;
        let volumes = daemon.list_volumes(Some(volumes)).await.map_err(failed)?;
        let images = daemon.list_images(Some(images)).await.map_err(failed)?;
        Ok(Self {
            containers: containers
                .into_iter()
                .map(|container| (container.id, container.labels.unwrap_or_default()))
                .collect(),
            volumes: volumes
                .volumes
                .unwrap_or_default()
                .into_iter()
                .map(|volume| (volume.name, volume.labels))
                .collect(),
            images: images
                .into_iter()
                .flat_map(|image| own_names(image.repo_tags, image.labels))
                .collect(),
        })
    }

    /// Keeps those whose labels please.
    fn only(mut self, pleases: impl Fn(&HashMap<String, String>) -> bool) -> Self {
        self.containers.retain(|(_, labels)| pleases(labels));
        self.volumes.retain(|(_, labels)| pleases(labels));
        self.images.retain(|(_, labels)| pleases(labels));
        self
    }

    fn all(&self) -> impl Iterator<Item = &Labelled> {
        self.containers.iter().chain(&self.volumes).chain(&self.images)
    }

    fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Removes them: containers first, they hold the others.
    async fn remove(self, daemon: &Docker) -> Removal {
        let containers = stream::iter(self.containers)
            .map(|(id, _)| {
                let daemon = daemon.clone();
                async move {
                    let short: String = id.chars().take(12).collect();
                    (format!("container {short}"), remove_container(&daemon, &id).await)
                }
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let volumes = stream::iter(self.volumes)
            .map(|(name, _)| {
                let daemon = daemon.clone();
                async move {
                    let removed = remove_volume(&daemon, &name).await;
                    (format!("volume {name}"), removed)
                }
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut images = Vec::new();
        // One at a time: they share layers.
        for (name, _) in self.images {
            let removed = remove_image(daemon, &name).await;
            images.push((format!("image {name}"), removed));
        }
        let mut removal = Removal::default();
        let sandboxes = removal.count(containers);
        let volumes = removal.count(volumes);
        let images = removal.count(images);
        removal.removed = Removed { sandboxes, volumes, images };
        removal
    }
}

/// What was removed, and what could not be.
#[derive(Default)]
struct Removal {
    removed: Removed,
    kept: Vec<String>,
}

impl Removal {
    /// Counts what was removed, and remembers what was not.
    fn count(&mut self, results: Vec<(String, Result<bool, Error>)>) -> u32 {
        let mut removed = 0;
        for (name, result) in results {
            match result {
                Ok(was_there) => removed += u32::from(was_there),
                Err(error) => self.kept.push(format!("{name}: {}", fault::cause(&error))),
            }
        }
        removed
    }

    fn add(&mut self, other: Self) {
        self.removed.sandboxes += other.removed.sandboxes;
        self.removed.volumes += other.removed.volumes;
        self.removed.images += other.removed.images;
        self.kept.extend(other.kept);
    }

    fn done(self) -> Result<Removed> {
        if self.kept.is_empty() {
            return Ok(self.removed);
        }
        let n = self.kept.len();
        Err(Failure::environment(format!("{n} of what runs have left cannot be removed"))
            .because(self.kept.join("; "))
            .hint("libcmatrix clean tries again"))
    }
}

/// Ends and removes a container with its anonymous volumes. `false` if it was gone already.
///
/// # Errors
/// The daemon cannot be reached, or it stays busy.
pub(super) async fn remove_container(daemon: &Docker, id: &str) -> Result<bool, Error> {
    let until = Instant::now() + BUSY;
    loop {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let attempt = daemon.remove_container(id, Some(options)).await;
        if let Some(settled) = settled(attempt, until) {
            return settled;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Removes a volume. `false` if it was gone already.
async fn remove_volume(daemon: &Docker, name: &str) -> Result<bool, Error> {
    let until = Instant::now() + BUSY;
    loop {
        let attempt = daemon.remove_volume(name, None::<RemoveVolumeOptions>).await;
        if let Some(settled) = settled(attempt, until) {
            return settled;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The names that the run itself gave an image. What others have made of it keeps its labels.
fn own_names(names: Vec<String>, labels: HashMap<String, String>) -> Vec<Labelled> {
    let run = labels.get(labels::RUN).cloned().unwrap_or_default();
    let own = names.into_iter().filter(|name| owner::is_image_of(&run, name));
    own.map(|name| (name, labels.clone())).collect()
}

/// Removes a name of an image, and with its last name the image. `false` if it was gone already.
async fn remove_image(daemon: &Docker, name: &str) -> Result<bool, Error> {
    let until = Instant::now() + BUSY;
    loop {
        let attempt = daemon.remove_image(name, None::<RemoveImageOptions>, None).await.map(drop);
        if let Some(settled) = settled(attempt, until) {
            return settled;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// What an attempt to remove means; `None` if another one is due: what is in use (409) or busy
/// (500) rarely stays so, and what is being removed already is waited for.
fn settled(attempt: Result<(), Error>, until: Instant) -> Option<Result<bool, Error>> {
    let error = match attempt {
        Ok(()) => return Some(Ok(true)),
        Err(error) => error,
    };
    match fault::status(&error) {
        Some(404) => Some(Ok(false)),
        Some(409 | 500) if Instant::now() < until => None,
        _ => Some(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_run_are_its_own() {
        let labels = HashMap::from([(labels::RUN.to_owned(), "r1".to_owned())]);
        let names = ["libcmatrix-run/r1:candidate", "localhost/libcmatrix-run/r1:x", "mine:1"];
        let own = own_names(names.map(str::to_owned).into(), labels.clone());
        let own: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(own, names[..2]);
        // Of another run, of a registry, of a run whose id only begins alike.
        let others =
            ["libcmatrix-run/r2:x", "example.org/libcmatrix-run/r1:x", "libcmatrix-run/r12:x"];
        assert_eq!(own_names(others.map(str::to_owned).into(), labels), []);
    }

    fn owner(run_id: &str, pid: u32) -> Owner {
        Owner { run_id: run_id.into(), pid, pid_started: 1, host: "m/b/1".into() }
    }

    #[test]
    fn a_run_is_dead_when_all_its_owners_are() {
        let owners = [
            owner("a", 1),
            owner("a", 1),
            owner("b", 1),
            owner("b", 2),
            owner("c", 2),
            owner("d", 3),
        ];
        let alive = |owner: &Owner| match owner.pid {
            1 => Alive::No,
            2 => Alive::Yes,
            _ => Alive::Unknown,
        };
        assert_eq!(dead_runs(owners.iter(), alive), HashSet::from(["a".to_owned()]));
    }

    fn answer(status_code: u16) -> Result<(), Error> {
        Err(Error::DockerResponseServerError { status_code, message: "busy".into() })
    }

    #[test]
    fn busy_things_are_tried_again() {
        let later = Instant::now() + BUSY;
        assert!(matches!(settled(Ok(()), later), Some(Ok(true))));
        assert!(matches!(settled(answer(404), later), Some(Ok(false))));
        assert!(settled(answer(409), later).is_none());
        assert!(settled(answer(500), later).is_none());
        assert!(matches!(settled(answer(400), later), Some(Err(_))));
        assert!(
            matches!(settled(answer(409), Instant::now()), Some(Err(_))),
            "no patience is left"
        );
    }

    #[test]
    fn what_is_kept_is_named() {
        let mut removal = Removal::default();
        let failed = answer(409).map(|()| true);
        let removed =
            removal.count(vec![("volume v".into(), failed), ("volume w".into(), Ok(true))]);
        assert_eq!(removed, 1);
        let failure = removal.done().expect_err("something is left");
        assert_eq!(failure.cause, "volume v: busy");
    }
}
