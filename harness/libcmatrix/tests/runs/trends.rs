//! What many runs show together.

use libcmatrix::{
    history::{
        kept::{self, KeptChange, KeptRun},
        trend::trends,
    },
    report::history::{html, terminal},
};
use libcmatrix_schema::{AttemptStatus, ChangeKind, Flavour, GrowthOf, Role, RunRecord, Series};
use proptest::{collection::vec, prelude::*};

use super::made::{Both, CRASH, FAIL, PASS, built, run, shipped, times};

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
    assert_eq!(all.len(), 1, "one question");
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

/// A test of the candidate alone that crashes there is worse, though nothing regressed.
#[test]
fn what_only_the_candidate_has_may_be_worse() {
    let night = |end: &AttemptStatus| vec![("p$t", (vec![], times(end, 5))), ("p$u", good())];
    let series = series(&[night(&PASS), night(&CRASH), night(&CRASH)]);
    let worse: Vec<u64> = series.runs.iter().map(|run| run.worse).collect();
    assert_eq!(worse, [0, 1, 1]);
    let [regression] = &series.regressions[..] else { panic!("{:?}", series.regressions) };
    assert_eq!((regression.change, regression.bad_runs), (ChangeKind::Appeared, 2));
    let last_good = regression.last_good.as_ref().map(|run| run.started_at.as_str());
    assert_eq!(last_good, Some("2026-11-01T02:00:00Z"), "it was there, and good");
}

/// A night that saw nothing ends no regression; a test that was taken out is none any more.
#[test]
fn a_night_without_results_hides_nothing() {
    let night = |both: Both| vec![("p$t", both), ("p$u", good())];
    let broken = || vec![];
    let told = series(&[night(good()), night(bad()), broken()]);
    let [regression] = &told.regressions[..] else { panic!("{:?}", told.regressions) };
    assert_eq!((regression.bad_runs, regression.silent_runs), (1, 1));
    assert!(series(&[night(bad()), night(good()), broken()]).regressions.is_empty());
    let taken_out = series(&[night(bad()), vec![("p$u", good())], broken()]);
    assert!(taken_out.regressions.is_empty(), "{:?}", taken_out.regressions);
}

/// Only what asks the same is set against each other.
#[test]
fn another_question_is_another_series() {
    let asks = |change: &dyn Fn(&mut RunRecord)| {
        let mut other = run(2, &[]);
        change(&mut other);
        trends(&[kept::of(&run(1, &[])), kept::of(&other)]).series.len()
    };
    assert_eq!(asks(&|_| {}), 1);
    assert_eq!(asks(&|r| r.settings.profile = "release".into()), 2);
    assert_eq!(asks(&|r| r.settings.filters = vec!["a".into()]), 2);
    assert_eq!(asks(&|r| r.settings.cargo_args = vec!["--all-features".into()]), 2);
    assert_eq!(asks(&|r| r.settings.test_image = "builder".into()), 2);
    assert_eq!(asks(&|r| r.settings.doctests = true), 2);
    assert_eq!(asks(&|r| r.host.arch = "aarch64".into()), 2);
    assert_eq!(asks(&|r| r.legs[1].environment.release = "2".into()), 2);
    assert_eq!(asks(&|r| r.settings.attempts = 5), 1, "that may explain something, no more");
}

#[test]
fn what_was_pruned_is_told() {
    let mut runs = weeks();
    for run in &mut runs[..3] {
        (run.has_details, run.changes) = (false, vec![]);
    }
    let both =
        |runs: &[KeptRun]| [terminal::render(&trends(runs), 100), html::render(&trends(runs))];
    for text in both(&runs) {
        assert!(text.contains("what each test did in 3 older runs is not kept"), "{text}");
    }
    for run in &mut runs {
        (run.has_details, run.changes) = (false, vec![]);
    }
    for text in both(&runs) {
        assert!(text.contains("is not kept, so which are worse now is not known"), "{text}");
    }
    assert!(both(&weeks()).iter().all(|text| !text.contains("is not kept")));
}

#[test]
fn images_of_an_own_dockerfile_are_drawn_and_grow() {
    let night = |day: u32| {
        let mut record = run(day, &[]);
        shipped(&mut record, &[("own", 1_000_000 * u64::from(day))]);
        kept::of(&record)
    };
    let trends = trends(&[1, 2].map(night));
    let grown: Vec<&GrowthOf> = trends.series[0].growth.iter().map(|growth| &growth.of).collect();
    assert_eq!(grown, [&GrowthOf::Image { flavour: Flavour::Own }]);
    assert!(html::render(&trends).contains("Image of its own Dockerfile"));
}

/// More tests take more time, and none of them is slower.
#[test]
fn more_tests_are_no_growth() {
    let names: Vec<String> = (0..64).map(|n| format!("p$t{n}")).collect();
    let night = |n: usize| names[..n].iter().map(|name| (name.as_str(), good())).collect();
    let series = series(&[1, 2, 4, 8, 16, 32, 64].map(night));
    assert!(series.growth.is_empty(), "{:?}", series.growth);
}

/// The time of all tests is that of the same tests on both sides.
#[test]
fn both_sides_add_up_the_same_tests() {
    let series = series(&[vec![("p$bad", bad()), ("p$good", good()), ("p$more", good())]]);
    let told: Vec<(Role, f64)> =
        series.runs[0].times.iter().map(|time| (time.role, time.seconds)).collect();
    assert_eq!(told, [(Role::Baseline, 0.2), (Role::Candidate, 0.2)]);
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
        kept.commit = Some(format!("{day:040x}"));
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
        run.question.insert("filters".into(), "<script>alert(1)</script>".into());
        run.changes[0] = KeptChange {
            id: "p$<img src=x onerror=alert(1)>".into(),
            kind: ChangeKind::Regressed,
            is_worse: true,
        };
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
        // Of those that tell.
        let newest_is_bad = nights.iter().rfind(|n| **n <= bad) == Some(&bad);
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
