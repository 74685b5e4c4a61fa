//! An image in a file, as `docker save` writes it: read, and written.
//!
//! Takes the archive of one image; gives its configuration and its layers as plain archives. The other
//! way round, makes such an archive of a configuration and layers.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, Write},
    path::Path,
};

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::{
    archive::{self, Layer},
    decompress::decompress,
    digest::{Digest, Passed},
    source::Source,
};

/// An image that was saved.
pub struct SavedImage {
    source: Source,
    /// Its configuration document.
    pub config: Value,
    layers: Vec<Layer>,
}

impl SavedImage {
    /// Opens the archive of one image. `scratch` is where a compressed one is unpacked to. The error
    /// says what is wrong with it.
    pub fn open(archive: &Path, scratch: &Path) -> Result<Self, String> {
        let source = Source::open(archive, scratch).map_err(|error| error.to_string())?;
        let mut images = archive::images(&source)?;
        let (Some(image), true) = (images.pop(), images.is_empty()) else {
            return Err("it is no archive of one image".into());
        };
        let config = serde_json::from_slice(&image.document)
            .map_err(|error| format!("its configuration is malformed: {error}"))?;
        Ok(Self { source, config, layers: image.layers })
    }

    /// Its layers, the lowest first, each copied to a file without a name in `scratch`.
    ///
    /// # Errors
    /// One is missing, or the disk is full.
    pub fn layers(&self, scratch: &Path) -> io::Result<Vec<LayerFile>> {
        self.layers
            .iter()
            .map(|layer| {
                let content = match layer {
                    Layer::Whole => self.source.whole(),
                    Layer::File(name, _) => self.source.file(name)?.map(|(file, _)| file),
                };
                let content = content.ok_or(io::ErrorKind::UnexpectedEof)?;
                LayerFile::copy(decompress(content)?, scratch)
            })
            .collect()
    }
}

/// A plain archive of a layer, in a file without a name.
#[derive(Debug)]
pub struct LayerFile {
    file: File,
    bytes: u64,
    digest: Digest,
}

impl LayerFile {
    /// Copies an archive to a file in `scratch`.
    ///
    /// # Errors
    /// It cannot be read, or the disk is full.
    pub fn copy(content: impl Read, scratch: &Path) -> io::Result<Self> {
        let passed = Passed::default();
        let mut file = tempfile::tempfile_in(scratch)?;
        let bytes = io::copy(&mut passed.reader(content), &mut file)?;
        Ok(Self { file, bytes, digest: passed.digest() })
    }

    /// `sha256:...` of the archive.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.digest.as_str()
    }

    /// The archive from its beginning.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reader(&self) -> io::Result<impl Read> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(io::BufReader::with_capacity(1 << 17, file))
    }
}

/// The header of a layer's entry: of root, and without a date, so that the same files make the same layer.
#[must_use]
pub fn header(kind: EntryType, mode: u32, bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// This machine's architecture as the image format names it, e.g. `amd64`.
#[must_use]
pub fn architecture() -> &'static str {
    super::described::architecture()
}

/// The configuration document of an image: that of its base with these layers in place of its own.
#[must_use]
pub fn with_layers(mut config: Value, layers: &[LayerFile]) -> Value {
    let digests: Vec<&str> = layers.iter().map(LayerFile::digest).collect();
    config["rootfs"] = json!({ "type": "layers", "diff_ids": digests });
    // It is about the layers of before; engines do without.
    if let Some(config) = config.as_object_mut() {
        config.remove("history");
    }
    config
}

/// Writes an archive of one image; gives the image's id.
///
/// # Errors
/// The disk is full, or a layer cannot be read.
pub fn write(
    archive: File,
    config: &Value,
    name: Option<&str>,
    layers: &[LayerFile],
) -> io::Result<String> {
    let config = serde_json::to_vec(config)?;
    let id = Digest::of(&config);
    let config_name = format!("{}.json", id.hash());
    let layer_name = |layer: &LayerFile| format!("{}/layer.tar", layer.digest.hash());
    let manifest = json!([{
        "Config": config_name,
        "RepoTags": name.into_iter().collect::<Vec<_>>(),
        "Layers": layers.iter().map(layer_name).collect::<Vec<_>>(),
    }]);
    let mut tar = Builder::new(BufWriter::new(archive));
    let mut add = |name: &str, bytes: u64, content: &mut dyn Read| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(bytes);
        tar.append_data(&mut header, name, content)
    };
    add(&config_name, config.len() as u64, &mut config.as_slice())?;
    let mut written = Vec::new();
    for layer in layers {
        if !written.contains(&&layer.digest) {
            add(&layer_name(layer), layer.bytes, &mut layer.reader()?)?;
            written.push(&layer.digest);
        }
    }
    let manifest = serde_json::to_vec(&manifest)?;
    add("manifest.json", manifest.len() as u64, &mut manifest.as_slice())?;
    tar.into_inner()?.flush()?;
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let layer = |text: &str| {
            let mut tar = Builder::new(Vec::new());
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, "file", text.as_bytes()).expect("packed");
            LayerFile::copy(tar.into_inner().expect("packed").as_slice(), folder.path())
                .expect("copied")
        };
        // The same layer twice, as some images have.
        let layers = [layer("a"), layer("b"), layer("a")];
        let base = json!({ "os": "linux", "config": { "Env": ["A=b"] }, "history": [{}] });
        let config = with_layers(base, &layers);
        let path = folder.path().join("image.tar");
        let file = File::create(&path).expect("made");
        let id = write(file, &config, Some("a/b:1"), &layers).expect("written");
        let saved = SavedImage::open(&path, folder.path()).expect("opened");
        assert_eq!(saved.config, config);
        assert_eq!(Digest::of(&serde_json::to_vec(&config).expect("text")).as_str(), id);
        let read = saved.layers(folder.path()).expect("read");
        let digests =
            |layers: &[LayerFile]| layers.iter().map(|l| l.digest.clone()).collect::<Vec<_>>();
        assert_eq!(digests(&read), digests(&layers));
        let mut content = Vec::new();
        read[1].reader().expect("opened").read_to_end(&mut content).expect("read");
        assert_eq!(content.len() as u64, layers[1].bytes);
    }
}
