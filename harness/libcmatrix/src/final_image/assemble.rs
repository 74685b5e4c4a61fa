//! Makes the image and reads it.
//!
//! Takes the base as it was saved, and the programs; writes the archive of an image that has the
//! programs in a layer of their own, starts the first one, and runs as nobody.

use std::{
    fs::File,
    io::{self, Seek},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tar::{Builder, EntryType};

use super::examine::{Examined, examine};
use crate::{
    engine::saved::{self, LayerFile, SavedImage, header},
    failure::{Failure, Result},
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
    /// What a user gets with it.
    pub examined: Examined,
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
        let own = layers.len() - 1;
        Ok(Assembled {
            id,
            examined: examine(&layers, &config, &paths, |n| n == own)?,
            programs: paths.iter().map(|path| format!("/{path}")).collect(),
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
        let Examined { layers, contents, all_static, .. } = bare.examined;
        assert!(!all_static, "a script needs its interpreter");
        assert_eq!((layers.len(), layers[0].bytes.unpacked), (1, 10));
        assert_eq!((contents.files, contents.executables), (1, 1));
        let again =
            assemble(None, &programs, "a:1", &labels, &second, folder.path()).expect("made");
        assert_eq!(again.id, bare.id, "the same programs make the same image");
        // Any image can be a base.
        let on =
            assemble(Some(&first), &programs, "b:1", &[], &second, folder.path()).expect("made");
        let on = on.examined.layers;
        assert_eq!(on.iter().map(|l| l.of_project).collect::<Vec<_>>(), [false, true]);
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
