//! Images of registries.
//!
//! Takes an image's name; finds its manifest, for this machine where there are several, and gives what
//! is fetched with it: the configuration at once, the layers as they arrive.

use oci_client::errors::OciDistributionError;

use super::{
    described::Described,
    digest::Digest,
    endpoint::{Endpoint, endpoints},
    fault,
    manifest::{LARGEST, Listed, Manifest, choose},
};
use crate::{
    engine::registry::reference::Reference,
    failure::{Failure, Result},
};

/// Tries at a small document. Whoever waits for the first one wants to know soon.
const TRIES: u32 = 3;

/// What a client says it understands.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// An image that a registry has.
pub(super) struct Offered {
    /// Where it was found comes first.
    pub endpoints: Vec<Endpoint>,
    /// What the name stands for at the registry.
    pub digest: Digest,
    pub config: Listed,
    pub layers: Vec<Listed>,
}

/// Finds an image.
///
/// # Errors
/// No registry answers, it does not have the image, or what it gives is damaged.
pub(super) async fn find(name: &str, reference: &Reference) -> Result<Offered> {
    let mut endpoints = endpoints(reference).await?;
    let mut failed = None;
    for index in 0..endpoints.len() {
        match look(&endpoints[index], reference.wanted()).await {
            Ok((digest, config, layers)) => {
                endpoints.swap(0, index);
                return Ok(Offered { endpoints, digest, config, layers });
            }
            Err(cause) => failed = Some(fault::failure(name, &endpoints[index].host, &cause)),
        }
    }
    // There is always the registry itself.
    Err(failed.unwrap_or_else(|| Failure::bug("no registry was asked")))
}

async fn look(endpoint: &Endpoint, wanted: &str) -> Result<(Digest, Listed, Vec<Listed>), String> {
    let (digest, text) = document(endpoint, wanted).await?;
    let manifest = match Manifest::read(&text)? {
        Manifest::Index(images) => {
            let chosen = choose(&images)?;
            Manifest::read(&document(endpoint, chosen.digest.as_str()).await?.1)?
        }
        image => image,
    };
    match manifest {
        Manifest::Image { config, layers } => Ok((digest, config, layers)),
        Manifest::Index(_) => Err("its index lists another index".to_owned()),
    }
}

/// Fetches a manifest or an index.
async fn document(endpoint: &Endpoint, wanted: &str) -> Result<(Digest, Vec<u8>), String> {
    let place = endpoint.at(wanted);
    let ask = || endpoint.client.pull_manifest_raw(&place, &endpoint.auth, &MEDIA_TYPES);
    let (text, _) = persist(ask).await?;
    let digest = Digest::of(&text);
    if wanted.contains(':') && wanted != digest.as_str() {
        return Err(format!("{wanted} was asked for, and {digest} arrives"));
    }
    if text.len() as u64 > LARGEST {
        return Err(format!("its manifest has more than {LARGEST} bytes"));
    }
    Ok((digest, text.to_vec()))
}

/// Fetches the configuration.
///
/// # Errors
/// No registry answers, or what it gives is damaged.
pub(super) async fn config(name: &str, offered: &Offered) -> Result<Described> {
    let mut failed = None;
    for endpoint in &offered.endpoints {
        let place = endpoint.at(offered.config.digest.as_str());
        let ask = || async {
            let mut text = Vec::new();
            let digest = offered.config.digest.as_str();
            let stream = endpoint.client.pull_blob_stream(&place, digest).await?.stream;
            futures_util::pin_mut!(stream);
            while let Some(bytes) = futures_util::StreamExt::next(&mut stream).await {
                text.extend_from_slice(&bytes?);
                if text.len() as u64 > LARGEST {
                    let what = format!("its configuration has more than {LARGEST} bytes");
                    return Err(OciDistributionError::GenericError(Some(what)));
                }
            }
            Ok(text)
        };
        let read = persist(ask)
            .await
            .map_err(|cause| format!("its configuration does not arrive: {cause}"));
        let read = read.and_then(|text| {
            let image = Described::read(&text)?;
            if image.id != offered.config.digest {
                return Err(format!("its configuration arrives with the digest {}", image.id));
            }
            if image.layers.len() != offered.layers.len() {
                return Err("its configuration and its manifest list different layers".to_owned());
            }
            Ok(image)
        });
        match read {
            Ok(image) => return Ok(image),
            Err(cause) => failed = Some(fault::failure(name, &endpoint.host, &cause)),
        }
    }
    Err(failed.unwrap_or_else(|| Failure::bug("no registry was asked")))
}

/// Asks again where that may help.
async fn persist<T, F>(ask: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, OciDistributionError>>,
{
    let mut tries = 1;
    loop {
        match ask().await {
            Err(error) if tries < TRIES && fault::is_transient(&error) => {
                tokio::time::sleep(fault::pause(tries)).await;
                tries += 1;
            }
            answer => return answer.map_err(|error| fault::cause(&error)),
        }
    }
}
