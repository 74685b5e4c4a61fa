//! Times and memory of both sides: what a build takes, what the tests take. Pure.
//!
//! Only tests that do the same on both sides count: one that crashes early takes no time. Their values
//! are taken attempt by attempt, so that each attempt of all tests is one value of the total.

use std::collections::BTreeMap;

use libcmatrix_schema::{
    Attempt, BenchMeasurement, ColdBuild, Leg, Measurement, Outcome, PackageMeasurement, Quantity,
    Shows, Test, TestMeasurement,
};

use crate::statistics::{FEWEST, geometric_mean, median, ratio_interval};

/// Tests told of, whose time or memory is not the same.
const MOST_TESTS: usize = 100;
/// How far apart, as a ratio, the medians of one test must be.
pub const CLEAR: f64 = 1.5;
/// A test below this is over before a difference could hurt anyone, in seconds.
const SHORTEST: f64 = 0.02;
/// A package's cost below this many seconds of difference does not hurt.
const LEAST_PACKAGE: f64 = 0.05;
/// How far apart, as a ratio, the medians of one package must be.
const CLEAR_PACKAGE: f64 = 1.1;
/// How far apart, as a ratio, the medians of one benchmark must be.
const CLEAR_BENCH: f64 = 1.1;
/// A difference in memory below this is that of the libcs' own, in bytes.
const LEAST_MEMORY: f64 = (4 << 20) as f64;

/// Both sides' cold builds and tests.
pub(super) fn totals(
    baseline: &Leg,
    candidate: &Leg,
    pairs: &[(&Test, &Test)],
) -> Vec<Measurement> {
    let builds = |leg: &Leg, value: fn(&ColdBuild) -> f64| -> Vec<f64> {
        leg.cold_builds.iter().map(value).collect()
    };
    let both_build = |quantity, value: fn(&ColdBuild) -> f64| {
        measure(quantity, builds(baseline, value), builds(candidate, value))
    };
    let both_test = |quantity, value: fn(&Attempt) -> Option<f64>| {
        let baseline = total(pairs.iter().map(|(a, _)| *a), value);
        measure(quantity, baseline, total(pairs.iter().map(|(_, b)| *b), value))
    };
    [
        both_build(Quantity::BuildWall, |build| build.wall_s),
        both_build(Quantity::BuildProcessor, |build| build.user_s + build.system_s),
        both_build(Quantity::BuildMemory, |build| bytes(build.peak_rss_bytes)),
        both_test(Quantity::TestWall, wall),
        both_test(Quantity::TestProcessor, processor),
        both_test(Quantity::TestMemory, memory),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Tests whose time or memory differs beyond chance, the most telling first. Among thousands of tests
/// some intervals lie beside 1 by chance, so here more is asked: all values of one side lie above all of
/// the other, and the medians are [`CLEAR`] apart.
pub(super) fn slower_and_larger(pairs: &[(&Test, &Test)]) -> Vec<TestMeasurement> {
    let mut all = Vec::new();
    for (a, b) in pairs {
        for (quantity, value, least) in [
            (Quantity::TestWall, wall as fn(&Attempt) -> Option<f64>, SHORTEST),
            (Quantity::TestMemory, memory, LEAST_MEMORY),
        ] {
            let values =
                |test: &Test| -> Vec<f64> { test.attempts.iter().filter_map(value).collect() };
            let (left, right) = (values(a), values(b));
            if is_apart(&left, &right, least, CLEAR)
                && let Some(measurement) = measure(quantity, left, right)
                && measurement.interval.is_some()
            {
                all.push(TestMeasurement { id: a.id.clone(), measurement });
            }
        }
    }
    let weight = |m: &TestMeasurement| m.measurement.ratio.map_or(0.0, |ratio| ratio.ln().abs());
    all.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.id.cmp(&b.id)));
    all.truncate(MOST_TESTS);
    all
}

/// What each package costs to build, in processor time: that does not depend on what else is built
/// beside it. Packages that one side does not have are left out.
pub(super) fn packages(baseline: &Leg, candidate: &Leg) -> Vec<PackageMeasurement> {
    let (baseline, mut candidate) = (costs(baseline), costs(candidate));
    let both = baseline.into_iter().filter_map(|(package, a)| {
        let b = candidate.remove(&package)?;
        let is_clear = is_apart(&a, &b, LEAST_PACKAGE, CLEAR_PACKAGE);
        let measurement = measure(Quantity::BuildProcessor, a, b)?;
        let is_clear = is_clear && measurement.interval.is_some();
        Some(PackageMeasurement { package, measurement, is_clear })
    });
    let mut all: Vec<PackageMeasurement> = both.collect();
    let weight = |package: &PackageMeasurement| {
        let of = &package.measurement;
        (of.candidate_median - of.baseline_median).abs()
    };
    all.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.package.cmp(&b.package)));
    all
}

/// What an iteration of each benchmark takes that every run of both sides has.
pub(super) fn benches(baseline: &Leg, candidate: &Leg) -> Vec<BenchMeasurement> {
    let values = |leg: &Leg, id: &str| -> Option<Vec<f64>> {
        leg.bench_runs.iter().map(|run| run.get(id).copied()).collect()
    };
    let ids = baseline.bench_runs.first().into_iter().flat_map(|run| run.keys());
    let mut all: Vec<BenchMeasurement> = ids
        .filter_map(|id| {
            let (a, b) = (values(baseline, id)?, values(candidate, id)?);
            let is_clear = is_apart(&a, &b, 0.0, CLEAR_BENCH);
            let measurement = measure(Quantity::BenchIteration, a, b)?;
            let is_clear = is_clear && measurement.interval.is_some();
            Some(BenchMeasurement { id: id.clone(), measurement, is_clear })
        })
        .collect();
    let weight =
        |bench: &BenchMeasurement| bench.measurement.ratio.map_or(0.0, |ratio| ratio.ln().abs());
    all.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.id.cmp(&b.id)));
    all
}

/// All benchmarks as one number: the geometric mean of each run, whose ratio is the mean of all ratios.
pub(super) fn all_benches(benches: &[BenchMeasurement]) -> Option<Measurement> {
    let means = |side: fn(&Measurement) -> &Vec<f64>| -> Vec<f64> {
        let runs = benches.iter().map(|bench| side(&bench.measurement).len()).min().unwrap_or(0);
        let mean = |run| geometric_mean(benches.iter().map(|b| side(&b.measurement)[run]));
        (0..runs).filter_map(mean).collect()
    };
    measure(Quantity::BenchIteration, means(|m| &m.baseline), means(|m| &m.candidate))
}

/// Seconds by package and build. A package that not every build has is left out.
fn costs(leg: &Leg) -> BTreeMap<String, Vec<f64>> {
    let mut costs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (n, build) in leg.cold_builds.iter().enumerate() {
        for process in &build.processes {
            let of_it = costs.entry(process.package.clone()).or_default();
            of_it.resize(n + 1, 0.0);
            of_it[n] += process.user_s + process.system_s;
        }
    }
    let builds = leg.cold_builds.len();
    costs.retain(|_, seconds| seconds.len() == builds && seconds.iter().all(|s| *s > 0.0));
    costs
}

fn is_apart(a: &[f64], b: &[f64], least: f64, clear: f64) -> bool {
    if a.len() < FEWEST || b.len() < FEWEST {
        return false;
    }
    let most = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
    let fewest = |values: &[f64]| values.iter().copied().fold(f64::MAX, f64::min);
    let is_beside = fewest(b) > most(a) || fewest(a) > most(b);
    let (Some(x), Some(y)) = (median(a), median(b)) else { return false };
    is_beside && (x - y).abs() >= least && x.max(y) >= clear * x.min(y)
}

/// Whether times of a test that is the same on both sides can be compared: it ends well, and has as many
/// attempts here as there.
pub(super) fn is_comparable(a: &Test, b: &Test) -> bool {
    let passed = a.outcome == Outcome::Passed && b.outcome == Outcome::Passed;
    passed && a.attempts.len() == b.attempts.len()
}

/// For each attempt the sum over all tests. Tests that are not measured (doctests) are left out, and
/// attempts that not every test has.
pub(crate) fn total<'a>(
    tests: impl Iterator<Item = &'a Test> + Clone,
    value: fn(&Attempt) -> Option<f64>,
) -> Vec<f64> {
    let measured = tests.filter(|test| test.attempts.iter().all(|a| value(a).is_some()));
    let attempts = measured.clone().map(|test| test.attempts.len()).min().unwrap_or(0);
    let mut sums = vec![0.0; attempts];
    for test in measured {
        for (sum, attempt) in sums.iter_mut().zip(&test.attempts) {
            *sum += value(attempt).unwrap_or(0.0);
        }
    }
    sums
}

fn measure(quantity: Quantity, baseline: Vec<f64>, candidate: Vec<f64>) -> Option<Measurement> {
    let (a, b) = (median(&baseline)?, median(&candidate)?);
    let interval = ratio_interval(&baseline, &candidate);
    let shows = match interval {
        None => Shows::TooFew,
        Some(interval) if interval.low > 1.0 => Shows::More,
        Some(interval) if interval.high < 1.0 => Shows::Less,
        Some(_) => Shows::NoDifference,
    };
    Some(Measurement {
        quantity,
        baseline,
        candidate,
        baseline_median: a,
        candidate_median: b,
        ratio: (a > 0.0).then(|| b / a),
        interval: interval.map(|interval| [interval.low, interval.high]),
        shows,
    })
}

pub(crate) fn wall(attempt: &Attempt) -> Option<f64> {
    attempt.wall_s
}

pub(crate) fn processor(attempt: &Attempt) -> Option<f64> {
    attempt.cpu_s
}

fn memory(attempt: &Attempt) -> Option<f64> {
    attempt.peak_rss_bytes.map(bytes)
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::AttemptStatus;
    use serde_json::json;

    use super::*;

    fn leg(tests: &[(&str, &[f64])], builds: &[f64]) -> Leg {
        let attempt = |wall: &f64| Attempt {
            wall_s: Some(*wall),
            cpu_s: Some(wall / 2.0),
            peak_rss_bytes: Some(1 << 20),
            ..Attempt::unmeasured(AttemptStatus::Passed)
        };
        let mut leg: Leg = serde_json::from_value(json!({
            "name": "l", "role": "candidate",
            "environment": {"libc": "musl", "distro": "x", "release": "1", "linkage": "static"},
        }))
        .expect("a leg");
        leg.tests = tests
            .iter()
            .map(|(id, walls)| {
                let attempts: Vec<Attempt> = walls.iter().map(attempt).collect();
                Test { id: (*id).into(), outcome: Outcome::of(&attempts), attempts }
            })
            .collect();
        leg.cold_builds =
            builds.iter().map(|s| ColdBuild { wall_s: *s, ..ColdBuild::default() }).collect();
        leg
    }

    /// The tests of these ids.
    fn same<'a>(a: &'a Leg, b: &'a Leg, ids: &[&str]) -> Vec<(&'a Test, &'a Test)> {
        let pairs = a.tests.iter().zip(&b.tests);
        pairs.filter(|(a, _)| ids.contains(&a.id.as_str())).collect()
    }

    #[test]
    fn totals_are_by_attempt_and_of_tests_that_do_the_same() {
        let a = leg(&[("p$a", &[1.0, 1.1]), ("p$b", &[2.0, 2.2]), ("p$c", &[9.0, 9.0])], &[]);
        let b = leg(&[("p$a", &[2.0, 2.2]), ("p$b", &[4.0, 4.4]), ("p$c", &[0.0, 0.0])], &[]);
        let measured = totals(&a, &b, &same(&a, &b, &["p$a", "p$b"]));
        let wall = &measured[0];
        assert_eq!(wall.quantity, Quantity::TestWall);
        assert_eq!(wall.baseline, [3.0, 3.300_000_000_000_000_3]);
        assert_eq!((wall.ratio, wall.shows), (Some(2.0), Shows::TooFew));
    }

    #[test]
    fn builds_are_told_apart_only_where_their_interval_is() {
        let (a, b) = ([10.0, 10.1, 10.2, 9.9, 10.0], [12.0, 12.1, 12.2, 11.9, 12.0]);
        let shows = |a: &[f64], b: &[f64]| totals(&leg(&[], a), &leg(&[], b), &[])[0].shows;
        assert_eq!(shows(&a, &b), Shows::More);
        assert_eq!(shows(&b, &a), Shows::Less);
        assert_eq!(shows(&a, &a), Shows::NoDifference);
        assert_eq!(shows(&a[..4], &b[..4]), Shows::TooFew);
    }

    #[test]
    fn packages_are_told_apart_by_what_all_their_processes_take() {
        let build = |costs: &[(&str, f64)]| {
            let process = |(package, user_s): &(&str, f64)| {
                serde_json::from_value(json!({
                    "kind": "compiler", "package": package, "target": "t", "wall_s": 9.0,
                    "user_s": user_s, "system_s": 0.5, "children_s": 0.1, "peak_rss_bytes": 1,
                }))
                .expect("a process")
            };
            ColdBuild { processes: costs.iter().map(process).collect(), ..ColdBuild::default() }
        };
        let leg_of = |factor: f64| {
            let mut leg = leg(&[], &[]);
            let costs = [("a 1.0.0", 1.0), ("b 2.0.0", factor), ("b 2.0.0", 0.1)];
            leg.cold_builds = vec![build(&costs); 5];
            leg
        };
        let (mut a, b) = (leg_of(1.0), leg_of(2.0));
        // Something that one build of five does not have.
        a.cold_builds[3].processes.push(build(&[("once 1.0.0", 1.0)]).processes.remove(0));
        let told = packages(&a, &b);
        let told: Vec<_> =
            told.iter().map(|p| (p.package.as_str(), p.is_clear, p.measurement.ratio)).collect();
        assert_eq!(told, [("b 2.0.0", true, Some(3.1 / 2.1)), ("a 1.0.0", false, Some(1.0))]);
    }

    #[test]
    fn a_test_that_takes_longer_is_told() {
        let (quick, slow) = ([0.1, 0.11, 0.1, 0.12, 0.1], [0.3, 0.31, 0.3, 0.32, 0.3]);
        let noisy = [0.1, 0.5, 0.1, 0.6, 0.5];
        let a = leg(&[("p$slow", &quick), ("p$noisy", &quick), ("p$same", &quick)], &[]);
        let b = leg(&[("p$slow", &slow), ("p$noisy", &noisy), ("p$same", &quick)], &[]);
        let told = slower_and_larger(&same(&a, &b, &["p$noisy", "p$same", "p$slow"]));
        let ids: Vec<&str> = told.iter().map(|test| test.id.as_str()).collect();
        assert_eq!(ids, ["p$slow"]);
        assert_eq!(told[0].measurement.shows, Shows::More);
    }
}
