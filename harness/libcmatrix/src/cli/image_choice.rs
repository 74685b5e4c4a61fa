//! Which image of which run a command is about.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use libcmatrix_schema::{Role, RunRecord};

use crate::{failure::Result, record::read_record};

/// The run, and which of its images.
#[derive(Args)]
pub struct ImageChoice {
    /// Folder of a run that was made with --images
    #[arg(default_value = "libcmatrix-out/latest")]
    folder: PathBuf,
    /// Which side's
    #[arg(long, value_name = "SIDE", default_value = "candidate")]
    side: Side,
    /// The image that has nothing but the programs
    #[arg(long)]
    empty: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Baseline,
    Candidate,
}

impl ImageChoice {
    /// Prints what `render` makes of the record, the side, and whether it is the image on nothing.
    ///
    /// # Errors
    /// The folder holds no readable run, or the run has made no such image.
    pub fn print(&self, render: fn(&RunRecord, Role, bool) -> Result<String>) -> Result<()> {
        let record = read_record(&self.folder)?;
        let side = match self.side {
            Side::Baseline => Role::Baseline,
            Side::Candidate => Role::Candidate,
        };
        anstream::print!("{}", render(&record, side, self.empty)?);
        Ok(())
    }
}
