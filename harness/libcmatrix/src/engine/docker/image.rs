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
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use super::{fault, progress::Layers};
use crate::{
    engine::{
        LocalImage, PullProgress,
        registry::{
            credentials,
            hint::pull_hint,
            reference::{NO_REGISTRY, Reference},
        },
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
    // By the whole name first, which means the same to every daemon; what came from no registry
    // has none, and is found by the name as it is.
    for name in [reference.full(), reference.local()] {
        let found = inspect(daemon, &name).await.map_err(|error| {
            let what = format!("the engine does not say whether it has {}", reference.local());
            fault::failure(what, &error)
        })?;
        if let Some(mut image) = found.filter(|image| is_meant(&reference, image)) {
            arrange(&reference, &mut image.repo_digests);
            return Ok(Some(image));
        }
    }
    Ok(None)
}

/// Whether an image is the one that was asked for, and not just one with a name like it.
fn is_meant(reference: &Reference, image: &LocalImage) -> bool {
    // A digest cannot be of another image.
    reference.digest.is_some()
        || reference.is_id()
        || is_of_id(reference, image)
        || stored_name(reference, image).is_some()
}

/// Puts first what was asked for, then what is of its repository: a daemon that has the same image
/// from several places, or packed in several ways, names all digests under all names.
fn arrange(reference: &Reference, repo_digests: &mut [String]) {
    repo_digests.sort_by_key(|name| (!reference.means(name), !reference.is_of_repository(name)));
}

/// Whether a reference is the beginning of an image's id, without its algorithm.
fn is_of_id(reference: &Reference, image: &LocalImage) -> bool {
    let hash = image.id.split_once(':').map_or(image.id.as_str(), |(_, hash)| hash);
    reference.tag.is_none() && hash.starts_with(&reference.repository)
}

/// The daemon's own name for what a reference means.
fn stored_name<'a>(reference: &Reference, image: &'a LocalImage) -> Option<&'a str> {
    let mut names = image.references.iter().chain(&image.repo_digests);
    names.find(|name| reference.means(name)).map(String::as_str)
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
    let mut repo_digests: Vec<String> = real(said.repo_digests);
    // Podman's for an image that came from no registry: nobody could pull by it.
    repo_digests.retain(|name| !name.starts_with(NO_REGISTRY));
    Some(LocalImage {
        id: said.id?,
        references: real(said.repo_tags),
        repo_digests,
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
        // The whole name: Podman would complete a short one by an image that it happens to have.
        .from_image(&reference.full_repository())
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
    answer.map(drop).map_err(|error| {
        if fault::is_unknown_request(&error) {
            return Failure::environment(format!("whether {name} can be fetched is not known"))
                .because("this engine has no way to ask a registry without fetching");
        }
        pull_failure(name, &reference, &error)
    })
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

/// Writes an image into a file, as an archive of images.
///
/// # Errors
/// The daemon does not have it, or the disk is full.
pub(super) async fn save(daemon: &Docker, image: &str, archive: &Path) -> Result<()> {
    let what = || format!("cannot save the image {image}");
    let unwritable = |error: std::io::Error| Failure::environment(what()).because(error);
    let mut file = tokio::fs::File::create(archive).await.map_err(unwritable)?;
    let mut bytes = std::pin::pin!(daemon.export_image(image));
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| fault::failure(what(), &error))?;
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)
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
pub(super) async fn remove(daemon: &Docker, name: &str) -> Result<()> {
    let what = || format!("cannot remove the image {name}");
    let reference = Reference::parse(name)?;
    // Never what the daemon may take the name for.
    let Some(image) = find(daemon, name).await? else {
        return Err(Failure::environment(what())
            .because("the engine has no image of that name")
            .hint("`docker images` or `podman images` lists what it has"));
    };
    let local = reference.local();
    let stored = stored_name(&reference, &image).unwrap_or(&local);
    daemon
        .remove_image(stored, None::<RemoveImageOptions>, None)
        .await
        .map(drop)
        .map_err(|error| fault::failure(what(), &error))
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
    #[test]
    fn an_image_with_a_name_like_it_is_another() {
        let id = "sha256:806daab961d075f12fd6800eb8b0dd199124e04f5821c543c2e646ffe322c843";
        let said = ImageInspect {
            id: Some(id.into()),
            repo_tags: Some(vec!["localhost/libcmatrix/alpine:3.23".into()]),
            repo_digests: Some(vec!["localhost/libcmatrix/alpine@sha256:2".into()]),
            ..ImageInspect::default()
        };
        let image = local_image(said).expect("an image");
        assert!(image.repo_digests.is_empty(), "no registry has it");
        let meant = |text: &str| is_meant(&Reference::parse(text).expect(text), &image);
        assert!(meant("libcmatrix/alpine:3.23"));
        assert!(meant("localhost/libcmatrix/alpine:3.23"));
        assert!(meant(id) && meant("806daab961d0"));
        assert!(!meant("alpine:3.23"));
        assert!(!meant("libcmatrix/alpine"));
        let stored = |text: &str| stored_name(&Reference::parse(text).expect(text), &image);
        assert_eq!(stored("libcmatrix/alpine:3.23"), Some("localhost/libcmatrix/alpine:3.23"));
        assert_eq!(stored(id), None);
    }
    #[test]
    fn the_digest_that_was_asked_for_is_the_first() {
        let digest = |n: u8| format!("sha256:{}", n.to_string().repeat(64));
        let name = |repository: &str, n| format!("{repository}@{}", digest(n));
        let mut digests = [name("h:1/a", 1), name("docker.io/library/a", 1), name("h:1/a", 2)];
        let asked = Reference::parse(&name("h:1/a", 2)).expect("a name");
        arrange(&asked, &mut digests);
        assert_eq!(digests, [name("h:1/a", 2), name("h:1/a", 1), name("docker.io/library/a", 1)]);
        arrange(&Reference::parse("a:3").expect("a name"), &mut digests);
        assert_eq!(digests[0], name("docker.io/library/a", 1));
    }
}
