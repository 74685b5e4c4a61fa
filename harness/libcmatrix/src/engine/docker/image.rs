//! Images: found, fetched, loaded, removed.
//!
//! Takes names, digests and archives; gives the images as the daemon has them.

use std::path::Path;

use bollard::{
    Docker, body_try_stream,
    errors::Error,
    models::ImageInspect,
    query_parameters::{CreateImageOptionsBuilder, ImportImageOptionsBuilder, RemoveImageOptions},
};
use futures_util::StreamExt;
use tokio_util::io::ReaderStream;

use super::{fault, progress::Layers};
use crate::{
    engine::{
        LocalImage, PullProgress,
        registry::{credentials, reference::Reference},
    },
    failure::{Failure, Result},
};

/// How much of an archive is read at a time.
const CHUNK: usize = 256 * 1024;

/// The image of that name, digest or id.
///
/// # Errors
/// The daemon cannot be reached, or the name is none.
pub(super) async fn find(daemon: &Docker, reference: &str) -> Result<Option<LocalImage>> {
    let reference = Reference::parse(reference)?;
    inspect(daemon, &reference.local()).await.map_err(|error| {
        fault::failure(
            format!("the engine does not say whether it has {}", reference.local()),
            &error,
        )
    })
}

async fn inspect(daemon: &Docker, name: &str) -> Result<Option<LocalImage>, Error> {
    match daemon.inspect_image(name).await {
        Ok(said) => Ok(local_image(said)),
        Err(error) if fault::status(&error) == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

fn local_image(said: ImageInspect) -> Option<LocalImage> {
    // Daemons before 25 write these for an image that has no name.
    let real = |names: Option<Vec<String>>| {
        names.unwrap_or_default().into_iter().filter(|name| !name.contains("<none>")).collect()
    };
    let config = said.config.unwrap_or_default();
    Some(LocalImage {
        id: said.id?,
        references: real(said.repo_tags),
        repo_digests: real(said.repo_digests),
        size_bytes: said.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        env: config.env.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        architecture: said.architecture.unwrap_or_default(),
    })
}

/// Fetches an image from its registry.
///
/// # Errors
/// No registry answers, or it does not have the image.
pub(super) async fn pull(
    daemon: &Docker,
    name: &str,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<LocalImage> {
    let reference = Reference::parse(name)?;
    let credentials = credentials::credentials(reference.registry()).await;
    let options = CreateImageOptionsBuilder::new()
        .from_image(&reference.repository)
        .tag(reference.wanted())
        .build();
    let mut messages = daemon.create_image(Some(options), None, credentials);
    let mut layers = Layers::default();
    while let Some(message) = messages.next().await {
        match message {
            Ok(message) => {
                if let Some(sum) = layers.take(&message) {
                    progress(sum);
                }
            }
            Err(error) => return Err(pull_failure(name, &reference, &error)),
        }
    }
    find(daemon, name).await?.ok_or_else(|| {
        Failure::environment(format!("cannot fetch the image {name}"))
            .because("the engine ended without an error, but does not have it")
    })
}

/// Asks the registry whether it has an image.
///
/// # Errors
/// No registry answers, or it does not have the image.
pub(super) async fn ask_registry(daemon: &Docker, name: &str) -> Result<()> {
    let reference = Reference::parse(name)?;
    let credentials = credentials::credentials(reference.registry()).await;
    let answer = daemon.inspect_registry_image(&reference.local(), credentials).await;
    answer.map(drop).map_err(|error| pull_failure(name, &reference, &error))
}

fn pull_failure(name: &str, reference: &Reference, error: &Error) -> Failure {
    let failure = fault::failure(format!("cannot fetch the image {name}"), error);
    if failure.hint.is_some() {
        return failure;
    }
    let registry = reference.registry();
    let hint = pull_hint(&failure.cause.to_ascii_lowercase(), registry);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What helps, by what the registry or the daemon says.
fn pull_hint(cause: &str, registry: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if says(&["toomanyrequests", "rate limit"]) {
        Some(format!("log in for a higher limit (docker login {registry}), or use a mirror"))
    } else if says(&["unauthorized", "denied", "authentication required", "no basic auth"]) {
        Some(format!("check the name; if the image is private: docker login {registry}"))
    } else if says(&["no matching manifest", "does not match the specified platform"]) {
        Some("the image does not exist for this machine's architecture".to_owned())
    } else if says(&["manifest unknown", "not found", "name unknown"]) {
        Some("check the name and the tag".to_owned())
    } else if says(&[
        "connection refused",
        "no such host",
        "timeout",
        "i/o timeout",
        "unreachable",
        "deadline exceeded",
        "temporary failure",
        "eof",
        "reset by peer",
        "tls",
        "x509",
    ]) {
        Some(format!("check that the engine reaches {registry} (network, proxy, certificates)"))
    } else {
        None
    }
}

/// Takes the images of an archive; gives their names.
///
/// # Errors
/// The file cannot be read, or is no image archive.
pub(super) async fn load(daemon: &Docker, archive: &Path) -> Result<Vec<String>> {
    let what = || format!("cannot load images from {}", archive.display());
    let unreadable = |error: std::io::Error| Failure::environment(what()).because(error);
    let file = tokio::fs::File::open(archive).await.map_err(unreadable)?;
    if file.metadata().await.map_err(unreadable)?.is_dir() {
        return Err(Failure::environment(what()).because("it is a folder"));
    }
    let body = body_try_stream(ReaderStream::with_capacity(file, CHUNK));
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    let mut messages = daemon.import_image(options, body, None);
    let mut names = Vec::new();
    let mut said = String::new();
    while let Some(message) = messages.next().await {
        let message = message.map_err(|error| fault::failure(what(), &error))?;
        if let Some(text) = message.stream {
            names.extend(loaded(&text));
            said.push_str(&text);
        }
    }
    if names.is_empty() {
        return Err(Failure::environment(what())
            .because(if said.trim().is_empty() { "there is no image in it" } else { said.trim() })
            .hint("make it with: docker save --output FILE IMAGE"));
    }
    Ok(names)
}

/// The names in a message about a loaded image. Podman names several at once.
fn loaded(message: &str) -> Vec<String> {
    message
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Loaded image: ").or_else(|| line.strip_prefix("Loaded image ID: "))
        })
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Removes an image.
///
/// # Errors
/// It does not exist, or is in use.
pub(super) async fn remove(daemon: &Docker, reference: &str) -> Result<()> {
    let name = Reference::parse(reference)?.local();
    daemon
        .remove_image(&name, None::<RemoveImageOptions>, None)
        .await
        .map(drop)
        .map_err(|error| fault::failure(format!("cannot remove the image {reference}"), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaded_names_are_read() {
        assert_eq!(loaded("Loaded image: a/b:1\n"), ["a/b:1"]);
        assert_eq!(loaded("Loaded image ID: sha256:12\n"), ["sha256:12"]);
        assert_eq!(loaded("Loaded image: a:1,b:2"), ["a:1", "b:2"]);
        assert!(loaded("Loading layer").is_empty());
    }

    #[test]
    fn hints_by_what_is_said() {
        let hint = |cause: &str| pull_hint(cause, "r.example").unwrap_or_default();
        assert!(hint("manifest unknown: manifest unknown").contains("tag"));
        assert!(
            hint("pull access denied for x, repository does not exist").contains("docker login")
        );
        assert!(hint("dial tcp 127.0.0.1:5000: connect: connection refused").contains("r.example"));
        assert!(hint("toomanyrequests: you have reached your pull rate limit").contains("limit"));
        assert_eq!(hint("something else"), "");
    }

    #[test]
    fn an_image_without_a_name() {
        let said = ImageInspect {
            id: Some("sha256:1".into()),
            repo_tags: Some(vec!["<none>:<none>".into()]),
            repo_digests: Some(vec!["<none>@<none>".into(), "a@sha256:2".into()]),
            ..ImageInspect::default()
        };
        let image = local_image(said).expect("an image");
        assert!(image.references.is_empty());
        assert_eq!(image.repo_digests, ["a@sha256:2"]);
        assert_eq!(local_image(ImageInspect::default()), None);
    }
}
