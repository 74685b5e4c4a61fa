//! Makes the image and reads it.
//!
//! Takes the base as it was saved, and the programs; writes the archive of an image that has the
//! programs in a layer of their own, starts the first one, and runs as nobody.

use std::{
    fs::File,
    io::{self, Seek},
    path::{Path, PathBuf},
};

use libcmatrix_schema::{ImageContents, ImageLayer, LayerSizes, RuntimeNeeds};
use serde_json::{Value, json};
use tar::{Builder, EntryType};

use super::{compressed, surface};
use crate::{
    engine::saved::{self, LayerFile, SavedImage, header},
    failure::{Failure, Result},
    image_contents::{
        files::{Files, LARGEST_READ},
        needs::{all_static, needs, starts_children},
        packages::Installed,
    },
};

/// Where programs are put, without a slash at the beginning.
pub const FOLDER: &str = "usr/local/bin";

/// Whom the programs run as: `nobody` of Debian and Alpine, and of no name where there is none.
pub const USER: &str = "65534:65534";

/// A program of the project.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// The file that was built.
    pub file: PathBuf,
}

/// An image that was made.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// Its id.
    pub id: String,
    /// Where the programs are in it.
    pub programs: Vec<String>,
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

/// Makes the image in the file `archive`. Without a base there is nothing in it but the programs.
/// `labels` are put on it; `scratch` is a folder with room for all layers; nothing in it
/// gets a name.
///
/// # Errors
/// The base is no image, or the disk is full.
pub fn assemble(
    base: Option<&Path>,
    programs: &[Program],
    name: &str,
    labels: &[(String, String)],
    archive: &Path,
    scratch: &Path,
) -> Result<Assembled> {
    let failed = |why: String| {
        Failure::environment(format!("the image {name} cannot be made"))
            .because(why)
            .hint("see whether the disk is full: `libcmatrix doctor`")
    };
    let saved = base.map(|path| SavedImage::open(path, scratch)).transpose().map_err(failed)?;
    let make = || -> io::Result<Assembled> {
        let mut layers = match &saved {
            Some(saved) => saved.layers(scratch)?,
            None => Vec::new(),
        };
        layers.push(pack(programs, scratch)?);
        let paths: Vec<String> = programs.iter().map(|p| format!("{FOLDER}/{}", p.name)).collect();
        let config = saved.as_ref().map_or_else(|| json!({}), |saved| saved.config.clone());
        let config = saved::with_layers(configure(config, &paths, labels), &layers);
        let id = saved::write(File::create(archive)?, &config, Some(name), &layers)?;
        let mut files = Files::default();
        let mut told = Vec::new();
        for (n, layer) in layers.iter().enumerate() {
            let of_project = n + 1 == layers.len();
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
        Ok(Assembled {
            id,
            contents: surface::contents(&files, &installed, &config),
            needs: needs(&paths, &files, &installed),
            all_static: all_static(&paths, &files),
            starts_children: starts_children(&paths, &files),
            programs: paths.iter().map(|path| format!("/{path}")).collect(),
            layers: told,
        })
    };
    make().map_err(|error| failed(error.to_string()))
}

/// The programs' layer, the same for the same programs.
fn pack(programs: &[Program], scratch: &Path) -> io::Result<LayerFile> {
    let mut tar = Builder::new(tempfile::tempfile_in(scratch)?);
    let mut folder = String::new();
    for part in FOLDER.split('/') {
        folder += &format!("{part}/");
        tar.append_data(&mut header(EntryType::Directory, 0o755, 0), &folder, io::empty())?;
    }
    for program in programs {
        let file = File::open(&program.file)?;
        let bytes = file.metadata()?.len();
        let path = format!("{FOLDER}/{}", program.name);
        tar.append_data(&mut header(EntryType::Regular, 0o755, bytes), path, file)?;
    }
    let mut packed = tar.into_inner()?;
    packed.rewind()?;
    LayerFile::copy(packed, scratch)
}

/// The base's configuration with the programs' own.
fn configure(mut base: Value, programs: &[String], labels: &[(String, String)]) -> Value {
    if base["architecture"].as_str().is_none_or(str::is_empty) {
        base["architecture"] = saved::architecture().into();
    }
    base["os"] = "linux".into();
    let config = &mut base["config"];
    config["Entrypoint"] = json!(programs.first().map(|path| vec![format!("/{path}")]));
    config["Cmd"] = Value::Null;
    config["User"] = USER.into();
    config["WorkingDir"] = "/".into();
    for (key, value) in labels {
        config["Labels"][key] = value.as_str().into();
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path) -> Program {
        let file = folder.join("built");
        std::fs::write(&file, "#!/bin/sh\n").expect("written");
        Program { name: "tool".into(), file }
    }

    #[test]
    fn a_program_on_nothing_and_on_something() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (folder.path().join("1.tar"), folder.path().join("2.tar"));
        let programs = [program(folder.path())];
        let labels = [("who".to_owned(), "I".to_owned())];
        let bare = assemble(None, &programs, "a:1", &labels, &first, folder.path()).expect("made");
        assert_eq!(bare.programs, ["/usr/local/bin/tool"]);
        assert!(!bare.all_static, "a script needs its interpreter");
        assert_eq!((bare.layers.len(), bare.layers[0].bytes.unpacked), (1, 10));
        assert_eq!((bare.contents.files, bare.contents.executables), (1, 1));
        let again =
            assemble(None, &programs, "a:1", &labels, &second, folder.path()).expect("made");
        assert_eq!(again.id, bare.id, "the same programs make the same image");
        // Any image can be a base.
        let on =
            assemble(Some(&first), &programs, "b:1", &[], &second, folder.path()).expect("made");
        assert_eq!(on.layers.iter().map(|l| l.of_project).collect::<Vec<_>>(), [false, true]);
        let made = SavedImage::open(&second, folder.path()).expect("an image");
        assert_eq!(made.config["config"]["Entrypoint"], json!(["/usr/local/bin/tool"]));
        assert_eq!(made.config["config"]["User"], USER);
        assert_eq!(made.config["config"]["Labels"]["who"], "I");
        assert_eq!(made.config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_is_no_image_is_no_base() {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = [program(folder.path())];
        let archive = folder.path().join("1.tar");
        let failure =
            assemble(Some(&programs[0].file), &programs, "a:1", &[], &archive, folder.path());
        assert!(failure.expect_err("refused").to_string().contains("a:1"));
    }
}
