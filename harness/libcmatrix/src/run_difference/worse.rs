//! What got worse for a move to musl, in words. A test that is broken on both sides, and a machine that
//! is slower, are told elsewhere and are not among it.

use std::collections::BTreeSet;

use libcmatrix_schema::{
    Confidence, CostShows, FindingInBrief, Quantity, Role, RunDifference, RunRecord, Severity,
    StepStatus, TestDifferenceKind as Kind, VerdictOutcome,
};

/// A cost or a size that grew less than by this, as a ratio, is told but counts for nothing.
pub const NOTICEABLE: f64 = 1.05;

pub(super) fn reasons(difference: &RunDifference, later: &RunRecord) -> Vec<String> {
    let mut worse = Vec::new();
    if let (Some(then), Some(now)) = (difference.earlier.verdict, difference.later.verdict)
        && rank(now) > rank(then)
        // A run that did not see everything is inconclusive for that alone.
        && (now == VerdictOutcome::NoGo || difference.cannot_tell.is_empty())
    {
        worse.push(format!("the answer was {then} and is {now}"));
    }
    let count = |is_so: &dyn Fn(&libcmatrix_schema::TestDifference) -> bool| {
        difference.tests.iter().filter(|test| is_so(test)).count()
    };
    let tests = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 test {one}")),
        n => Some(format!("{n} tests {many}")),
    };
    let regressed = count(&|t| t.kind == Kind::Regressed);
    worse.extend(tests(regressed, "regressed", "regressed"));
    let uncovered = count(&|t| t.kind == Kind::Uncovered);
    worse.extend(tests(
        uncovered,
        "was bad on both sides and is bad in the candidate alone",
        "were bad on both sides and are bad in the candidate alone",
    ));
    let new = count(&|t| matches!(t.kind, Kind::Appeared | Kind::ResultGained) && t.later_is_worse);
    worse.extend(tests(
        new,
        "without an earlier result is worse in the candidate",
        "without an earlier result are worse in the candidate",
    ));
    steps(&mut worse, difference);
    findings(&mut worse, difference, later);
    sizes_and_times(&mut worse, difference);
    worse
}

/// The worse the higher.
fn rank(outcome: VerdictOutcome) -> u8 {
    match outcome {
        VerdictOutcome::Go => 0,
        VerdictOutcome::Inconclusive => 1,
        VerdictOutcome::NoGo => 2,
    }
}

fn steps(worse: &mut Vec<String>, difference: &RunDifference) {
    let is_broken = |role: Role, step| {
        difference.steps.iter().any(|s| {
            let by_the_project = matches!(
                s.later,
                Some(StepStatus::Failed | StepStatus::TimedOut | StepStatus::OomKilled)
            );
            let was_good = s.earlier == Some(StepStatus::Passed);
            s.role == role && s.step == step && was_good && by_the_project
        })
    };
    for step in difference.steps.iter().map(|s| s.step).collect::<BTreeSet<_>>() {
        if is_broken(Role::Candidate, step) && !is_broken(Role::Baseline, step) {
            worse.push(format!("the step {step} does not pass any more in the candidate"));
        }
    }
}

/// A finding counts if it is more than a guess about more than a text, and is not of tests alone
/// that only chance tells apart.
fn findings(worse: &mut Vec<String>, difference: &RunDifference, later: &RunRecord) {
    let by_chance: BTreeSet<&str> = difference
        .tests
        .iter()
        .filter(|test| test.kind == Kind::WithinChance)
        .map(|test| test.id.as_str())
        .collect();
    let counts = |finding: &&FindingInBrief| {
        let ids =
            || later.findings.iter().filter(|f| f.code == finding.code).flat_map(|f| &f.tests);
        let is_sure = finding.confidence >= Confidence::Likely;
        let hurts = finding.severity >= Severity::Medium;
        let is_chance = ids().next().is_some() && ids().all(|id| by_chance.contains(id.as_str()));
        is_sure && hurts && !is_chance
    };
    let codes: Vec<&str> =
        difference.new_findings.iter().filter(counts).map(|f| f.code.as_str()).collect();
    match codes.as_slice() {
        [] => {}
        [code] => worse.push(format!("a new finding: {code}")),
        codes => worse.push(format!("{} new findings: {}", codes.len(), codes.join(", "))),
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn sizes_and_times(worse: &mut Vec<String>, difference: &RunDifference) {
    for cost in &difference.costs {
        let ratio = cost.candidate.and_then(|moved| moved.ratio).unwrap_or(1.0);
        if cost.shows == CostShows::More && ratio >= NOTICEABLE {
            let percent = (ratio - 1.0) * 100.0;
            let what = match cost.quantity {
                Quantity::BuildWall => "build takes {} more time",
                Quantity::BuildProcessor => "build takes {} more processor time",
                Quantity::TestWall => "tests take {} more time",
                Quantity::TestProcessor => "tests take {} more processor time",
                Quantity::BenchIteration => "benchmarks take {} more time",
                // Not among the costs of two runs.
                Quantity::BuildMemory | Quantity::TestMemory => continue,
            };
            let what = what.replace("{}", &format!("{percent:.0} %"));
            worse.push(format!("the candidate's {what}"));
        }
    }
    for image in difference.images.iter().filter(|image| image.role == Role::Candidate) {
        let ratio = image.later_bytes as f64 / image.earlier_bytes.max(1) as f64;
        if ratio >= NOTICEABLE {
            let percent = (ratio - 1.0) * 100.0;
            let flavour = image.flavour;
            worse.push(format!("the candidate's image {flavour}: {percent:.0} % larger"));
        }
    }
}
