//! Times of both runs. The candidate's are set against the baseline's of the same night: a machine
//! that is slower tonight, or a project that does more, is slower on both sides.

use std::collections::{HashMap, HashSet};

use libcmatrix_schema::{
    Attempt, ColdBuild, CostDifference, CostShows, Leg, Moved, Outcome, Quantity, Role, RunRecord,
    Test,
};

use crate::{
    compare::measured::{processor, total, wall},
    statistics::{geometric_mean, median, moved_ratio_interval, ratio_interval},
};

/// The values of one quantity: baseline and candidate of the earlier run, then of the later one.
type Values = [Vec<f64>; 4];

pub(super) fn differences(earlier: &RunRecord, later: &RunRecord) -> Vec<CostDifference> {
    let legs = [
        earlier.leg(Role::Baseline),
        earlier.leg(Role::Candidate),
        later.leg(Role::Baseline),
        later.leg(Role::Candidate),
    ];
    let builds = |value: fn(&ColdBuild) -> f64| -> Values {
        legs.map(|leg| leg.iter().flat_map(|l| &l.cold_builds).map(value).collect())
    };
    let same = passed_everywhere(legs);
    let tests = |value: fn(&Attempt) -> Option<f64>| -> Values {
        legs.map(|leg| {
            let all = leg.map_or(&[][..], |l| &l.tests).iter();
            total(all.filter(|test| same.contains(test.id.as_str())), value)
        })
    };
    let mut costs = vec![
        cost(Quantity::BuildWall, &builds(|build| build.wall_s)),
        cost(Quantity::BuildProcessor, &builds(|build| build.user_s + build.system_s)),
        cost(Quantity::TestWall, &tests(wall)),
        cost(Quantity::TestProcessor, &tests(processor)),
    ];
    // Most runs leave them out; that they were not measured is no news then.
    if legs.into_iter().flatten().any(|leg| !leg.bench_runs.is_empty()) {
        costs.push(cost(Quantity::BenchIteration, &bench_means(legs)));
    }
    costs
}

/// The geometric mean of each run of the benchmarks that every run of all four legs has; none where a leg has
/// no runs.
fn bench_means(legs: [Option<&Leg>; 4]) -> Values {
    let runs = || legs.into_iter().flatten().flat_map(|leg| &leg.bench_runs);
    let is_in_all = |id: &&String| runs().all(|run| run.contains_key(*id));
    let same: Vec<&String> = runs().next().into_iter().flat_map(|run| run.keys()).collect();
    let same: Vec<&String> = same.into_iter().filter(is_in_all).collect();
    let has_runs = legs.iter().all(|leg| leg.is_some_and(|leg| !leg.bench_runs.is_empty()));
    legs.map(|leg| {
        let runs = leg.filter(|_| has_runs).into_iter().flat_map(|leg| &leg.bench_runs);
        runs.filter_map(|run| geometric_mean(same.iter().filter_map(|id| run.get(*id)).copied()))
            .collect()
    })
}

/// Tests that pass in every attempt on both sides of both runs, and were measured: only they take
/// the same time for the same reason.
fn passed_everywhere(legs: [Option<&Leg>; 4]) -> HashSet<&str> {
    let is_told = |test: &&Test| {
        test.outcome == Outcome::Passed && test.attempts.iter().all(|a| a.wall_s.is_some())
    };
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for test in legs.into_iter().flatten().flat_map(|leg| &leg.tests).filter(is_told) {
        *seen.entry(&test.id).or_default() += 1;
    }
    seen.into_iter().filter(|(_, legs)| *legs == 4).map(|(id, _)| id).collect()
}

fn cost(
    quantity: Quantity,
    [baseline, candidate, later_baseline, later_candidate]: &Values,
) -> CostDifference {
    let interval = moved_ratio_interval((baseline, candidate), (later_baseline, later_candidate));
    let of_baseline = moved(baseline, later_baseline);
    let of_candidate = moved(candidate, later_candidate);
    let ratio = |moved: Option<Moved>| moved.and_then(|m| m.ratio);
    let against_baseline = interval.zip(ratio(of_candidate).zip(ratio(of_baseline))).map(
        |(interval, (candidate, baseline))| [candidate / baseline, interval.low, interval.high],
    );
    let beside = |low: f64, high: f64| match () {
        () if low > 1.0 => 1,
        () if high < 1.0 => -1,
        () => 0,
    };
    let shows = match (of_candidate.and_then(|m| m.interval), against_baseline) {
        (Some([low, high]), Some([_, against_low, against_high])) => {
            match (beside(low, high), beside(against_low, against_high)) {
                (1, 1) => CostShows::More,
                (-1, -1) => CostShows::Less,
                (0, _) => CostShows::NoDifference,
                _ => CostShows::BothMoved,
            }
        }
        _ => CostShows::NotMeasured,
    };
    CostDifference {
        quantity,
        baseline: of_baseline,
        candidate: of_candidate,
        against_baseline,
        shows,
    }
}

fn moved(earlier: &[f64], later: &[f64]) -> Option<Moved> {
    let (a, b) = (median(earlier)?, median(later)?);
    Some(Moved {
        earlier_median: a,
        later_median: b,
        earlier_values: earlier.len() as u64,
        later_values: later.len() as u64,
        ratio: (a > 0.0).then(|| b / a),
        interval: ratio_interval(earlier, later).map(|i| [i.low, i.high]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(factors: [f64; 4], count: usize) -> CostShows {
        let values = factors.map(|f| (0..count).map(|n| f * (1.0 + n as f64 / 1000.0)).collect());
        cost(Quantity::BuildWall, &values).shows
    }

    #[test]
    fn a_slower_machine_is_no_slower_candidate() {
        assert_eq!(shows([1.0, 1.0, 1.0, 1.0], 5), CostShows::NoDifference);
        assert_eq!(shows([1.0, 1.0, 1.0, 1.5], 5), CostShows::More);
        assert_eq!(shows([1.0, 1.5, 1.0, 1.0], 5), CostShows::Less);
        assert_eq!(shows([1.0, 1.2, 1.5, 1.8], 5), CostShows::BothMoved);
        assert_eq!(shows([1.0, 1.0, 1.0, 1.5], 4), CostShows::NotMeasured);
        assert_eq!(shows([1.0, 1.0, 1.0, 1.5], 0), CostShows::NotMeasured);
    }
}
