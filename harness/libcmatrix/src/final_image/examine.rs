//! What a user of an image gets with it.
//!
//! Takes an image's layers as plain archives, its configuration and the paths of the project's programs;
//! gives sizes of each layer, what is in all of them together, and what the programs need of it.

use std::io;

use libcmatrix_schema::{ImageContents, ImageLayer, LayerSizes, RuntimeNeeds};
use serde_json::Value;

use super::{compressed, surface};
use crate::{
    engine::saved::LayerFile,
    image_contents::{
        files::{Files, LARGEST_READ},
        needs::{all_static, needs, starts_children},
        packages::Installed,
    },
};

/// An image that was looked through.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Its layers, the lowest first.
    pub layers: Vec<ImageLayer>,
    /// What is in it.
    pub contents: ImageContents,
    /// What the programs need of it.
    pub needs: RuntimeNeeds,
    /// Whether none of them needs a loader or a library.
    pub all_static: bool,
    /// Whether they may start other programs, where that can be told.
    pub starts_children: Option<bool>,
}

/// Looks through an image. `programs` are paths without a slash at the beginning; `is_of_project` says of
/// each layer by its number whether it holds any of them.
///
/// # Errors
/// A layer cannot be read.
pub(super) fn examine(
    layers: &[LayerFile],
    config: &Value,
    programs: &[String],
    is_of_project: impl Fn(usize) -> bool,
) -> io::Result<Examined> {
    let mut files = Files::default();
    let mut told = Vec::new();
    for (n, layer) in layers.iter().enumerate() {
        let of_project = is_of_project(n);
        // The programs themselves are looked into, however large they are.
        let largest = if of_project { u64::MAX } else { LARGEST_READ };
        let unpacked = files.add_layer(layer.reader()?, largest)?;
        let (gzip, zstd) = compressed::sizes(layer.reader()?)?;
        told.push(ImageLayer {
            digest: layer.digest().to_owned(),
            of_project,
            bytes: LayerSizes { unpacked, gzip, zstd },
        });
    }
    let installed = Installed::read(&files);
    Ok(Examined {
        contents: surface::contents(&files, &installed, config),
        needs: needs(programs, &files, &installed),
        all_static: all_static(programs, &files),
        starts_children: starts_children(programs, &files),
        layers: told,
    })
}
