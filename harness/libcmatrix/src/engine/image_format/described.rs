//! What an image's configuration document says.
//!
//! Takes the document; gives what sandboxes need of it, and the digests of its layers.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Digest;

/// What an image wants its programs to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Variables (`NAME=value`).
    #[serde(default, rename = "Env", deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// `user[:group]`, by name or number; empty is root.
    #[serde(default, rename = "User", deserialize_with = "or_default")]
    pub user: String,
    /// Labels.
    #[serde(default, rename = "Labels", deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
}

/// An image that is not unpacked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Described {
    pub id: Digest,
    pub architecture: String,
    pub config: ImageConfig,
    /// Digests of the unpacked layers, from the lowest.
    pub layers: Vec<Digest>,
}

/// The document as it is written.
#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "or_default")]
    architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    os: String,
    #[serde(default, deserialize_with = "or_default")]
    config: ImageConfig,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default, deserialize_with = "or_default")]
    diff_ids: Vec<String>,
}

/// Many tools write `null` for nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Described {
    /// Reads a configuration document. The error says what is wrong with it.
    pub fn read(document: &[u8]) -> Result<Self, String> {
        let id = Digest::of(document);
        let document: Document = serde_json::from_slice(document)
            .map_err(|error| format!("its configuration is malformed: {error}"))?;
        if !matches!(document.os.as_str(), "linux" | "") {
            return Err(format!("it is an image for {:?}", document.os));
        }
        let layers = (document.rootfs.diff_ids.iter())
            .map(|text| Digest::parse(text).ok_or_else(|| format!("{text:?} is no digest")))
            .collect::<Result<_, _>>()?;
        Ok(Self { id, architecture: document.architecture, config: document.config, layers })
    }
}

/// The configuration document of an image that is one root file system.
pub(in crate::engine) fn document_of(layer: &Digest) -> Vec<u8> {
    let document = serde_json::json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer.as_str()] },
    });
    document.to_string().into_bytes()
}

/// This machine's architecture as the image format names it.
pub(in crate::engine) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read() {
        let layer = Digest::of(b"layer");
        let text = format!(
            r#"{{"architecture":"amd64","os":"linux","history":[{{}}],
            "config":{{"Env":["A=b"],"Cmd":["sh"],"Entrypoint":null,"Labels":{{"l":"1"}},"User":"1:2",
            "ExposedPorts":{{"80/tcp":{{}}}}}},
            "rootfs":{{"type":"layers","diff_ids":["{layer}"]}}}}"#
        );
        let image = Described::read(text.as_bytes()).expect("an image");
        assert_eq!(image.id, Digest::of(text.as_bytes()));
        assert_eq!(image.layers, [layer]);
        assert_eq!(
            (image.config.env.as_slice(), image.config.user.as_str()),
            (&["A=b".into()][..], "1:2")
        );
    }

    #[test]
    fn documents_that_are_none() {
        let says = |text: &str| Described::read(text.as_bytes()).expect_err("refused");
        assert!(says("{").contains("malformed"));
        assert!(says("{}").contains("malformed"));
        assert!(says(r#"{"os":"windows","rootfs":{}}"#).contains("windows"));
        assert!(says(r#"{"rootfs":{"diff_ids":["../x"]}}"#).contains("no digest"));
    }

    #[test]
    fn a_root_file_system_is_an_image() {
        let layer = Digest::of(b"layer");
        let image = Described::read(&document_of(&layer)).expect("an image");
        assert_eq!((image.layers, image.architecture.as_str()), (vec![layer], architecture()));
    }
}
