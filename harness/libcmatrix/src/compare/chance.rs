//! Whether two sides of a test differ beyond chance: Fisher's exact test, two-sided. Pure.

use libcmatrix_schema::Test;
use statrs::stats_tests::{Alternative, fisher::fishers_exact};

/// A difference that chance makes more often than this is none that is called. Five attempts a side
/// that all agree are enough for a call (0.8 %), four are not (2.9 %).
pub(crate) const LIMIT: f64 = 0.01;

/// So many attempts of a side were like this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) like_this: usize,
    pub(crate) of: usize,
}

/// How probable it is that the same test, run as often, gives counts at least as far apart: 1 where
/// nothing was run.
pub(crate) fn probability(a: Count, b: Count) -> f64 {
    let cell = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let table = [a.like_this, b.like_this, a.of - a.like_this, b.of - b.like_this].map(cell);
    fishers_exact(&table, Alternative::TwoSided).map_or(1.0, |p| p.clamp(0.0, 1.0))
}

/// Why a difference is not called, with what would tell.
pub(super) fn too_few(a: &Test, b: &Test, p: f64) -> String {
    format!(
        "{} in {} in the baseline, {} in {} in the candidate: chance alone would do that in {} of \
         runs, so it is not called; more attempts would tell (--attempts, --confirm)",
        a.outcome,
        attempts(a),
        b.outcome,
        attempts(b),
        percent(p)
    )
}

fn attempts(test: &Test) -> String {
    match test.attempts.len() {
        1 => "1 attempt".into(),
        n => format!("{n} attempts"),
    }
}

/// `0.8 %`
pub(crate) fn percent(p: f64) -> String {
    let percent = p * 100.0;
    if percent >= 10.0 {
        format!("{percent:.0} %")
    } else if percent >= 0.1 {
        format!("{percent:.1} %")
    } else {
        "less than 0.1 %".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tables() {
        let p = |a: (usize, usize), b: (usize, usize)| {
            let count = |(like_this, of)| Count { like_this, of };
            probability(count(a), count(b))
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(p((1, 1), (0, 1)), 1.0));
        assert!(near(p((3, 3), (0, 3)), 0.1));
        assert!(near(p((4, 4), (0, 4)), 2.0 / 70.0));
        assert!(near(p((5, 5), (0, 5)), 2.0 / 252.0));
        // Fisher's tea: 8 cups, 3 of 4 told right.
        assert!(near(p((3, 4), (1, 4)), 34.0 / 70.0));
        assert!(near(p((2, 5), (2, 5)), 1.0));
        assert!(near(p((0, 0), (0, 0)), 1.0));
    }
}
