//! An image for an experiment: the candidate's, with packages of the baseline's.
//!
//! Takes both images, and what is missing; gives an image in the engine, which is removed with the run.
//! Nothing is installed, so no package repository is needed: the files are taken as they are.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use libcmatrix_schema::Role;

use super::Context;
use crate::{
    engine::{
        image_repository, load_made_image,
        saved::{self, SavedImage},
    },
    failure::{Failure, Result},
    image_contents::transplant::{Wanted, transplant},
};

/// The image.
#[derive(Clone, Debug)]
pub struct WithPackages {
    /// Its id.
    pub image: String,
    /// The packages that were added.
    pub packages: Vec<String>,
}

/// What becomes an image.
struct Plan {
    /// The baseline's image as it was saved, and the candidate's.
    saved: [PathBuf; 2],
    wanted: Wanted,
    name: String,
    labels: Vec<(String, String)>,
    /// The archive to write.
    archive: PathBuf,
    scratch: PathBuf,
}

/// Makes the candidate's image `to` with what is wanted of the baseline's image `from`. The inner error
/// says why there is nothing to add.
///
/// # Errors
/// The engine fails, or the disk is full.
pub async fn image(
    context: &Context,
    from: &str,
    to: &str,
    wanted: &Wanted,
    finding: &str,
) -> Result<std::result::Result<WithPackages, String>> {
    let saved = [context.folder.scratch_file()?, context.folder.scratch_file()?];
    for (image, file) in [from, to].into_iter().zip(&saved) {
        context.engine.save_image(&context.owner, image, file.path()).await?;
    }
    let archive = context.folder.scratch_file()?;
    let repository = image_repository(&context.owner.run_id);
    let plan = Plan {
        saved: saved.each_ref().map(|file| file.path().to_owned()),
        wanted: wanted.clone(),
        name: format!("{repository}:{}-{finding}", Role::Candidate),
        labels: context.engine.image_labels(&context.owner).into_iter().collect(),
        archive: archive.path().to_owned(),
        scratch: context.folder.path().to_owned(),
    };
    let name = plan.name.clone();
    let what = "an image with more packages cannot be made";
    let packages = match tokio::task::spawn_blocking(move || make(&plan)).await {
        Ok(Ok(Ok(packages))) => packages,
        Ok(Ok(Err(why))) => return Ok(Err(why)),
        Ok(Err(why)) => return Err(Failure::environment(what).because(why)),
        Err(error) => return Err(Failure::bug(what).because(error)),
    };
    let image = load_made_image(context.engine.as_ref(), archive.path(), &name).await?.id;
    Ok(Ok(WithPackages { image, packages }))
}

/// Writes the archive; gives the packages that were added, or why there are none.
fn make(plan: &Plan) -> std::result::Result<std::result::Result<Vec<String>, String>, String> {
    let why = |error: std::io::Error| error.to_string();
    let open = |path: &Path| SavedImage::open(path, &plan.scratch);
    let [from, to] = [open(&plan.saved[0])?, open(&plan.saved[1])?];
    let from = from.layers(&plan.scratch).map_err(why)?;
    let mut layers = to.layers(&plan.scratch).map_err(why)?;
    let made = match transplant(&from, &layers, &plan.wanted, &plan.scratch).map_err(why)? {
        Err(nothing) => return Ok(Err(nothing)),
        Ok(made) => made,
    };
    layers.push(made.layer);
    let mut config = to.config;
    for (key, value) in &plan.labels {
        config["config"]["Labels"][key] = value.as_str().into();
    }
    let config = saved::with_layers(config, &layers);
    let file = File::create(&plan.archive).map_err(why)?;
    saved::write(file, &config, Some(&plan.name), &layers).map_err(why)?;
    Ok(Ok(made.packages))
}
