//! `--dockerfile SIDE=FILE`: Dockerfiles of the user's own, instead of images that are put together.
//!
//! Takes the option and the environments; gives the environments with the Dockerfiles, by paths that hold
//! anywhere.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use libcmatrix_schema::Role;

use crate::{
    engine::{Engine, no_dockerfiles},
    environment::EnvironmentSpec,
    failure::{Failure, Result},
};

/// A file of one side.
#[derive(Clone)]
pub(super) struct SideFile {
    side: Role,
    file: PathBuf,
}

impl FromStr for SideFile {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (side, file) = match text.split_once('=') {
            Some(("baseline", file)) => (Role::Baseline, file),
            Some(("candidate", file)) => (Role::Candidate, file),
            _ => return Err("say whose it is: baseline=FILE or candidate=FILE".into()),
        };
        Ok(Self { side, file: file.into() })
    }
}

/// Puts the Dockerfiles into the baseline's and the candidate's environment, in place of those that these
/// name.
///
/// # Errors
/// One is not there.
pub(super) fn into_sides(
    files: &[SideFile],
    root: &Path,
    mut sides: [EnvironmentSpec; 2],
) -> Result<[EnvironmentSpec; 2]> {
    for spec in &mut sides {
        spec.dockerfile = spec.dockerfile.take().map(|path| root.join(path));
    }
    for SideFile { side, file } in files {
        sides[usize::from(*side == Role::Candidate)].dockerfile = Some(file.clone());
    }
    for path in sides.iter_mut().filter_map(|spec| spec.dockerfile.as_mut()) {
        *path = path.canonicalize().map_err(|error| {
            Failure::usage(format!("the Dockerfile {} cannot be read", path.display()))
                .because(error)
                .hint("paths of --dockerfile are from here, those of libcmatrix.toml from the workspace root")
        })?;
    }
    Ok(sides)
}

/// Refuses Dockerfiles where the engine builds none, before anything else is built.
///
/// # Errors
/// See above.
pub(super) fn must_be_built(engine: &dyn Engine, sides: [&EnvironmentSpec; 2]) -> Result<()> {
    match sides.into_iter().find_map(|spec| spec.dockerfile.as_ref()) {
        Some(path) if !engine.builds_dockerfiles() => {
            Err(no_dockerfiles(&path.display().to_string()))
        }
        _ => Ok(()),
    }
}
