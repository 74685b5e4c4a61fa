//! `libcmatrix explain`: what a finding means, how it shows, what to do.

use clap::Args;

use super::terminal_width;
use crate::{
    diagnose::rulebook,
    exit::Exit,
    failure::{Failure, Result},
    report::explanation,
};

/// Arguments of `explain`.
#[derive(Args)]
pub struct ExplainArgs {
    /// A finding's code
    #[arg(required_unless_present = "list", value_name = "CODE")]
    code: Option<String>,
    /// All codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

/// How alike a name must be to be offered: by experience with `strsim`'s Jaro-Winkler.
const ALIKE: f64 = 0.8;

/// Explains a finding.
///
/// # Errors
/// There is no such code.
pub fn explain(args: &ExplainArgs) -> Result<Exit> {
    let rulebook = rulebook();
    let Some(code) = &args.code else {
        anstream::print!("{}", explanation::list(rulebook, terminal_width()));
        return Ok(Exit::Success);
    };
    let Some(entry) = rulebook.get(code) else {
        let alike = rulebook
            .entries
            .iter()
            .map(|entry| (strsim::jaro_winkler(code, entry.code), entry.code))
            .filter(|(alike, _)| *alike > ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let hint = match alike {
            Some((_, alike)) => format!("did you mean `{alike}`?"),
            None => "`libcmatrix explain --list` names all".into(),
        };
        return Err(Failure::usage(format!("there is no finding `{code}`")).hint(hint));
    };
    anstream::print!("{}", explanation::terminal(entry, terminal_width()));
    Ok(Exit::Success)
}
