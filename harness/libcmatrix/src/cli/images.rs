//! `libcmatrix images`: what is there, and how more gets there.

use std::{collections::BTreeSet, path::PathBuf};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};

use super::{EngineChoice, Global, connect};
use crate::{
    engine::{Engine, LocalImage},
    environment::builtin,
    exit::Exit,
    failure::Result,
    folders,
    image::recipe,
    report::sanitise::sanitise,
};

/// Arguments of `images`.
#[derive(Args)]
pub struct ImagesArgs {
    #[command(subcommand)]
    command: Option<ImagesCommand>,
    /// What runs the environments
    #[arg(long, global = true, value_name = "ENGINE", default_value = "auto")]
    engine: EngineChoice,
}

#[derive(Subcommand)]
enum ImagesCommand {
    /// The images of all known environments, and whether they are there
    List,
    /// Make images out of packages, where no registry answers (some minutes, as root)
    Build {
        /// Release of Debian
        #[arg(long, default_value = "trixie")]
        release: String,
    },
    /// Load an image archive, as `docker save` writes it, an OCI archive or layout folder
    Load {
        /// The archive or folder
        file: PathBuf,
        /// Name of the image, where the archive does not say it: a root file system
        #[arg(long, value_name = "NAME[:TAG]")]
        name: Option<String>,
    },
    /// Pull images from their registry
    Pull {
        /// Their names; without any, those of the default pair
        references: Vec<String>,
    },
    /// Remove what no name leads to and nobody uses (the embedded engine's)
    Prune,
    /// Remove images
    Remove {
        /// Their names
        #[arg(required = true)]
        references: Vec<String>,
    },
}

/// Does what was asked for.
///
/// # Errors
/// The engine cannot be reached, or refuses.
pub async fn images(args: ImagesArgs, global: &Global) -> Result<Exit> {
    match args.command.unwrap_or(ImagesCommand::List) {
        ImagesCommand::List => list(connect(args.engine).await?.as_ref()).await?,
        ImagesCommand::Build { release } => {
            let engine = connect(args.engine).await?;
            let made = recipe::build(engine.as_ref(), &release, &folders::cache()?).await?;
            for reference in &made {
                anstream::println!("made {reference}");
            }
            if made.is_empty() {
                anstream::println!("the images are there already, and current");
            }
        }
        ImagesCommand::Load { file, name } => {
            let engine = connect(args.engine).await?;
            for name in engine.load_images(&file, name.as_deref()).await? {
                anstream::println!("loaded {}", sanitise(&name));
            }
        }
        ImagesCommand::Pull { references } => {
            let engine = connect(args.engine).await?;
            for reference in with_default(references) {
                pull(engine.as_ref(), &reference, global).await?;
            }
        }
        ImagesCommand::Prune => {
            let engine = connect(args.engine).await?;
            let pruned = engine.prune_images().await?;
            anstream::println!(
                "removed {} {}, freed {}",
                pruned.images,
                if pruned.images == 1 { "image" } else { "images" },
                indicatif::HumanBytes(pruned.freed_bytes),
            );
            disk_usage(engine.as_ref()).await?;
        }
        ImagesCommand::Remove { references } => {
            let engine = connect(args.engine).await?;
            for reference in references {
                engine.remove_image(&reference).await?;
                anstream::println!("removed {}", sanitise(&reference));
            }
        }
    }
    Ok(Exit::Success)
}

fn with_default(references: Vec<String>) -> Vec<String> {
    if !references.is_empty() {
        return references;
    }
    let (baseline, candidate) = builtin::REGISTRY_PAIR;
    let environments = builtin::environments();
    let specs = [baseline, candidate].into_iter().filter_map(|name| environments.get(name));
    specs.flat_map(|spec| [spec.builder.clone(), spec.runtime.clone()]).collect()
}

async fn pull(engine: &dyn Engine, reference: &str, global: &Global) -> Result<()> {
    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
    let target =
        if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(None, target).with_style(style);
    bar.set_message(sanitise(reference));
    let show = |progress: crate::engine::PullProgress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.received_bytes);
    };
    let pulled = engine.pull_image(reference, &show).await;
    bar.finish_and_clear();
    let image = pulled?;
    anstream::println!("pulled {} {}", sanitise(reference), image_digest(&image));
    Ok(())
}

fn image_digest(image: &LocalImage) -> String {
    let digest = image.repo_digests.first().and_then(|d| d.rsplit_once('@')).map(|(_, d)| d);
    sanitise(digest.unwrap_or(&image.id))
}

async fn list(engine: &dyn Engine) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["IMAGE", "FOR", "SIZE", "DIGEST"]);
    let environments = builtin::environments();
    let references: BTreeSet<&String> =
        environments.values().flat_map(|spec| [&spec.builder, &spec.runtime]).collect();
    for reference in references {
        let users: Vec<&str> = environments
            .iter()
            .filter(|(_, spec)| [&spec.builder, &spec.runtime].contains(&reference))
            .map(|(name, _)| name.as_str())
            .collect();
        let (size, digest) = match engine.find_image(reference).await? {
            Some(image) => (
                indicatif::HumanBytes(image.size_bytes).to_string(),
                image_digest(&image).chars().take(19).collect(),
            ),
            None if recipe::makes(reference) => ("-".into(), "not made".to_owned()),
            None => ("-".into(), "not pulled".to_owned()),
        };
        table.add_row([reference.clone(), users.join("\n"), size, digest]);
    }
    anstream::println!("{table}");
    disk_usage(engine).await
}

async fn disk_usage(engine: &dyn Engine) -> Result<()> {
    if let Some(bytes) = engine.images_disk_bytes().await? {
        anstream::println!("images take {} of disk", indicatif::HumanBytes(bytes));
    }
    Ok(())
}
