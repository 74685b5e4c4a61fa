//! Archives of images: what `docker save` writes, OCI archives and folders, root file systems.
//!
//! Takes an opened archive; gives the images in it, each with its names and where its layers are.

use std::io;

use serde::Deserialize;

use super::{
    described::{Described, document_of},
    digest::{Digest, Passed},
    manifest::{Listed, Manifest, choose},
    source::Source,
};
use crate::engine::registry::reference::Reference;

/// An image of an archive.
#[derive(Debug)]
pub(in crate::engine) struct Archived {
    pub image: Described,
    /// Its configuration document.
    pub document: Vec<u8>,
    /// As the archive names it. May be empty.
    pub names: Vec<Reference>,
    /// In the order of the image's layers.
    pub layers: Vec<Layer>,
}

/// A layer of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Layer {
    /// A file of the archive; with its digest if the archive says one.
    File(String, Option<Digest>),
    /// The archive itself.
    Whole,
}

/// One image in `manifest.json`.
#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags")]
    names: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Option<Vec<String>>,
}

/// The annotations that hold an image's name: the first one the whole, the second at least the tag.
const NAME: &str = "io.containerd.image.name";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Finds the images of an archive. The error says what is wrong with it.
pub(in crate::engine) fn images(source: &Source) -> Result<Vec<Archived>, String> {
    let read = |name: &str| source.text(name).map_err(|error| error.to_string());
    if let Some(text) = read("manifest.json")? {
        return saved(source, &text);
    }
    if let Some(text) = read("index.json")? {
        return oci(source, &text);
    }
    root_file_system(source)
}

/// What `docker save` writes: the newer form is also an OCI archive, but only here are the names whole.
fn saved(source: &Source, text: &[u8]) -> Result<Vec<Archived>, String> {
    let saved: Vec<Saved> = serde_json::from_slice(text)
        .map_err(|error| format!("its manifest.json is malformed: {error}"))?;
    let image = |saved: Saved| {
        let config = needed(source, &saved.config)?;
        let image = Described::read(&config)?;
        // Both forms name the document after its digest.
        let stem = saved.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        if Digest::parse(&format!("sha256:{stem}")).is_some_and(|said| said != image.id) {
            return Err(format!("{} has the digest {}", saved.config, image.id));
        }
        let layers = saved.layers.unwrap_or_default();
        if layers.len() != image.layers.len() {
            return Err("its configuration and its manifest list different layers".to_owned());
        }
        let layers = layers.into_iter().map(|name| Layer::File(name, None)).collect();
        let names = saved.names.unwrap_or_default().into_iter().map(|name| whole_name(&name));
        Ok(Archived { image, names: names.collect::<Result<_, _>>()?, layers, document: config })
    };
    saved.into_iter().map(image).collect()
}

fn oci(source: &Source, text: &[u8]) -> Result<Vec<Archived>, String> {
    let Manifest::Index(images) = Manifest::read(text)? else {
        return Err("its index.json is no index".to_owned());
    };
    let mut found = Vec::<Archived>::new();
    let mut other_machines = None;
    // Entries for several machines without names of their own are one image.
    let several = images.iter().filter(|(_, platform)| platform.is_some()).count() > 1
        && images.iter().all(|(listed, _)| name_of(listed).is_none());
    let images = if several {
        vec![choose(&images)?.clone()]
    } else {
        images.into_iter().map(|(listed, _)| listed).collect()
    };
    for listed in images {
        let name = name_of(&listed).map(|name| whole_name(&name)).transpose();
        let manifest = match Manifest::read(&blob(source, &listed)?)? {
            Manifest::Index(inner) => match choose(&inner) {
                Ok(chosen) => Manifest::read(&blob(source, chosen)?)?,
                Err(why) => {
                    other_machines = Some(why);
                    continue;
                }
            },
            image => image,
        };
        let Manifest::Image { config, layers } = manifest else {
            return Err("its index lists an index that lists another".to_owned());
        };
        let document = blob(source, &config)?;
        let image = Described::read(&document)?;
        if layers.len() != image.layers.len() {
            return Err("its configuration and its manifest list different layers".to_owned());
        }
        // A tag alone is no name; whoever loads the archive may give one.
        let names: Vec<Reference> = name.into_iter().flatten().collect();
        if let Some(same) = found.iter_mut().find(|other| other.image.id == image.id) {
            same.names.extend(names);
            continue;
        }
        let layers = layers
            .into_iter()
            .map(|layer| Layer::File(blob_name(&layer.digest), Some(layer.digest)))
            .collect();
        found.push(Archived { image, document, names, layers });
    }
    match (found.is_empty(), other_machines) {
        (true, Some(why)) => Err(why),
        _ => Ok(found),
    }
}

fn root_file_system(source: &Source) -> Result<Vec<Archived>, String> {
    let Some(whole) = source.whole() else {
        return Err("the folder has no index.json: it is no OCI image layout".to_owned());
    };
    let looks_like_one =
        ["etc/passwd", "etc/os-release", "usr/lib/os-release", "bin/sh", "bin/busybox"]
            .into_iter()
            .any(|name| source.has(name));
    if !looks_like_one {
        return Err("it is neither an archive of images nor one of a root file system".to_owned());
    }
    let passed = Passed::default();
    io::copy(&mut passed.reader(whole), &mut io::sink()).map_err(|error| error.to_string())?;
    let document = document_of(&passed.digest());
    let image = Described::read(&document)?;
    Ok(vec![Archived { image, document, names: Vec::new(), layers: vec![Layer::Whole] }])
}

fn name_of(listed: &Listed) -> Option<String> {
    let annotation = |key: &str| listed.annotations.get(key).cloned();
    annotation(NAME).or_else(|| annotation(REF_NAME).filter(|name| name.contains(['/', ':'])))
}

/// A name, which must be none of one certain image.
fn whole_name(name: &str) -> Result<Reference, String> {
    match Reference::parse(name) {
        Ok(reference) if reference.digest.is_none() => Ok(reference),
        Ok(_) => Err(format!("{name:?} is a digest, not a name")),
        Err(failure) => Err(failure.to_string()),
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hash())
}

/// Reads a small file, which must have the digest that it is listed with.
fn blob(source: &Source, listed: &Listed) -> Result<Vec<u8>, String> {
    let content = needed(source, &blob_name(&listed.digest))?;
    let found = Digest::of(&content);
    if found != listed.digest {
        return Err(format!("{} has the digest {found}", blob_name(&listed.digest)));
    }
    Ok(content)
}

fn needed(source: &Source, name: &str) -> Result<Vec<u8>, String> {
    let found = source.text(name).map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("it lists {name:?}, which is not in it"))
}
