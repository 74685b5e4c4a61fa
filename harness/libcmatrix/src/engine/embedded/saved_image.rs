//! An image of the store as an archive: its tree is one layer.

use std::{fs::File, path::Path, sync::Arc};

use serde_json::json;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{EngineParts, volume};
use crate::{
    engine::{
        Owner,
        saved::{self, LayerFile},
    },
    failure::{Failure, Result},
};

/// Writes an image into a file, as an archive of images.
///
/// # Errors
/// It is not there, or the disk is full.
pub(super) async fn save(
    engine: &Arc<EngineParts>,
    owner: &Owner,
    image: &str,
    archive: &Path,
) -> Result<()> {
    let what = format!("cannot save the image {image}");
    let held = engine.store.tree(image).await?;
    let tree = volume::pack(engine, owner, what.clone(), held.path.clone(), "").await?;
    let tree = tree.ok_or_else(|| Failure::bug(&what).because("it has no tree"))?;
    let tree = SyncIoBridge::new(StreamReader::new(tree));
    let archive = archive.to_owned();
    let config = json!({
        "architecture": held.image.architecture,
        "os": "linux",
        "config": {
            "Env": held.image.config.env,
            "User": held.image.config.user,
            "Labels": held.image.config.labels,
        },
    });
    let scratch = engine.run(&owner.run_id)?.path().to_owned();
    let write = move || {
        let layers = [LayerFile::copy(tree, &scratch)?];
        saved::write(File::create(&archive)?, &saved::with_layers(config, &layers), None, &layers)
    };
    let written = tokio::task::spawn_blocking(write).await;
    match written {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Failure::environment(what).because(error)),
        Err(error) => Err(Failure::bug(what).because(error)),
    }
}
