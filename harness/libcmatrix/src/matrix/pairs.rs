//! The pairs of a matrix.
//!
//! Takes the section `[matrix]`; gives each baseline with each candidate, without those that are left out.

use serde::Deserialize;

use crate::failure::{Failure, Result};

/// The section `[matrix]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MatrixConfig {
    /// Environments it runs in today.
    pub baselines: Vec<String>,
    /// Environments it may move to.
    pub candidates: Vec<String>,
    /// Pairs that are left out, each as baseline and candidate.
    pub exclude: Vec<[String; 2]>,
}

/// A baseline and a candidate, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The baseline.
    pub baseline: String,
    /// The candidate.
    pub candidate: String,
}

/// All pairs, in the order of the section: by candidate, then by baseline.
///
/// # Errors
/// There are none, one stands there twice, or what is left out is none of them.
pub fn pairs(config: &MatrixConfig) -> Result<Vec<Pair>> {
    if config.baselines.is_empty() || config.candidates.is_empty() {
        return Err(Failure::usage("there is no matrix to run")
            .because("the section [matrix] of libcmatrix.toml names no baselines or no candidates")
            .hint(
                "for example: [matrix] baselines = [\"debian-bookworm\"] candidates = [\"alpine-3.23\"]; \
                 `libcmatrix init` writes a file with every setting explained",
            ));
    }
    for names in [&config.baselines, &config.candidates] {
        let twice = names.iter().enumerate().find(|(n, name)| names[..*n].contains(name));
        if let Some((_, name)) = twice {
            return Err(Failure::usage(format!("[matrix] names `{name}` twice"))
                .hint("leave one of them out"));
        }
    }
    let mut all = Vec::new();
    for candidate in &config.candidates {
        for baseline in &config.baselines {
            all.push(Pair { baseline: baseline.clone(), candidate: candidate.clone() });
        }
    }
    if let Some(same) = all.iter().find(|pair| pair.baseline == pair.candidate) {
        return Err(Failure::usage(format!("[matrix] compares `{}` with itself", same.baseline))
            .hint(
                "name it as a baseline or as a candidate, or leave the pair out with `exclude`",
            ));
    }
    for [baseline, candidate] in &config.exclude {
        let before = all.len();
        all.retain(|pair| pair.baseline != *baseline || pair.candidate != *candidate);
        if all.len() == before {
            return Err(Failure::usage(format!(
                "[matrix] leaves out {baseline} with {candidate}, which is none of its pairs"
            ))
            .hint("`exclude` takes pairs of a baseline and a candidate that stand above it"));
        }
    }
    if all.is_empty() {
        return Err(Failure::usage("[matrix] leaves out every pair").hint("leave out fewer"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> MatrixConfig {
        toml::from_str(text).expect("a section")
    }

    fn names(text: &str) -> Result<Vec<String>> {
        let pairs = pairs(&config(text))?;
        Ok(pairs.iter().map(|pair| format!("{} {}", pair.baseline, pair.candidate)).collect())
    }

    #[test]
    fn each_with_each_without_those_left_out() {
        let text = "baselines = ['a', 'b']\ncandidates = ['x', 'y']\nexclude = [['b', 'x']]";
        assert_eq!(names(text).expect("pairs"), ["a x", "a y", "b y"]);
    }

    #[test]
    fn what_makes_no_matrix_is_told() {
        for (text, words) in [
            ("", "no matrix"),
            ("baselines = ['a']", "no matrix"),
            ("baselines = ['a', 'a']\ncandidates = ['x']", "`a` twice"),
            ("baselines = ['a']\ncandidates = ['a']", "itself"),
            ("baselines = ['a']\ncandidates = ['x']\nexclude = [['x', 'a']]", "none of its pairs"),
            ("baselines = ['a']\ncandidates = ['x']\nexclude = [['a', 'x']]", "every pair"),
        ] {
            let failure = names(text).expect_err(text);
            assert!(failure.to_string().contains(words), "{text}: {failure}");
            assert!(failure.hint.is_some(), "{text}");
        }
    }
}
