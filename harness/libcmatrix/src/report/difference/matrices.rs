//! What changed between two matrices, for people: a heading and the difference of each pair.

use std::fmt::Write;

use libcmatrix_schema::{MatrixDifference, PairShows};

use super::{
    super::{
        sanitise::sanitise_line,
        terminal::{BOLD, wrapped},
    },
    render as render_pair,
};

/// Shows the difference in `width` columns.
#[must_use]
pub fn render(difference: &MatrixDifference, width: usize) -> String {
    let mut out = String::new();
    for (n, pair) in difference.pairs.iter().enumerate() {
        let [baseline, candidate] = [&pair.baseline, &pair.candidate].map(|t| sanitise_line(t));
        let of = difference.pairs.len();
        let _ =
            writeln!(out, "\n{BOLD}=== {baseline} -> {candidate}{BOLD:#} (pair {} of {of})", n + 1);
        let text = match &pair.shows {
            PairShows::Compared { difference } => {
                out.push_str(&render_pair(difference, width));
                continue;
            }
            PairShows::Appeared { verdict } => {
                format!("only the later matrix ran it; its answer is {verdict}")
            }
            PairShows::Gone => "only the earlier matrix has this pair".into(),
            PairShows::ResultLost => {
                "CANNOT TELL: the earlier matrix ran it, and the later one has no run of it".into()
            }
            PairShows::NotRun => "there is no run of it, in neither matrix".into(),
        };
        wrapped(&mut out, "  - ", &text, width);
    }
    out
}
