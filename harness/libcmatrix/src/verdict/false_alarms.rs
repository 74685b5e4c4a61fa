//! How often a change is called where there is none, from a run of the baseline against itself. Pure.

use std::collections::BTreeSet;

use libcmatrix_schema::{ChangeKind, Comparison};
use statrs::distribution::{Beta, ContinuousCDF};

use super::count;

/// How sure the upper bound is.
const CONFIDENCE: f64 = 0.95;

/// Changes that were called, of what tests do or of what they take: each is a false alarm.
pub(super) fn called(comparison: &Comparison) -> Vec<String> {
    let is_called =
        |kind| !matches!(kind, ChangeKind::Same | ChangeKind::Unstable | ChangeKind::Indeterminate);
    let changes = comparison.changes.iter().filter(|change| is_called(change.change));
    let measured = comparison.tests_measured.iter().map(|test| &test.id);
    let ids: BTreeSet<&String> = changes.map(|change| &change.id).chain(measured).collect();
    ids.into_iter().cloned().collect()
}

/// The rate in words.
pub(super) fn rate(alarms: u64, compared: u64) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    #[allow(clippy::cast_precision_loss, reason = "numbers of tests are far below 2^52")]
    let share = if compared == 0 { 0.0 } else { alarms as f64 / compared as f64 };
    format!(
        "the baseline against itself: {} in {}; rate {}, with 95 % confidence at most {}",
        count(alarms, "false alarm", "false alarms"),
        count(compared, "compared test", "compared tests"),
        percent(share),
        percent(at_most(alarms, compared)),
    )
}

/// The upper end of the exact (Clopper-Pearson) interval, one-sided.
#[allow(clippy::cast_precision_loss, reason = "numbers of tests are far below 2^52")]
fn at_most(alarms: u64, compared: u64) -> f64 {
    if alarms >= compared {
        return 1.0;
    }
    Beta::new(alarms as f64 + 1.0, (compared - alarms) as f64)
        .map_or(1.0, |beta| beta.inverse_cdf(CONFIDENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_the_tables() {
        // None in n: 1 - 0.05^(1/n).
        assert!((at_most(0, 10) - 0.258_9).abs() < 1e-3, "{}", at_most(0, 10));
        assert!((at_most(0, 300) - 0.009_94).abs() < 1e-4, "{}", at_most(0, 300));
        assert!((at_most(1, 10) - 0.394_2).abs() < 1e-3, "{}", at_most(1, 10));
        assert!((at_most(0, 0) - 1.0).abs() < 1e-9);
        assert_eq!(
            rate(0, 63),
            "the baseline against itself: 0 false alarms in 63 compared tests; rate 0.0 %, with 95 % \
             confidence at most 4.6 %"
        );
    }
}
