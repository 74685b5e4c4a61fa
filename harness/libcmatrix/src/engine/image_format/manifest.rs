//! Manifests and indexes of images, by Docker's and the OCI's formats, which differ only in media types.
//!
//! Takes their text; gives what they list.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{described::architecture, digest::Digest};

/// The most that a manifest, an index or a configuration may hold, in bytes.
pub(in crate::engine) const LARGEST: u64 = 8 << 20;

/// The most that one layer may hold in compressed form, in bytes.
const LARGEST_LAYER: u64 = 64 << 30;

/// Something that a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Listed {
    pub digest: Digest,
    pub size: u64,
    pub annotations: BTreeMap<String, String>,
}

/// A document of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Manifest {
    /// One image.
    Image { config: Listed, layers: Vec<Listed> },
    /// Several images, or one for several machines.
    Index(Vec<(Listed, Option<Platform>)>),
}

/// What machine an image is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::engine) struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Deserialize)]
struct Document {
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
    platform: Option<Platform>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    fn listed(self, most: u64) -> Result<Listed, String> {
        let digest = Digest::parse(&self.digest)
            .ok_or_else(|| format!("{:?} is no digest that can be checked", self.digest))?;
        if self.size > most {
            return Err(format!(
                "{digest} is said to have {} bytes; the most is {most}",
                self.size
            ));
        }
        Ok(Listed { digest, size: self.size, annotations: self.annotations.unwrap_or_default() })
    }
}

impl Manifest {
    /// Reads a document. The error says what is wrong with it.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text)
            .map_err(|error| format!("its manifest is malformed: {error}"))?;
        if let Some(images) = document.manifests {
            let listed = |mut descriptor: Descriptor| {
                let platform = descriptor.platform.take();
                Ok::<_, String>((descriptor.listed(LARGEST)?, platform))
            };
            return Ok(Self::Index(images.into_iter().map(listed).collect::<Result<_, _>>()?));
        }
        match (document.config, document.layers) {
            (Some(config), Some(layers)) => Ok(Self::Image {
                config: config.listed(LARGEST)?,
                layers: layers
                    .into_iter()
                    .map(|layer| layer.listed(LARGEST_LAYER))
                    .collect::<Result<_, _>>()?,
            }),
            _ => {
                Err("its manifest lists no configuration and layers; is it older than 2016?".into())
            }
        }
    }
}

/// Of the images of an index, the one for this machine; else, if it says so of no image, the only one.
pub(in crate::engine) fn choose(images: &[(Listed, Option<Platform>)]) -> Result<&Listed, String> {
    let fits =
        |platform: &Platform| platform.os == "linux" && platform.architecture == architecture();
    let fitting = images.iter().find(|(_, platform)| platform.as_ref().is_some_and(fits));
    match (fitting, images) {
        (Some((image, _)), _) | (None, [(image, None)]) => Ok(image),
        _ => Err(format!("no matching manifest for linux/{}", architecture())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(content: &str, more: &str) -> String {
        format!(
            r#"{{"mediaType":"x","digest":"{}","size":7{more}}}"#,
            Digest::of(content.as_bytes())
        )
    }

    #[test]
    fn an_image() {
        let text =
            format!(r#"{{"config":{},"layers":[{}]}}"#, descriptor("c", ""), descriptor("l", ""));
        let Ok(Manifest::Image { config, layers }) = Manifest::read(text.as_bytes()) else {
            panic!("an image");
        };
        assert_eq!((config.digest, layers.len(), layers[0].size), (Digest::of(b"c"), 1, 7));
    }

    #[test]
    fn an_index_for_several_machines() {
        let platform =
            |name: &str| format!(r#","platform":{{"os":"linux","architecture":"{name}"}}"#);
        let read = |images: &[String]| {
            let text = format!(r#"{{"manifests":[{}]}}"#, images.join(","));
            match Manifest::read(text.as_bytes()) {
                Ok(Manifest::Index(images)) => choose(&images).map(|image| image.digest.clone()),
                other => panic!("{other:?}"),
            }
        };
        let own = descriptor("own", &platform(architecture()));
        let other = descriptor("other", &platform("pdp11"));
        let unknown = descriptor("attestation", &platform("unknown"));
        assert_eq!(read(&[other.clone(), unknown, own]), Ok(Digest::of(b"own")));
        assert!(read(&[other]).is_err_and(|why| why.contains("no matching manifest")));
        assert_eq!(read(&[descriptor("only", "")]), Ok(Digest::of(b"only")));
        assert!(read(&[descriptor("one", ""), descriptor("two", "")]).is_err());
        assert!(read(&[]).is_err());
    }

    #[test]
    fn hostile_documents() {
        let says = |text: &str| Manifest::read(text.as_bytes()).expect_err("refused");
        assert!(says("").contains("malformed"));
        assert!(says("[]").contains("malformed"));
        assert!(says(r#"{"fsLayers":[]}"#).contains("2016"));
        assert!(says(r#"{"manifests":[{"digest":"../../x","size":1}]}"#).contains("no digest"));
        assert!(says(r#"{"manifests":[{"digest":"sha256:","size":-1}]}"#).contains("malformed"));
        let huge = descriptor("l", "").replace(":7", ":9999999999999");
        assert!(says(&format!(r#"{{"config":{huge},"layers":[]}}"#)).contains("the most"));
    }
}
