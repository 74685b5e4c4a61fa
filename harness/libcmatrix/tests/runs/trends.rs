//! What many runs show together.

use libcmatrix::{
    history::{
        kept::{self, KeptRun},
        trend::trends,
    },
    report::history::{html, terminal},
};
use libcmatrix_schema::{ChangeKind, GrowthOf, Role, Series};
use proptest::{collection::vec, prelude::*};

use super::made::{Both, CRASH, FAIL, PASS, built, run, times};

fn good() -> Both {
    (times(&PASS, 1), times(&PASS, 1))
}

fn bad() -> Both {
    (times(&PASS, 5), times(&FAIL, 5))
}

fn flaky() -> Both {
    (times(&PASS, 5), [times(&PASS, 3), times(&FAIL, 2)].concat())
}

/// One series of runs of the first days of November.
fn series(days: &[Vec<(&str, Both)>]) -> Series {
    let runs: Vec<KeptRun> = (1..).zip(days).map(|(day, t)| kept::of(&run(day, t))).collect();
    let mut all = trends(&runs).series;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn since_when_a_test_is_worse() {
    let t = |both: Both| vec![("p$t", both)];
    let series = series(&[t(good()), t(bad()), t(good()), t(flaky()), t(bad()), vec![], t(bad())]);
    let [regression] = &series.regressions[..] else { panic!("{:?}", series.regressions) };
    assert_eq!(regression.change, ChangeKind::Regressed);
    assert_eq!(regression.first_bad.started_at, "2026-11-05T02:00:00Z");
    let last_good = regression.last_good.as_ref().map(|run| run.started_at.as_str());
    assert_eq!(last_good, Some("2026-11-03T02:00:00Z"));
    // One in which its attempts disagreed, and one that did not have it.
    assert_eq!((regression.bad_runs, regression.silent_runs), (2, 2));
}

#[test]
fn a_test_that_is_good_again_is_none() {
    let t = |both: Both| vec![("p$t", both)];
    assert!(series(&[t(bad()), t(bad()), t(good())]).regressions.is_empty());
    let always = series(&[t(bad()), t(bad())]);
    assert_eq!(always.regressions[0].last_good, None);
    assert_eq!(always.regressions[0].bad_runs, 2);
}

#[test]
fn unstable_tests_are_counted() {
    let night = |a: Both, b: Both| vec![("p$a", a), ("p$b", b)];
    let series = series(&[
        night(flaky(), good()),
        night(good(), bad()),
        night(flaky(), good()),
        night(flaky(), bad()),
    ]);
    let told: Vec<_> = series
        .unstable
        .iter()
        .map(|t| (t.id.as_str(), t.role, t.unstable_runs, t.flips, t.passed, t.attempts))
        .collect();
    let expected = [("p$a", Role::Candidate, 3, 0, 10, 16), ("p$b", Role::Candidate, 0, 3, 2, 12)];
    assert_eq!(told, expected);
}

#[test]
fn growth_beyond_chance_is_told() {
    let growing = |walls: &[f64]| {
        let nights: Vec<KeptRun> = (1..)
            .zip(walls)
            .map(|(day, wall)| kept::of(&built(run(day, &[]), 10.0, *wall)))
            .collect();
        trends(&nights).series.remove(0).growth
    };
    let grown = growing(&[10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    assert_eq!(grown.len(), 1, "{grown:?}");
    assert_eq!((&grown[0].of, grown[0].role), (&GrowthOf::Build, Role::Candidate));
    assert!((grown[0].from - 10.0).abs() < 0.1 && (grown[0].to - 15.0).abs() < 0.1);
    assert!(growing(&[10.0, 15.0]).is_empty(), "two nights prove nothing");
    assert!(growing(&[10.0, 14.0, 11.0, 13.0, 12.0, 15.0]).is_empty());
    assert!(growing(&[10.0, 10.01, 10.02, 10.03, 10.04, 10.05]).is_empty(), "too little to tell");
}

/// Two weeks in which something of everything happens.
fn weeks() -> Vec<KeptRun> {
    let night = |day: u32| {
        let breaks = if day < 9 { good() } else { bad() };
        let both = if day.is_multiple_of(3) { flaky() } else { good() };
        let crash = (times(&PASS, 5), times(&CRASH, 5));
        let tests = [
            ("p$breaks_on_the_ninth", breaks),
            ("p$flaky", both),
            ("p$steady", good()),
            ("p$bad_from_the_start", crash),
        ];
        let mut kept = kept::of(&built(run(day, &tests), 10.0, 12.0 + f64::from(day) / 2.0));
        kept.version = Some("0.1.0".into());
        kept.commit = Some(format!("{day:040x}{}", if day == 14 { "+" } else { "" }));
        kept
    };
    (1..=14).map(night).collect()
}

#[test]
fn for_people() {
    for width in [80, 100] {
        let plain =
            anstream::adapter::strip_str(&terminal::render(&trends(&weeks()), width)).to_string();
        assert!(plain.lines().all(|line| line.chars().count() <= width), "{plain}");
        insta::assert_snapshot!(format!("history_{width}"), plain);
    }
}

#[test]
fn names_do_nothing_on_the_page() {
    let mut runs = weeks();
    for run in &mut runs {
        run.project = "<script>alert(1)</script>\u{202e}\"'&".into();
        run.changes[0].0 = "p$<img src=x onerror=alert(1)>".into();
        run.changes[0].1 = ChangeKind::Regressed;
    }
    let page = html::render(&trends(&runs));
    assert!(page.contains("alert(1)"), "it is told");
    for acting in ["<script", "<img", "\u{202e}", "http://", "https://"] {
        assert!(!page.contains(acting), "{acting}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("<svg").count() >= 4, "a strip and plots");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Of any nights: the first bad run is bad, the last good one is good and before it, and nothing
    /// good lies between.
    #[test]
    fn what_is_told_of_a_regression_holds(nights in vec(0..4_usize, 1..12)) {
        let kinds = [good(), bad(), flaky()];
        let days: Vec<Vec<(&str, Both)>> = nights
            .iter()
            .map(|n| kinds.get(*n).map(|both| ("p$t", both.clone())).into_iter().collect())
            .collect();
        let series = series(&days);
        let (good, bad) = (0, 1);
        let newest_is_bad = nights.last() == Some(&bad);
        prop_assert_eq!(series.regressions.len(), usize::from(newest_is_bad));
        if let [told] = &series.regressions[..] {
            let at = |run_id: &str| {
                series.runs.iter().position(|run| run.run_id == run_id).expect("a run")
            };
            let first = at(&told.first_bad.run_id);
            prop_assert_eq!(nights[first], bad);
            prop_assert!(!nights[first..].contains(&good));
            let before = told.last_good.as_ref().map(|run| at(&run.run_id));
            let since = before.map_or(0, |n| n + 1);
            prop_assert!(before.is_none_or(|n| nights[n] == good && n < first));
            prop_assert!(!nights[since..first].contains(&bad), "no bad run before the first");
            let rest = &nights[since.min(first)..];
            let bad_runs = rest.iter().filter(|n| **n == bad).count() as u64;
            prop_assert_eq!(told.bad_runs, bad_runs);
            if before.is_some() {
                prop_assert_eq!(told.bad_runs + told.silent_runs, rest.len() as u64);
            }
        }
    }
}
