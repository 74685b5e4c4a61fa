//! A container that was made and must not be forgotten.
//!
//! Takes what to make; gives its id, under a guard that removes it again unless it is kept.

use bollard::{
    Docker,
    errors::Error,
    models::{ContainerCreateBody, Mount, MountType, MountVolumeOptions},
    query_parameters::CreateContainerOptionsBuilder,
};
use futures_util::future::try_join_all;

use super::{fault, labels, sweep};
use crate::{
    engine::{Owner, Volume},
    failure::{Failure, Result},
};

/// A container that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Created {
    daemon: Docker,
    id: Option<String>,
}

impl Created {
    /// Makes a container.
    ///
    /// # Errors
    /// The daemon refuses.
    pub async fn new(
        daemon: &Docker,
        name: &str,
        body: ContainerCreateBody,
    ) -> Result<Self, Error> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let created = daemon.create_container(Some(options), body).await?;
        Ok(Self { daemon: daemon.clone(), id: Some(created.id) })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// It is someone else's to remove from now on.
    pub fn keep(mut self) -> String {
        self.id.take().unwrap_or_default()
    }

    /// Removes it now. If that fails, the run's clean-up finds it by its labels.
    pub async fn remove(mut self) {
        if let Some(id) = self.id.take() {
            let _ = sweep::remove_container(&self.daemon, &id).await;
        }
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        if let Some(id) = self.id.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let daemon = self.daemon.clone();
            runtime.spawn(async move {
                let _ = sweep::remove_container(&daemon, &id).await;
            });
        }
    }
}

/// A volume as a container has it.
pub(super) fn mount(owner: &Owner, volume: &Volume, at: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.0.clone()),
        target: Some(at.to_owned()),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions {
            // An empty volume stays empty: what the image has at that place is not copied into it.
            no_copy: Some(true),
            // If the volume was removed in this very moment, the daemon makes it again.
            labels: Some(labels::labels(owner, "made again")),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    }
}

/// Sees that the volumes exist: a daemon would silently make an empty one in place of a missing one.
///
/// # Errors
/// One does not exist, or the daemon cannot be reached.
pub(super) async fn must_exist(daemon: &Docker, volumes: Vec<Volume>) -> Result<()> {
    let checks = volumes.into_iter().map(|volume| exists(daemon.clone(), volume));
    try_join_all(checks).await.map(drop)
}

async fn exists(daemon: Docker, Volume(name): Volume) -> Result<()> {
    match daemon.inspect_volume(&name).await {
        Ok(_) => Ok(()),
        Err(error) if fault::status(&error) == Some(404) => {
            Err(Failure::environment(format!("the volume {name} is gone"))
                .because("it was removed while the run needed it")
                .hint("run again, and let no clean-up run at the same time"))
        }
        Err(error) => {
            Err(fault::failure(format!("the engine does not show the volume {name}"), &error))
        }
    }
}
