//! Which experiments would prove a finding, and what the ones that were made show of it.
//!
//! An experiment changes one thing and runs the finding's tests again; each has a prediction that
//! holds if the finding is right. Only if it holds for every test of the finding, in every attempt,
//! is the finding proven. What contradicts the prediction makes it no more than possible.

use std::collections::{BTreeMap, HashMap};

use libcmatrix_schema::{
    AttemptStatus, Comparison, Confidence, Experiment, ExperimentKind, Finding, Outcome, Proof,
    Quantity, Test,
};

use super::{packages, record::UNEXPLAINED, rulebook::rulebook};
use crate::{image_contents::transplant::Wanted, statistics::median};

/// An experiment that is worth its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedExperiment {
    /// What is changed.
    pub kind: ExperimentKind,
    /// Code of the finding whose own the change is.
    pub finding: Option<String>,
    /// What is to be added.
    pub wanted: Wanted,
    /// Ids of the tests to run.
    pub tests: Vec<String>,
}

/// The experiments that findings ask for, the quickest first.
#[must_use]
pub fn plan(findings: &[Finding]) -> Vec<PlannedExperiment> {
    let mut by_change: BTreeMap<(ExperimentKind, Option<&str>), PlannedExperiment> =
        BTreeMap::new();
    for finding in findings {
        for kind in asked_for(&finding.code) {
            let own = (*kind == ExperimentKind::PackagesAdded).then_some(finding.code.as_str());
            let planned = by_change.entry((*kind, own)).or_insert_with(|| PlannedExperiment {
                kind: *kind,
                finding: own.map(str::to_owned),
                wanted: Wanted::default(),
                tests: Vec::new(),
            });
            planned.tests.extend(finding.tests.iter().cloned());
            if own.is_some() {
                add_missing(&mut planned.wanted, finding);
            }
        }
    }
    let planned = by_change.into_values().map(|mut planned| {
        let Wanted { packages, programs } = &mut planned.wanted;
        for list in [&mut planned.tests, packages, programs] {
            list.sort_unstable();
            list.dedup();
        }
        planned
    });
    planned.filter(|experiment| !experiment.tests.is_empty()).collect()
}

/// Adds what a finding says is missing: its packages, or else the programs that its evidence may name.
fn add_missing(wanted: &mut Wanted, finding: &Finding) {
    if !finding.packages.is_empty() {
        let libcmatrix_schema::Packages { debian, alpine } = &finding.packages;
        wanted.packages.extend(debian.iter().chain(alpine).cloned());
        return;
    }
    for evidence in &finding.evidence {
        let text = evidence.text.replace(NOT_THERE, " ");
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._+-".contains(c)));
        wanted.programs.extend(words.filter(|word| word.len() > 1).map(str::to_owned));
    }
}

/// What is said of something missing; in it, "file" is no program.
const NOT_THERE: &str = "No such file or directory";

fn asked_for(code: &str) -> &'static [ExperimentKind] {
    rulebook().get(code).map_or(&[], |entry| &entry.rule.proof)
}

/// Adds what the experiments showed. Tests that take as long with another allocator are slow for a
/// reason of their own: the allocator is not blamed for them.
pub(super) fn apply(
    findings: &mut Vec<Finding>,
    experiments: &[Experiment],
    comparison: &Comparison,
    candidate: &HashMap<&str, &Test>,
) {
    findings.retain_mut(|finding| {
        let experiment = made(experiments, ExperimentKind::OtherAllocator, &finding.code);
        !experiment.is_some_and(|made| is_acquitted(finding, made, comparison))
    });
    for finding in findings.iter_mut() {
        let mut held = Vec::new();
        for kind in asked_for(&finding.code) {
            let Some(experiment) = made(experiments, *kind, &finding.code) else { continue };
            let Some(proof) = judge(finding, experiment, comparison, candidate) else { continue };
            let holds = proof.as_predicted == proof.of;
            if holds && *kind == ExperimentKind::PackagesAdded {
                name_packages(finding, experiment);
            }
            held.push((*kind, holds));
            finding.proofs.push(proof);
        }
        if finding.code == UNEXPLAINED || held.is_empty() {
            continue;
        }
        finding.confidence = after(finding.confidence, &held);
    }
}

/// What was added, and mends it, is what is to be installed, where nothing said so before.
fn name_packages(finding: &mut Finding, experiment: &Experiment) {
    if finding.packages.is_empty() {
        finding.packages = packages::of_debian(&experiment.packages);
        finding.remedies.splice(0..0, packages::lines(&finding.packages));
    }
}

/// How sure a finding is after experiments, and whether each came out as it predicts.
fn after(before: Confidence, held: &[(ExperimentKind, bool)]) -> Confidence {
    let is_userland = |kind| kind == ExperimentKind::BaselineUserland;
    let is_added = |kind| kind == ExperimentKind::PackagesAdded;
    let userland_holds = held.iter().any(|(kind, holds)| is_userland(*kind) && *holds);
    let mut failed = held.iter().filter(|(_, holds)| !holds).map(|(kind, _)| *kind).peekable();
    if failed.peek().is_some() {
        if !userland_holds || !failed.all(is_added) {
            return Confidence::Possible;
        }
        // It is something around the program, and more than that package; maybe another one as well, or
        // what would be made when it is installed.
        return before;
    }
    match before {
        // It is shown that something around the program is missing; what it is was only guessed.
        Confidence::Possible if held.iter().all(|(kind, _)| is_userland(*kind)) => {
            Confidence::Likely
        }
        _ => Confidence::Proven,
    }
}

fn made<'a>(
    experiments: &'a [Experiment],
    kind: ExperimentKind,
    code: &str,
) -> Option<&'a Experiment> {
    experiments.iter().find(|experiment| {
        let is_about = experiment.finding.as_ref().is_none_or(|finding| finding == code);
        experiment.kind == kind && experiment.not_made.is_none() && is_about
    })
}

/// Takes the tests out of the finding that are as slow with another allocator; gives whether none is
/// left.
fn is_acquitted(finding: &mut Finding, experiment: &Experiment, comparison: &Comparison) -> bool {
    if !asked_for(&finding.code).contains(&experiment.kind) {
        return false;
    }
    let is_as_slow = |id: &String| {
        experiment.tests.iter().any(|test| {
            let took_time = !test.attempts.is_empty() && test.outcome == Outcome::Passed;
            test.id == *id && took_time && !is_quick_again(test, comparison)
        })
    };
    let had_tests = !finding.tests.is_empty();
    finding.tests.retain(|id| !is_as_slow(id));
    finding.evidence.retain(|evidence| !evidence.test.as_ref().is_some_and(is_as_slow));
    had_tests && finding.tests.is_empty()
}

fn judge(
    finding: &Finding,
    experiment: &Experiment,
    comparison: &Comparison,
    candidate: &HashMap<&str, &Test>,
) -> Option<Proof> {
    let done = experiment.tests.iter().filter(|test| finding.tests.contains(&test.id));
    let prediction = prediction(experiment.kind);
    let tells = |test: &&Test| {
        !test.attempts.is_empty()
            && (prediction != Prediction::Passes
                || candidate.get(test.id.as_str()).is_none_or(|before| tells(before, test)))
    };
    let done: Vec<&Test> = done.filter(tells).collect();
    if done.is_empty() {
        return None;
    }
    let predicted = |test: &&&Test| match prediction {
        Prediction::Passes => test.outcome == Outcome::Passed,
        Prediction::Crashes => matches!(test.outcome, Outcome::Crashed { .. }),
        Prediction::IsQuick => test.outcome == Outcome::Passed && is_quick_again(test, comparison),
    };
    let as_predicted = done.iter().filter(predicted).count();
    let all = as_predicted == done.len();
    Some(Proof {
        kind: experiment.kind,
        change: change(experiment),
        of: count(done.len()),
        as_predicted: count(as_predicted),
        conclusion: conclusion(experiment.kind, all).into(),
    })
}

/// What a test does in an experiment if the finding is right.
#[derive(Clone, Copy, PartialEq)]
enum Prediction {
    Passes,
    Crashes,
    IsQuick,
}

fn prediction(kind: ExperimentKind) -> Prediction {
    match kind {
        ExperimentKind::StackSize
        | ExperimentKind::BaselineUserland
        | ExperimentKind::PackagesAdded
        | ExperimentKind::DynamicLibc => Prediction::Passes,
        ExperimentKind::GlibcHeapChecks => Prediction::Crashes,
        ExperimentKind::OtherAllocator => Prediction::IsQuick,
    }
}

/// Whether it tells something that a test passes in an experiment: a test that mostly passes anyhow is
/// likely to. If the experiment changed nothing, it would pass each time in fewer than one of twenty.
fn tells(before: &Test, after: &Test) -> bool {
    let good = before.attempts.iter().filter(|a| a.status == AttemptStatus::Passed).count();
    let tries = i32::try_from(after.attempts.len()).unwrap_or(i32::MAX);
    #[allow(clippy::cast_precision_loss, reason = "attempts are few")]
    let rate = good as f64 / before.attempts.len().max(1) as f64;
    rate.powi(tries) < CHANCE || after.outcome != Outcome::Passed
}

/// The chance that is taken.
const CHANCE: f64 = 0.05;

/// Whether most of what the test took longer on musl is gone.
fn is_quick_again(test: &Test, comparison: &Comparison) -> bool {
    let told = comparison
        .tests_measured
        .iter()
        .find(|told| told.id == test.id && told.measurement.quantity == Quantity::TestWall);
    let seconds: Vec<f64> = test.attempts.iter().filter_map(|attempt| attempt.wall_s).collect();
    let (Some(told), Some(seconds)) = (told, median(&seconds)) else { return false };
    let middle = f64::midpoint(told.measurement.baseline_median, told.measurement.candidate_median);
    seconds < middle
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn change(experiment: &Experiment) -> String {
    let text = match experiment.kind {
        ExperimentKind::PackagesAdded => {
            let packages = experiment.packages.join(", ");
            return format!(
                "the candidate's image with {packages} of the baseline's image added, and nothing replaced"
            );
        }
        ExperimentKind::StackSize => {
            "a copy of the test binary whose PT_GNU_STACK asks for 8 MiB of stack a thread"
        }
        ExperimentKind::GlibcHeapChecks => {
            "the glibc side with glibc's heap checks (libc_malloc_debug, glibc.malloc.check=3)"
        }
        ExperimentKind::BaselineUserland => "the same musl binary in the baseline's image",
        ExperimentKind::DynamicLibc => "the project linked to musl dynamically (-crt-static)",
        ExperimentKind::OtherAllocator => {
            "the project linked with mimalloc instead of musl's malloc"
        }
    };
    text.into()
}

fn conclusion(kind: ExperimentKind, all: bool) -> &'static str {
    match (kind, all) {
        (ExperimentKind::StackSize, true) => "with that, and nothing else changed, they pass",
        (ExperimentKind::StackSize, false) => "they do not pass with more stack",
        (ExperimentKind::GlibcHeapChecks, true) => {
            "glibc finds the broken heap too, once it looks: the fault is the program's own"
        }
        (ExperimentKind::GlibcHeapChecks, false) => "glibc's checks find nothing",
        (ExperimentKind::BaselineUserland, true) => {
            "there they pass: it is what is around the program, not musl"
        }
        (ExperimentKind::BaselineUserland, false) => {
            "they fail there as well: it is not Alpine's userland"
        }
        (ExperimentKind::PackagesAdded, true) => "with that, and nothing else changed, they pass",
        (ExperimentKind::PackagesAdded, false) => "they do not pass with that added",
        (ExperimentKind::DynamicLibc, true) => "linked dynamically, they pass",
        (ExperimentKind::DynamicLibc, false) => "they do not pass linked dynamically either",
        (ExperimentKind::OtherAllocator, true) => {
            "with it most of the time they took longer is gone: it is musl's allocator"
        }
        (ExperimentKind::OtherAllocator, false) => {
            "with it they take as long: it is not the allocator"
        }
    }
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{Attempt, AttemptStatus, Evidence, Packages, Severity, Test};

    use super::*;

    fn finding(code: &str) -> Finding {
        Finding {
            code: code.into(),
            title: String::new(),
            category: String::new(),
            severity: Severity::High,
            confidence: Confidence::Likely,
            evidence: Vec::new(),
            remedies: Vec::new(),
            packages: Packages::default(),
            tests: vec!["p$a".into(), "p$b".into()],
            steps: Vec::new(),
            proofs: Vec::new(),
        }
    }

    fn experiment(kind: ExperimentKind, statuses: &[AttemptStatus]) -> Experiment {
        let tests = ["p$a", "p$b"].iter().zip(statuses).map(|(id, status)| {
            let attempts = vec![Attempt::unmeasured(status.clone())];
            Test { id: (*id).into(), outcome: Outcome::of(&attempts), attempts }
        });
        Experiment {
            kind,
            leg: "x".into(),
            finding: None,
            packages: Vec::new(),
            tests: tests.collect(),
            not_made: None,
        }
    }

    fn confidence(kind: ExperimentKind, statuses: &[AttemptStatus]) -> Confidence {
        let mut findings = vec![finding("thread-stack-overflow")];
        apply(
            &mut findings,
            &[experiment(kind, statuses)],
            &Comparison::default(),
            &HashMap::new(),
        );
        findings[0].confidence
    }

    #[test]
    fn only_what_holds_for_every_test_proves() {
        let (good, bad) = (AttemptStatus::Passed, AttemptStatus::Crashed { signal: 11 });
        let kind = ExperimentKind::StackSize;
        assert_eq!(confidence(kind, &[good.clone(), good.clone()]), Confidence::Proven);
        assert_eq!(confidence(kind, &[good.clone(), bad.clone()]), Confidence::Possible);
        assert_eq!(confidence(kind, &[bad.clone(), bad]), Confidence::Possible);
        assert_eq!(confidence(kind, &[]), Confidence::Likely, "nothing was run");
        let other = ExperimentKind::BaselineUserland;
        assert_eq!(confidence(other, &[good.clone(), good]), Confidence::Likely, "not its proof");
    }

    #[test]
    fn a_test_that_mostly_passes_proves_nothing_by_passing() {
        let (good, bad) = (AttemptStatus::Passed, AttemptStatus::Crashed { signal: 6 });
        let test = |statuses: &[&AttemptStatus]| {
            let attempts: Vec<Attempt> =
                statuses.iter().map(|status| Attempt::unmeasured((*status).clone())).collect();
            Test { id: "p$a".into(), outcome: Outcome::of(&attempts), attempts }
        };
        let passes = test(&[&good, &good, &good, &good]);
        assert!(!tells(&test(&[&bad, &good, &good, &good, &good]), &passes));
        assert!(tells(&test(&[&bad, &bad, &bad, &bad, &good]), &passes));
        assert!(tells(&test(&[&bad, &good]), &test(&[&bad])), "it fails all the same");
    }

    /// Both tests take 0.1 s on glibc and 0.9 s on musl, and with another allocator so long.
    fn with_other_allocator(seconds: [f64; 2]) -> Vec<Finding> {
        let measured = ["p$a", "p$b"].map(|id| {
            serde_json::json!({
                "id": id, "quantity": "test-wall", "baseline": [0.1], "candidate": [0.9],
                "baseline_median": 0.1, "candidate_median": 0.9, "shows": "more",
            })
        });
        let measured = measured.map(|m| serde_json::from_value(m).expect("a measurement"));
        let comparison = Comparison { tests_measured: measured.into(), ..Comparison::default() };
        let mut made = experiment(
            ExperimentKind::OtherAllocator,
            &[AttemptStatus::Passed, AttemptStatus::Passed],
        );
        for (test, seconds) in made.tests.iter_mut().zip(seconds) {
            test.attempts[0].wall_s = Some(seconds);
        }
        let mut slow = finding("malloc-contention");
        slow.confidence = Confidence::Possible;
        slow.evidence = ["p$a", "p$b"]
            .map(|id| Evidence { test: Some(id.into()), ..Evidence::default() })
            .into();
        let mut findings = vec![slow];
        apply(&mut findings, &[made], &comparison, &HashMap::new());
        findings
    }

    #[test]
    fn the_allocator_is_blamed_only_if_another_is_quick() {
        assert_eq!(with_other_allocator([0.2, 0.2])[0].confidence, Confidence::Proven);
        assert_eq!(with_other_allocator([0.8, 0.8]), []);
    }

    #[test]
    fn the_allocator_is_blamed_for_those_tests_only_that_another_makes_quick() {
        let findings = with_other_allocator([0.2, 0.8]);
        assert_eq!(findings[0].confidence, Confidence::Proven);
        assert_eq!(findings[0].tests, ["p$a"]);
        assert_eq!(findings[0].evidence.len(), 1, "{:?}", findings[0].evidence);
    }

    #[test]
    fn packages_are_added_for_the_finding_that_names_them() {
        let mut bash = finding("no-bash");
        bash.packages.debian.push("bash".into());
        let mut perl = finding("program-missing");
        let text = "cannot start perl: No such file or directory (os error 2)".into();
        perl.evidence.push(Evidence { text, ..Evidence::default() });
        let planned = plan(&[bash.clone(), perl.clone()]);
        let added: Vec<_> =
            planned.iter().filter(|p| p.kind == ExperimentKind::PackagesAdded).collect();
        assert_eq!(added[0].wanted.packages, ["bash"]);
        assert!(added[1].wanted.programs.contains(&"perl".to_owned()));
        assert!(!added[1].wanted.programs.contains(&"file".to_owned()));
        assert_eq!(added[1].wanted.packages, [""; 0]);

        let good = [AttemptStatus::Passed, AttemptStatus::Passed];
        let mut made = experiment(ExperimentKind::PackagesAdded, &good);
        made.finding = Some("program-missing".into());
        made.packages = vec!["perl-base".into()];
        let of = |made: &Experiment, mut finding: Finding| {
            finding.confidence = Confidence::Possible;
            let mut findings = vec![finding];
            let made = std::slice::from_ref(made);
            apply(&mut findings, made, &Comparison::default(), &HashMap::new());
            findings.remove(0)
        };
        assert_eq!(of(&made, bash.clone()).proofs, [], "it was about another finding");
        made.finding = Some("no-bash".into());
        let proven = of(&made, bash.clone());
        assert_eq!(proven.confidence, Confidence::Proven);
        assert!(proven.proofs[0].change.contains("perl-base"), "{:?}", proven.proofs);

        made.finding = Some("program-missing".into());
        let named = of(&made, perl.clone());
        assert_eq!(named.packages.alpine, ["perl"]);
        assert_eq!(named.remedies[0], "Alpine: apk add perl");
        made.packages.push("nobody-knows-this".into());
        assert!(of(&made, perl.clone()).packages.is_empty(), "one of them Alpine may not have");
        made.packages.pop();
        made.tests[0].outcome = Outcome::Failed { exit_code: 1 };
        assert!(of(&made, perl).packages.is_empty(), "it did not help");
    }

    /// On Debian's userland they pass, with bash alone they do not: maybe they want perl, too.
    #[test]
    fn a_package_that_is_not_enough_refutes_nothing() {
        use ExperimentKind::{BaselineUserland, PackagesAdded};
        let likely = |held| after(Confidence::Likely, held);
        assert_eq!(likely(&[(BaselineUserland, true), (PackagesAdded, true)]), Confidence::Proven);
        assert_eq!(likely(&[(BaselineUserland, true), (PackagesAdded, false)]), Confidence::Likely);
        assert_eq!(
            likely(&[(BaselineUserland, false), (PackagesAdded, true)]),
            Confidence::Possible
        );
        assert_eq!(likely(&[(PackagesAdded, false)]), Confidence::Possible);
        let guess = [(BaselineUserland, true), (PackagesAdded, false)];
        assert_eq!(after(Confidence::Possible, &guess), Confidence::Possible);
    }

    #[test]
    fn one_experiment_serves_several_findings() {
        let planned = plan(&[finding("thread-stack-overflow"), finding("thread-stack-overflow")]);
        assert_eq!(planned.len(), 1);
        assert_eq!(planned[0].tests, ["p$a", "p$b"]);
    }
}
