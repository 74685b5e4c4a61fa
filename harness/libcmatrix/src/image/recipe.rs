//! Images made on this machine out of packages, where no registry answers.
//!
//! The recipes are the scripts in `ci/images`; they are part of this executable, so that an
//! installed `libcmatrix` can make images without a checkout. They make archives; the engine loads
//! them. An image carries the key of the recipe it came from, so what is there already and still
//! current is not made again.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use include_dir::{Dir, include_dir};
use tokio::process::Command;

use crate::{
    engine::Engine,
    environment::builtin,
    failure::{Failure, Result},
};

static RECIPES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/recipes");

/// The part of a name that only images made here have.
const PREFIX: &str = "libcmatrix/";

/// The label of an image that holds the key of its recipe.
const KEY_LABEL: &str = "org.libcmatrix.recipe";

/// Whether an image of this name is made here rather than pulled.
#[must_use]
pub fn makes(reference: &str) -> bool {
    reference.starts_with(PREFIX)
}

/// An image that a recipe makes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    reference: String,
    key: String,
    archive: PathBuf,
}

/// Makes the images of a Debian release, and Alpine's, as far as the engine does not have them;
/// gives the names of those that are new in the engine.
///
/// # Errors
/// The release has no recipe, or a recipe failed; it has then said why on standard error.
pub async fn build(engine: &dyn Engine, release: &str, cache: &Path) -> Result<Vec<String>> {
    if !builtin::LOCAL_RELEASES.contains(&release) {
        return Err(Failure::usage(format!(
            "there is no recipe for the Debian release `{release}`"
        ))
        .hint(format!("there are recipes for {}", builtin::LOCAL_RELEASES.join(", "))));
    }
    let folder = unpack(&cache.join("recipes")).map_err(|e| {
        Failure::environment(format!("the recipes cannot be written to {}", cache.display()))
            .because(e)
            .hint("free some disk space, or set XDG_CACHE_HOME to a folder that can be written to")
    })?;
    let mut missing = Vec::new();
    for image in make(&folder, &["--release", release, "--key"]).await? {
        if !has(engine, &image).await? {
            missing.push(image_name(&image.reference).to_owned());
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let args: Vec<&str> =
        ["--release", release].into_iter().chain(missing.iter().map(String::as_str)).collect();
    let mut loaded = Vec::new();
    for image in make(&folder, &args).await? {
        let old = engine.find_image(&image.reference).await?;
        engine.load_images(&image.archive, None).await?;
        if !has(engine, &image).await? {
            return Err(Failure::bug(format!(
                "{} does not hold the image {}",
                image.archive.display(),
                image.reference
            )));
        }
        if let Some(old) = old {
            // It has lost its name. Where something still uses it, it stays.
            let _ = engine.remove_image(&old.id).await;
        }
        loaded.push(image.reference);
    }
    Ok(loaded)
}

async fn has(engine: &dyn Engine, image: &Made) -> Result<bool> {
    let found = engine.find_image(&image.reference).await?;
    Ok(found.is_some_and(|i| i.labels.get(KEY_LABEL) == Some(&image.key)))
}

/// Runs the recipes. What they say goes to standard error as it comes.
async fn make(folder: &Path, args: &[&str]) -> Result<Vec<Made>> {
    let child = Command::new("bash")
        .arg(folder.join("make"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|e| {
            Failure::environment("bash cannot be started")
                .because(e)
                .hint("install bash: the recipes are written for it")
        })?;
    // Not `Command::output`: that would take standard error as well.
    let output = child
        .wait_with_output()
        .await
        .map_err(|e| Failure::environment("a recipe cannot be waited for").because(e))?;
    if !output.status.success() {
        return Err(Failure::environment("an image could not be made")
            .because(format!("its recipe ended with {}; what it said is above", output.status))
            .hint("run it again: it goes on where it failed"));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Lines of an image's name, its key and its archive, separated by tabs.
fn parse(text: &str) -> Result<Vec<Made>> {
    text.lines()
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [reference, key, archive] => {
                Ok(Made { reference: reference.into(), key: key.into(), archive: archive.into() })
            }
            _ => Err(Failure::bug("a recipe's answer is not understood").because(line)),
        })
        .collect()
}

/// `debian-builder` of `libcmatrix/debian-builder:trixie`.
fn image_name(reference: &str) -> &str {
    let name = reference.strip_prefix(PREFIX).unwrap_or(reference);
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// A script that runs must not change under it: files that are right already are left alone. What
/// an older version has left goes: the recipes' key is made of every file that lies there.
fn unpack(folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        // A hidden file is one that another process is just writing.
        if RECIPES.get_file(&name).is_none() && !name.to_string_lossy().starts_with('.') {
            fs::remove_file(entry.path())?;
        }
    }
    for file in RECIPES.files() {
        let path = folder.join(file.path());
        if fs::read(&path).is_ok_and(|there| there == file.contents()) {
            continue;
        }
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(file.contents())?;
        new.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
        new.persist(path)?;
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_are_in_the_executable() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("of-an-older-version"), "").expect("written");
        unpack(folder.path()).expect("unpacked");
        let mode = fs::metadata(folder.path().join("make")).expect("a script").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        // Only what the recipes are made of goes into the key, so nothing else may lie about.
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), RECIPES.files().count());
    }

    #[tokio::test]
    async fn the_recipes_name_every_image_that_is_made_here() {
        let folder = tempfile::tempdir().expect("a folder");
        unpack(folder.path()).expect("unpacked");
        for release in builtin::LOCAL_RELEASES {
            let made = make(folder.path(), &["--release", release, "--key"]).await.expect("keys");
            let made: Vec<&str> = made.iter().map(|m| m.reference.as_str()).collect();
            let spec = &builtin::environments()[&format!("debian-{release}-local")];
            assert!(made.contains(&spec.builder.as_str()) && made.contains(&spec.runtime.as_str()));
            assert!(made.contains(&"libcmatrix/alpine:3.23"), "{made:?}");
        }
    }

    #[test]
    fn answers_of_a_recipe() {
        let made = parse("libcmatrix/alpine:3.23\tk\t/c/a b.tar\n").expect("understood");
        assert_eq!(made[0].archive, Path::new("/c/a b.tar"));
        assert_eq!(image_name(&made[0].reference), "alpine");
        assert!(parse("something else").is_err());
    }

    #[test]
    fn every_local_environment_has_images_that_are_made_here() {
        for (name, spec) in builtin::environments() {
            let local = name.contains("-local");
            assert_eq!(makes(&spec.builder), local, "{name}");
            assert_eq!(makes(&spec.runtime), local, "{name}");
        }
    }
}
