//! Reads an image that somebody else has made.
//!
//! Takes it as it was saved; gives what it starts, and what a user of it gets.

use std::{io, path::Path};

use super::{
    examine::{Examined, examine},
    start_command::StartCommand,
};
use crate::{
    engine::saved::SavedImage,
    failure::{Failure, Result},
    image_contents::files::{Files, LARGEST_READ},
};

/// An image that was read.
#[derive(Clone, Debug)]
pub struct OwnImage {
    /// What it starts; `None` where that is nothing.
    pub start: Option<StartCommand>,
    /// What a user gets with it.
    pub examined: Examined,
}

/// Reads the image in the file `archive`. `scratch` is a folder with room for all layers; nothing in it
/// gets a name.
///
/// # Errors
/// It is no image, or the disk is full.
pub fn read_own(archive: &Path, scratch: &Path) -> Result<OwnImage> {
    let failed = |why: String| {
        Failure::environment("the image that was built cannot be read")
            .because(why)
            .hint("see whether the disk is full: `libcmatrix doctor`")
    };
    let saved = SavedImage::open(archive, scratch).map_err(failed)?;
    read(&saved, scratch).map_err(|error| failed(error.to_string()))
}

fn read(saved: &SavedImage, scratch: &Path) -> io::Result<OwnImage> {
    let layers = saved.layers(scratch)?;
    let mut files = Files::default();
    for layer in &layers {
        files.add_layer(layer.reader()?, LARGEST_READ)?;
    }
    let start = StartCommand::read(&saved.config, &files);
    let programs: Vec<String> =
        start.iter().map(|start| start.program().trim_start_matches('/').to_owned()).collect();
    let places: Vec<String> =
        programs.iter().filter_map(|path| Some(files.resolve(path)?.0)).collect();
    let mut has_program = Vec::new();
    for layer in &layers {
        let mut files = Files::default();
        files.add_layer(layer.reader()?, 0)?;
        has_program.push(places.iter().any(|place| files.at(place).is_some()));
    }
    let is_of_project = |n: usize| has_program.get(n).copied().unwrap_or(false);
    let examined = examine(&layers, &saved.config, &programs, is_of_project)?;
    Ok(OwnImage { start, examined })
}
