//! Images of Dockerfiles, by the daemon's own builder.
//!
//! Takes the archive of what a Dockerfile may copy; gives the image that came of it. It is the builder
//! without BuildKit, which every daemon and Podman have.

use std::{collections::HashMap, path::Path};

use bollard::{Docker, body_try_stream, query_parameters::BuildImageOptionsBuilder};
use futures_util::StreamExt;
use tokio_util::io::ReaderStream;

use super::{fault, image, labels};
use crate::{
    engine::{LocalImage, Owner},
    failure::{Failure, Result},
};

/// How much of an archive is sent at a time.
const CHUNK: usize = 256 * 1024;

/// Builds a Dockerfile; see [`crate::engine::Engine::build_image`].
///
/// # Errors
/// It does not build, or the daemon cannot be reached.
pub(super) async fn build(
    daemon: &Docker,
    owner: &Owner,
    context: &Path,
    dockerfile: &str,
    name: &str,
    said: &(dyn Fn(String) + Send + Sync),
) -> Result<LocalImage> {
    let what = || format!("{dockerfile} does not build");
    let file = tokio::fs::File::open(context).await;
    let file = file.map_err(|error| Failure::environment(what()).because(error))?;
    let labels: HashMap<String, String> = labels::labels(owner, "image");
    let options = BuildImageOptionsBuilder::new()
        .dockerfile(dockerfile)
        .t(name)
        .labels(&labels)
        // No container is left of a build, whether it works or not.
        .rm(true)
        .forcerm(true)
        .build();
    let body = body_try_stream(ReaderStream::with_capacity(file, CHUNK));
    let mut messages = daemon.build_image(options, None, Some(body));
    while let Some(message) = messages.next().await {
        let message = message.map_err(|error| fault::failure(what(), &error))?;
        if let Some(text) = message.stream {
            said(text);
        }
        if let Some(detail) = message.error_detail {
            let cause = detail.message.unwrap_or_else(|| "the builder does not say why".into());
            return Err(Failure::environment(what()).because(cause));
        }
    }
    image::find(daemon, name).await?.ok_or_else(|| {
        Failure::environment(what())
            .because("the builder ended without an error, but the image is not there")
    })
}
