//! What changed between two runs.

use libcmatrix::{report::difference::render, run_difference::difference};
use libcmatrix_schema::{
    AttemptStatus, CostShows, Outcome, Quantity, RunDifference, RunRecord, Test,
    TestDifferenceKind as Kind, Toolchain, VerdictOutcome, Weight,
};
use proptest::{collection::vec, prelude::*};

use super::made::{Both, CRASH, FAIL, PASS, benched, built, decided, run, times};

/// What became of one test.
fn became(then: Both, now: Both) -> Option<Kind> {
    let difference = difference(&run(1, &[("p$t", then)]), &run(2, &[("p$t", now)]));
    difference.tests.first().map(|test| test.kind)
}

fn both(baseline: (&AttemptStatus, usize), candidate: (&AttemptStatus, usize)) -> Both {
    (times(baseline.0, baseline.1), times(candidate.0, candidate.1))
}

#[test]
fn what_both_runs_are_sure_of() {
    let good = || both((&PASS, 1), (&PASS, 1));
    let bad = || both((&PASS, 5), (&FAIL, 5));
    let alike = || both((&FAIL, 1), (&FAIL, 1));
    assert_eq!(became(good(), good()), None);
    assert_eq!(became(good(), bad()), Some(Kind::Regressed));
    assert_eq!(became(bad(), good()), Some(Kind::Fixed));
    assert_eq!(became(bad(), bad()), None);
    assert_eq!(became(good(), alike()), Some(Kind::BrokenAlike));
    assert_eq!(became(bad(), alike()), Some(Kind::Hidden), "not fixed");
    assert_eq!(became(alike(), bad()), Some(Kind::Uncovered));
}

/// A test that failed at times fails at times: three of five and none of five is chance (17 %).
#[test]
fn an_unstable_test_is_not_called_new() {
    let at_times = |passed: usize, failed: usize| -> Both {
        (times(&PASS, passed + failed), [times(&PASS, passed), times(&FAIL, failed)].concat())
    };
    assert_eq!(became(at_times(3, 2), both((&PASS, 5), (&FAIL, 5))), Some(Kind::WithinChance));
    assert_eq!(became(at_times(1, 0), at_times(4, 1)), Some(Kind::WithinChance));
    assert_eq!(became(at_times(3, 2), at_times(2, 3)), None, "unstable then, unstable now");
    assert_eq!(became(at_times(19, 1), at_times(4, 16)), Some(Kind::Regressed), "beyond chance");
}

#[test]
fn a_crash_that_never_was_is_called() {
    let crashed_once = (times(&PASS, 5), [times(&PASS, 4), times(&CRASH, 1)].concat());
    let good = both((&PASS, 1), (&PASS, 1));
    assert_eq!(became(good.clone(), crashed_once.clone()), Some(Kind::Regressed));
    assert_eq!(became(crashed_once, good), Some(Kind::Fixed));
    let fails = both((&PASS, 5), (&FAIL, 5));
    let crashes = both((&PASS, 5), (&CRASH, 5));
    assert_eq!(became(fails, crashes), Some(Kind::Regressed), "bad before, and worse now");
    let both_crash = both((&CRASH, 5), (&CRASH, 5));
    assert_eq!(became(both((&FAIL, 1), (&FAIL, 1)), both_crash), None, "on the baseline as well");
}

#[test]
fn tests_come_and_go() {
    let one = ("p$one", both((&PASS, 1), (&PASS, 1)));
    let two = ("p$two", both((&PASS, 5), (&FAIL, 5)));
    let (then, now) = (run(1, std::slice::from_ref(&one)), run(2, &[one, two]));
    let forth = difference(&then, &now);
    assert_eq!((forth.tests.len(), forth.tests[0].kind), (1, Kind::Appeared));
    assert!(
        forth.worse.iter().any(|w| w.contains("without an earlier result")),
        "{:?}",
        forth.worse
    );
    let back = difference(&now, &then);
    assert_eq!((back.tests[0].kind, back.worse.len()), (Kind::Gone, 0));
    // Where nothing was built, nothing is gone.
    let mut broken = then.clone();
    for leg in &mut broken.legs {
        leg.binaries.clear();
        leg.steps.clear();
    }
    assert_eq!(difference(&now, &broken).tests[0].kind, Kind::ResultLost);
}

#[test]
fn times_are_called_by_the_baselines_measure() {
    let then = built(run(1, &[]), 10.0, 12.0);
    let build = |baseline, candidate| {
        let difference = difference(&then, &built(run(2, &[]), baseline, candidate));
        (difference.costs[0].shows, difference.worse.len())
    };
    assert_eq!(build(10.0, 12.0), (CostShows::NoDifference, 0));
    assert_eq!(build(10.0, 18.0), (CostShows::More, 1));
    assert_eq!(build(15.0, 18.0), (CostShows::BothMoved, 0), "a slower machine");
    let unmeasured = difference(&then, &run(2, &[]));
    assert_eq!(unmeasured.costs[0].shows, CostShows::NotMeasured);
}

/// The mean of those that all four legs have: a benchmark that is new tonight makes nothing slower.
#[test]
fn benchmarks_are_measured_by_the_baselines() {
    let then = benched(run(1, &[]), [&[("x", 1e-6), ("y", 1e-3)], &[("x", 2e-6), ("y", 2e-3)]]);
    let benches = |baseline: f64, candidate: f64| {
        let side = |f: f64| [("x", 1e-6 * f), ("y", 1e-3 * f), ("new", 100.0)];
        let now = benched(run(2, &[]), [&side(baseline), &side(candidate)]);
        let told = difference(&then, &now);
        let cost = told.costs.iter().find(|c| c.quantity == Quantity::BenchIteration);
        (cost.expect("they are among the costs").shows, told.worse)
    };
    assert_eq!(benches(1.0, 2.0), (CostShows::NoDifference, vec![]));
    assert_eq!(
        benches(1.0, 3.0),
        (CostShows::More, vec!["the candidate's benchmarks take 50 % more time".to_owned()])
    );
    assert_eq!(benches(1.5, 3.0), (CostShows::BothMoved, vec![]));
    assert_eq!(benches(1.0, 1.0), (CostShows::Less, vec![]));
    let of_both = |record: &RunRecord| difference(&then, record).costs;
    let without = of_both(&run(2, &[]));
    assert_eq!(without.last().map(|cost| cost.shows), Some(CostShows::NotMeasured));
    let never = difference(&run(1, &[]), &run(2, &[])).costs;
    assert!(never.iter().all(|cost| cost.quantity != Quantity::BenchIteration));
}

/// A test that only the candidate has, or that the baseline ignores, is worse there where it crashes.
#[test]
fn what_only_the_candidate_runs_may_be_worse() {
    let good = || ("p$good", both((&PASS, 1), (&PASS, 1)));
    let alone = |end: &AttemptStatus| ("p$new", (vec![], times(end, 5)));
    let then = run(1, &[good()]);
    let now = run(2, &[good(), alone(&CRASH)]);
    assert_eq!(now.verdict.as_ref().map(|v| v.outcome), Some(VerdictOutcome::NoGo));
    let told = difference(&then, &now);
    assert_eq!((told.earlier.worse, told.later.worse), (0, 1));
    let count = |told: &[String]| told.iter().filter(|w| w.contains("without an earlier")).count();
    assert_eq!(count(&told.worse), 1, "{:?}", told.worse);
    assert!(plain(&told).contains("from the start"));
    let again = difference(&now, &now);
    assert_eq!((again.still_worse, again.worse.len()), (1, 0));
    let crashes_now = difference(&run(1, &[good(), alone(&PASS)]), &now);
    assert_eq!(crashes_now.tests[0].kind, Kind::Regressed);
    let ignored = |day, end: &AttemptStatus| {
        let mut record = run(day, &[good(), alone(end)]);
        let id = "p$new".into();
        record.legs[0].tests.push(Test { id, outcome: Outcome::Ignored, attempts: vec![] });
        decided(record)
    };
    let told = difference(&ignored(1, &PASS), &ignored(2, &CRASH));
    assert_eq!((told.tests[0].kind, told.later.worse), (Kind::Regressed, 1));
}

/// A run that saw nothing, or not all, is no all-clear.
#[test]
fn what_was_not_seen_is_not_good() {
    let tests = ["p$a", "p$b"].map(|id| (id, both((&PASS, 5), (&FAIL, 5))));
    let then = run(1, &tests);
    let stopped = |end: &dyn Fn(&mut RunRecord)| {
        let mut record = run(2, &[]);
        for leg in &mut record.legs {
            leg.binaries.clear();
            leg.steps.clear();
        }
        end(&mut record);
        decided(record)
    };
    let told = |now: &RunRecord| {
        let told = difference(&then, now);
        assert!(told.worse.is_empty(), "{:?}", told.worse);
        let text = plain(&told);
        assert!(text.contains("CANNOT TELL"), "{text}");
        assert!(!text.contains("NOTHING WORSE") && !text.contains("no test is worse"), "{text}");
        told.cannot_tell.join("; ")
    };
    let nothing =
        "the later run compared no test; 2 tests that had a result have none in the later run";
    assert_eq!(told(&stopped(&|_| {})), nothing);
    let interrupted = told(&stopped(&|record| record.interrupted = true));
    assert_eq!(interrupted, format!("the later run was interrupted; {nothing}"));
    let killed = told(&stopped(&|record| record.finished_at = None));
    assert_eq!(killed, format!("the later run did not come to its end; {nothing}"));
    // What is seen to be worse is worse, whatever else was not seen.
    let mut part = run(2, &[("p$c", both((&PASS, 5), (&CRASH, 5)))]);
    part.interrupted = true;
    let worse = difference(&run(1, &[("p$c", both((&PASS, 1), (&PASS, 1)))]), &decided(part));
    assert!(!worse.worse.is_empty() && !worse.cannot_tell.is_empty());
    assert!(plain(&worse).contains("\nWORSE"));
    // Of a run that was good and one that did not see anything, the answer is not worse: there is none.
    let good = run(1, &[("p$c", both((&PASS, 1), (&PASS, 1)))]);
    let unseen = difference(&good, &stopped(&|record| record.interrupted = true));
    assert_eq!((unseen.worse.len(), unseen.cannot_tell.len()), (0, 3), "{:?}", unseen.worse);
}

fn plain(difference: &RunDifference) -> String {
    anstream::adapter::strip_str(&render(difference, 100)).to_string()
}

/// Two nights with something of everything.
fn nights() -> (RunRecord, RunRecord) {
    let flaky = (times(&PASS, 5), [times(&PASS, 3), times(&FAIL, 2)].concat());
    let good = both((&PASS, 1), (&PASS, 1));
    let bad = both((&PASS, 5), (&FAIL, 5));
    let then = run(
        27,
        &[
            ("p$breaks", good.clone()),
            ("p$crashes_now_and_then", good.clone()),
            ("p$flaky", flaky),
            ("p$is_mended", bad.clone()),
            ("p$stays_bad", bad.clone()),
            ("p$vanishes", good.clone()),
        ],
    );
    let crashes = (times(&PASS, 5), [times(&PASS, 4), times(&CRASH, 1)].concat());
    let mut now = run(
        28,
        &[
            ("p$breaks", bad.clone()),
            ("p$crashes_now_and_then", crashes),
            ("p$flaky", bad.clone()),
            ("p$is_mended", good.clone()),
            ("p$is_new", good),
            ("p$stays_bad", bad),
        ],
    );
    let toolchain = |release: &str| Toolchain {
        release: release.into(),
        commit: "0".into(),
        host: "h".into(),
        target: "x86_64-unknown-linux-musl".into(),
        verbose_version: String::new(),
    };
    let mut then = built(then, 10.0, 12.0);
    then.legs[1].environment.toolchain = Some(toolchain("1.95.0"));
    now.legs[1].environment.toolchain = Some(toolchain("1.96.0"));
    then.project.commit = Some(format!("{:040x}", 1));
    now.project.commit = Some("\u{1b}[31mabc".into());
    now.settings.filters = vec!["\u{1b}[31modd".into()];
    (then, built(now, 10.0, 14.0))
}

#[test]
fn for_people() {
    let (then, now) = nights();
    for width in [80, 100] {
        let styled = render(&difference(&then, &now), width);
        let plain = anstream::adapter::strip_str(&styled).to_string();
        assert!(plain.lines().all(|line| line.chars().count() <= width), "{plain}");
        insta::assert_snapshot!(format!("difference_{width}"), plain);
    }
}

#[test]
fn conditions_are_told() {
    let (then, now) = nights();
    let told: Vec<(String, Weight)> = difference(&then, &now)
        .conditions
        .into_iter()
        .map(|condition| (condition.code, condition.weight))
        .collect();
    let expected =
        [("filters", Weight::OtherQuestion), ("candidate-toolchain", Weight::MayExplain)];
    assert_eq!(told, expected.map(|(code, weight)| (code.to_owned(), weight)));
}

fn status() -> impl Strategy<Value = AttemptStatus> {
    prop_oneof![
        6 => Just(PASS),
        3 => Just(FAIL),
        1 => Just(CRASH),
        1 => Just(AttemptStatus::TimedOut),
        1 => Just(AttemptStatus::NotRun { reason: "x".into() }),
    ]
}

fn made() -> impl Strategy<Value = Vec<Both>> {
    vec((vec(status(), 0..7), vec(status(), 0..7)), 0..8)
}

fn named(tests: &[Both], day: u32) -> RunRecord {
    let names: Vec<String> = (0..tests.len()).map(|n| format!("p$t{n}")).collect();
    let named: Vec<(&str, Both)> =
        names.iter().map(String::as_str).zip(tests.iter().cloned()).collect();
    run(day, &named)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A run and itself are alike in everything.
    #[test]
    fn a_run_against_itself_is_empty(tests in made()) {
        let record = named(&tests, 1);
        let difference = difference(&record, &record);
        prop_assert!(difference.worse.is_empty(), "{:?}", difference.worse);
        prop_assert!(difference.tests.is_empty(), "{:?}", difference.tests);
        prop_assert!(difference.conditions.is_empty() && difference.steps.is_empty());
        prop_assert!(difference.new_findings.is_empty() && difference.gone_findings.is_empty());
    }

    /// Swapped runs mirror what became of each test.
    #[test]
    fn swapped_runs_mirror((then, now) in (made(), made())) {
        let (then, now) = (named(&then, 1), named(&now, 1));
        let (forth, back) = (difference(&then, &now), difference(&now, &then));
        let kinds = |tests: &[libcmatrix_schema::TestDifference], mirror: bool| {
            let kind = |kind: Kind| if mirror { kind.mirrored() } else { kind };
            let mut all: Vec<_> = tests.iter().map(|t| (t.id.clone(), kind(t.kind))).collect();
            all.sort();
            all
        };
        prop_assert_eq!(kinds(&forth.tests, false), kinds(&back.tests, true));
        prop_assert_eq!(forth.still_worse, back.still_worse);
        prop_assert_eq!(forth.new_findings, back.gone_findings);
    }
}
