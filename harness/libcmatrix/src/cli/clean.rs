//! `libcmatrix clean`: removes what killed runs have left in the engine.

use clap::Args;

use super::{EngineChoice, engine};
use crate::{exit::Exit, failure::Result};

/// Arguments of `clean`.
#[derive(Args)]
pub struct CleanArgs {
    /// Also what belongs to runs that are still going on, and to other machines
    #[arg(long)]
    all: bool,
    /// What ran the environments
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: EngineChoice,
}

/// Cleans.
///
/// # Errors
/// The engine cannot be reached.
pub async fn clean(args: &CleanArgs) -> Result<Exit> {
    let removed = engine(args.engine).await?.sweep(args.all).await?;
    let counted = |n: u32, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    anstream::println!(
        "removed {}, {} and {}",
        counted(removed.sandboxes, "sandbox", "sandboxes"),
        counted(removed.volumes, "volume", "volumes"),
        counted(removed.images, "image", "images"),
    );
    Ok(Exit::Success)
}
