//! Which experiments would prove a finding, and what the ones that were made show of it.
//!
//! An experiment changes one thing and runs the finding's tests again; each has a prediction that
//! holds if the finding is right. Only if it holds for every test of the finding, in every attempt,
//! is the finding proven. What contradicts the prediction makes it no more than possible.

use std::collections::BTreeMap;

use libcmatrix_schema::{Confidence, Experiment, Finding, Outcome, Trial, TrialKind};

use super::{record::UNEXPLAINED, rulebook::rulebook};

/// An experiment that is worth its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTrial {
    /// What is changed.
    pub kind: TrialKind,
    /// Ids of the tests to run.
    pub tests: Vec<String>,
}

/// The experiments that findings ask for, the quickest first.
#[must_use]
pub fn plan(findings: &[Finding]) -> Vec<PlannedTrial> {
    let mut by_kind: BTreeMap<TrialKind, Vec<String>> = BTreeMap::new();
    for finding in findings {
        for kind in proofs(&finding.code) {
            by_kind.entry(*kind).or_default().extend(finding.tests.iter().cloned());
        }
    }
    let planned = by_kind.into_iter().map(|(kind, mut tests)| {
        tests.sort_unstable();
        tests.dedup();
        PlannedTrial { kind, tests }
    });
    planned.filter(|trial| !trial.tests.is_empty()).collect()
}

fn proofs(code: &str) -> &'static [TrialKind] {
    if code == UNEXPLAINED {
        // Whether it is the libc or what is around it is worth knowing, most of all where nothing else is.
        return &[TrialKind::BaselineUserland];
    }
    rulebook().get(code).map_or(&[], |entry| &entry.rule.proof)
}

/// Adds what the experiments showed.
pub(super) fn apply(findings: &mut [Finding], trials: &[Trial]) {
    for finding in findings {
        let mut held = Vec::new();
        for kind in proofs(&finding.code) {
            let Some(trial) = trials.iter().find(|t| t.kind == *kind && t.not_made.is_none())
            else {
                continue;
            };
            let Some(experiment) = judge(finding, trial) else { continue };
            held.push(experiment.as_predicted == experiment.of);
            finding.experiments.push(experiment);
        }
        if finding.code == UNEXPLAINED || held.is_empty() {
            continue;
        }
        finding.confidence = match finding.confidence {
            _ if !held.contains(&true) => Confidence::Possible,
            // It is shown that something around the program is missing; what it is was only guessed.
            Confidence::Possible if finding.experiments.iter().all(is_about_userland) => {
                Confidence::Likely
            }
            _ => Confidence::Proven,
        };
    }
}

fn is_about_userland(experiment: &Experiment) -> bool {
    experiment.kind == TrialKind::BaselineUserland
}

fn judge(finding: &Finding, trial: &Trial) -> Option<Experiment> {
    let done = trial.tests.iter().filter(|test| finding.tests.contains(&test.id));
    let outcomes: Vec<&Outcome> =
        done.filter(|test| !test.attempts.is_empty()).map(|test| &test.outcome).collect();
    if outcomes.is_empty() {
        return None;
    }
    let predicted = |outcome: &&&Outcome| match trial.kind {
        TrialKind::GlibcHeapChecks => matches!(outcome, Outcome::Crashed { .. }),
        TrialKind::StackSize | TrialKind::BaselineUserland | TrialKind::DynamicLibc => {
            matches!(outcome, Outcome::Passed)
        }
    };
    let as_predicted = outcomes.iter().filter(predicted).count();
    let all = as_predicted == outcomes.len();
    Some(Experiment {
        kind: trial.kind,
        change: change(trial.kind).into(),
        of: count(outcomes.len()),
        as_predicted: count(as_predicted),
        conclusion: conclusion(trial.kind, all).into(),
    })
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn change(kind: TrialKind) -> &'static str {
    match kind {
        TrialKind::StackSize => {
            "a copy of the test binary whose PT_GNU_STACK asks for 8 MiB of stack a thread"
        }
        TrialKind::GlibcHeapChecks => {
            "the glibc side with glibc's heap checks (libc_malloc_debug, glibc.malloc.check=3)"
        }
        TrialKind::BaselineUserland => "the same musl binary in the baseline's image",
        TrialKind::DynamicLibc => "the project linked to musl dynamically (-crt-static)",
    }
}

fn conclusion(kind: TrialKind, all: bool) -> &'static str {
    match (kind, all) {
        (TrialKind::StackSize, true) => "with that, and nothing else changed, they pass",
        (TrialKind::StackSize, false) => "they do not pass with more stack",
        (TrialKind::GlibcHeapChecks, true) => {
            "glibc finds the broken heap too, once it looks: the fault is the program's own"
        }
        (TrialKind::GlibcHeapChecks, false) => "glibc's checks find nothing",
        (TrialKind::BaselineUserland, true) => {
            "there they pass: it is what is around the program, not musl"
        }
        (TrialKind::BaselineUserland, false) => {
            "they fail there as well: it is not Alpine's userland"
        }
        (TrialKind::DynamicLibc, true) => "linked dynamically, they pass",
        (TrialKind::DynamicLibc, false) => "they do not pass linked dynamically either",
    }
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{Attempt, AttemptStatus, Severity, Test};

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
            tests: vec!["p$a".into(), "p$b".into()],
            steps: Vec::new(),
            experiments: Vec::new(),
        }
    }

    fn trial(kind: TrialKind, statuses: &[AttemptStatus]) -> Trial {
        let tests = ["p$a", "p$b"].iter().zip(statuses).map(|(id, status)| {
            let attempts = vec![Attempt::unmeasured(status.clone())];
            Test { id: (*id).into(), outcome: Outcome::of(&attempts), attempts }
        });
        Trial { kind, leg: "x".into(), tests: tests.collect(), not_made: None }
    }

    fn confidence(kind: TrialKind, statuses: &[AttemptStatus]) -> Confidence {
        let mut findings = [finding("thread-stack-overflow")];
        apply(&mut findings, &[trial(kind, statuses)]);
        findings[0].confidence
    }

    #[test]
    fn only_what_holds_for_every_test_proves() {
        let (good, bad) = (AttemptStatus::Passed, AttemptStatus::Crashed { signal: 11 });
        let kind = TrialKind::StackSize;
        assert_eq!(confidence(kind, &[good.clone(), good.clone()]), Confidence::Proven);
        assert_eq!(confidence(kind, &[good.clone(), bad.clone()]), Confidence::Possible);
        assert_eq!(confidence(kind, &[bad.clone(), bad]), Confidence::Possible);
        assert_eq!(confidence(kind, &[]), Confidence::Likely, "nothing was run");
        let other = TrialKind::BaselineUserland;
        assert_eq!(confidence(other, &[good.clone(), good]), Confidence::Likely, "not its proof");
    }

    #[test]
    fn one_experiment_serves_several_findings() {
        let planned = plan(&[finding("thread-stack-overflow"), finding("thread-stack-overflow")]);
        assert_eq!(planned.len(), 1);
        assert_eq!(planned[0].tests, ["p$a", "p$b"]);
    }
}
