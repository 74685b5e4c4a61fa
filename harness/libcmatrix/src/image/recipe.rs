//! Images made on this machine out of packages, where no registry answers.
//!
//! The recipes are the scripts in `ci/images`; they are part of this executable, so that an
//! installed `libcmatrix` can make images without a checkout.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use include_dir::{Dir, include_dir};

use crate::{
    environment::builtin,
    failure::{Failure, Result},
};

static RECIPES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/recipes");

/// The part of a name that only images made here have.
const PREFIX: &str = "libcmatrix/";

/// Whether an image of this name is made here rather than pulled.
#[must_use]
pub fn makes(reference: &str) -> bool {
    reference.starts_with(PREFIX)
}

/// Makes the images of a Debian release, and Alpine's, and loads them into the Docker-compatible engine.
///
/// # Errors
/// The release has no recipe, or a recipe failed; it has then said why.
pub fn build(release: &str, cache: &Path) -> Result<()> {
    if !builtin::LOCAL_RELEASES.contains(&release) {
        return Err(Failure::usage(format!("there is no recipe for the Debian release `{release}`"))
            .hint(format!("there are recipes for {}", builtin::LOCAL_RELEASES.join(", "))));
    }
    let folder = unpack(&cache.join("recipes")).map_err(|e| {
        Failure::environment(format!("the recipes cannot be written to {}", cache.display()))
            .because(e)
            .hint("free some disk space, or set XDG_CACHE_HOME to a folder that can be written to")
    })?;
    let status = Command::new("bash")
        .arg(folder.join("make"))
        .args(["--release", release, "--load", "all"])
        .status()
        .map_err(|e| Failure::environment("bash cannot be started").because(e))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::environment("an image could not be made")
        .because(format!("its recipe ended with {status}; what it said is above"))
        .hint("run it again: it goes on where it failed"))
}

fn unpack(folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    RECIPES.extract(folder)?;
    for file in RECIPES.files() {
        let path = folder.join(file.path());
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_are_in_the_executable() {
        assert!(RECIPES.get_file("make").is_some());
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
