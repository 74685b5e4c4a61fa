//! `libcmatrix completions`: a completion script.

use clap::Args;
use clap_complete::Shell;

use crate::{exit::Exit, failure::Result};

/// Arguments of `completions`.
#[derive(Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None.
pub fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "libcmatrix", &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Ok(Exit::Success)
}
