//! The numbers that rules are about, counted from a record.

use std::collections::{BTreeMap, BTreeSet};

use libcmatrix_schema::{
    Acceptance, AttemptStatus, ChangeKind, Comparison, Confidence, Control, Finding, Leg, Quantity,
    Role, Rule, RuleStatus, RunRecord, Severity, Step, StepName, StepStatus, VerdictOutcome,
};

use super::{accept, false_alarms, images::Images, tells};
use crate::diagnose::UNEXPLAINED;

/// What the step `image` builds.
const FOR_IMAGES: &str = "the programs as they would be shipped";

/// A cause that was found and is not accepted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FoundCause {
    pub(super) code: String,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
}

/// What rules are about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Tests with a result on both sides.
    pub(super) compared: u64,
    /// Tests known on either side.
    pub(super) total: u64,
    /// The first of these by the second; absent where there are no tests.
    pub(super) compared_share: Option<f64>,
    /// Tests and steps that fail in the candidate for a reason that nothing explains.
    pub(super) unexplained: Vec<String>,
    /// The causes that were found; of what nothing explains there are none.
    pub(super) findings: Vec<FoundCause>,
    /// By quantity, the lower end of the ratio's interval.
    pub(super) ratios: BTreeMap<Quantity, f64>,
    /// Tests that are not the same on both sides.
    pub(super) changed: u64,
    /// Tests that are good in the baseline and bad in the candidate.
    pub(super) regressed: Vec<String>,
    /// Tests that crash in the candidate, not in the baseline, and are not among `regressed`.
    pub(super) crashed: Vec<String>,
    /// Tests that are run in the baseline and not there in the candidate.
    pub(super) disappeared: Vec<String>,
    /// Tests without a result on one side.
    pub(super) indeterminate: Vec<String>,
    /// What builds in the baseline and not in the candidate.
    pub(super) failed_on_candidate: Vec<String>,
    /// What builds on neither side.
    pub(super) failed_on_both: Vec<String>,
    /// What was seen to fail for want of packages only: targets, tests. In none of the lists above.
    pub(super) wants_packages: Vec<String>,
    /// The packages, by Alpine's names.
    pub(super) packages: Vec<String>,
    /// Acceptances that cover something and hold no more.
    pub(super) expired: Vec<String>,
    /// Changes that were called, where the baseline ran against itself.
    pub(super) false_alarms: Option<Vec<String>>,
    /// The images on their bases, where they were made on both sides.
    pub(super) images: Option<Images>,
    /// `leg: step` of every step that did not come to an end for a reason outside the project.
    pub(super) incomplete: Vec<String>,
}

impl Measured {
    pub(super) fn of(
        record: &RunRecord,
        comparison: &Comparison,
        acceptances: &[Acceptance],
    ) -> Self {
        let intervals = comparison.measurements.iter();
        #[allow(clippy::cast_precision_loss, reason = "numbers of tests are far below 2^52")]
        let share = |compared: u64, total: u64| compared as f64 / total as f64;
        let mut measured = Self {
            compared: comparison.compared,
            total: comparison.total,
            compared_share: (comparison.total > 0)
                .then(|| share(comparison.compared, comparison.total)),
            unexplained: unexplained(record),
            findings: found(record, acceptances),
            images: Images::of(record),
            ratios: intervals.filter_map(|m| Some((m.quantity, m.interval?[0]))).collect(),
            ..Self::default()
        };
        let crashes = crashes_on_candidate_only(record);
        for change in &comparison.changes {
            measured.changed += u64::from(change.change != ChangeKind::Same);
            let list = match change.change {
                ChangeKind::Regressed => &mut measured.regressed,
                ChangeKind::Disappeared => &mut measured.disappeared,
                ChangeKind::Indeterminate => &mut measured.indeterminate,
                _ if crashes.contains(change.id.as_str()) => &mut measured.crashed,
                _ => continue,
            };
            list.push(change.id.clone());
        }
        if let (Some(baseline), Some(candidate)) =
            (record.leg(Role::Baseline), record.leg(Role::Candidate))
        {
            let (left, right) = (FailedBuild::of(baseline), FailedBuild::of(candidate));
            measured.failed_on_candidate = right.beyond(&left);
            measured.failed_on_both = right.shared_with(&left);
            let failed = |leg: &Leg| {
                leg.step(StepName::Image).is_some_and(|step| step.status == StepStatus::Failed)
            };
            match (failed(baseline), failed(candidate)) {
                (false, true) => measured.failed_on_candidate.push(FOR_IMAGES.into()),
                (true, true) => measured.failed_on_both.push(FOR_IMAGES.into()),
                _ => {}
            }
        }
        measured.incomplete = incomplete(record);
        measured.leave_out_missing_packages(record, &crashes);
        measured.leave_out_accepted(acceptances);
        if record.settings.control == Some(Control::Aa) {
            measured.false_alarms = Some(false_alarms::called(comparison));
        }
        measured
    }

    /// What is accepted is no reason any more; what was accepted too long ago is one of its own.
    fn leave_out_accepted(&mut self, acceptances: &[Acceptance]) {
        let (expired, valid): (Vec<_>, Vec<_>) = acceptances.iter().partition(|a| a.expired);
        let covered: BTreeSet<&str> =
            valid.iter().flat_map(|a| &a.covers).map(String::as_str).collect();
        for list in [&mut self.regressed, &mut self.crashed, &mut self.disappeared] {
            list.retain(|id| !covered.contains(id.as_str()));
        }
        let told = |a: &&Acceptance| accept::covers_anything(a);
        self.expired = expired
            .into_iter()
            .filter(told)
            .map(|a| format!("{} ({})", a.reason, a.expires))
            .collect();
    }

    /// A rule about a ratio, with what its failure would mean in words.
    pub(super) fn judge_ratio(
        &self,
        id: &str,
        limit: f64,
        quantity: Quantity,
        what: &str,
    ) -> (Rule, String) {
        let measured = self.ratios.get(&quantity).copied();
        let status = match measured {
            None => RuleStatus::NotMeasured,
            Some(low) if low > limit => RuleStatus::Fail,
            Some(_) => RuleStatus::Pass,
        };
        let low = measured.unwrap_or_default();
        let reason =
            format!("{what} at least {low:.2} times what they take in the baseline, limit {limit}");
        let on_failure = VerdictOutcome::NoGo;
        (Rule { id: id.into(), limit, measured, status, on_failure, reason: None }, reason)
    }

    /// That a package is missing is no reason against musl, and none for it either. A crash stays
    /// one, whatever explains it.
    fn leave_out_missing_packages(&mut self, record: &RunRecord, crashes: &BTreeSet<&str>) {
        let mut missing = MissingPackages::of(record);
        missing.tests.retain(|id| !crashes.contains(id));
        let lists = [&mut self.regressed, &mut self.disappeared];
        for list in lists {
            let (wanting, others) =
                list.drain(..).partition(|id| missing.tests.contains(id.as_str()));
            *list = others;
            self.wants_packages.extend::<Vec<String>>(wanting);
        }
        if missing.all_of_the_build {
            self.wants_packages.append(&mut self.failed_on_candidate);
        }
        self.packages = missing.packages.into_iter().map(str::to_owned).collect();
    }
}

/// What findings say of packages that Alpine has and the image does not.
#[derive(Default)]
struct MissingPackages<'a> {
    packages: BTreeSet<&'a str>,
    /// Tests that want them.
    tests: BTreeSet<&'a str>,
    /// Nothing else keeps the build from its end.
    all_of_the_build: bool,
}

impl<'a> MissingPackages<'a> {
    fn of(record: &'a RunRecord) -> Self {
        let is_sure = |finding: &&Finding| {
            finding.confidence >= Confidence::Likely && !finding.packages.alpine.is_empty()
        };
        let of_the_build: Vec<&Finding> =
            record.findings.iter().filter(|f| f.steps.contains(&StepName::Build)).collect();
        let mut missing = Self {
            all_of_the_build: !of_the_build.is_empty() && of_the_build.iter().all(is_sure),
            ..Self::default()
        };
        for finding in record.findings.iter().filter(is_sure) {
            missing.packages.extend(finding.packages.alpine.iter().map(String::as_str));
            missing.tests.extend(finding.tests.iter().map(String::as_str));
        }
        missing
    }
}

/// Tests of which any attempt crashed in the candidate, and none in the baseline.
fn crashes_on_candidate_only(record: &RunRecord) -> BTreeSet<&str> {
    let crashes = |role| -> BTreeSet<&str> {
        let tests = record.leg(role).into_iter().flat_map(|leg| &leg.tests);
        tests
            .filter(|t| {
                t.attempts.iter().any(|a| matches!(a.status, AttemptStatus::Crashed { .. }))
            })
            .map(|t| t.id.as_str())
            .collect()
    };
    &crashes(Role::Candidate) - &crashes(Role::Baseline)
}

/// Causes that were found and are not accepted: by their code, or with all tests that they explain.
fn found(record: &RunRecord, acceptances: &[Acceptance]) -> Vec<FoundCause> {
    let valid: Vec<&Acceptance> = acceptances.iter().filter(|a| !a.expired).collect();
    let is_accepted = |finding: &Finding| {
        let by_code =
            valid.iter().any(|a| a.covers_finding && a.finding.as_ref() == Some(&finding.code));
        let is_covered = |id: &String| valid.iter().any(|a| a.covers.contains(id));
        let by_tests = finding.steps.is_empty()
            && !finding.tests.is_empty()
            && finding.tests.iter().all(is_covered);
        by_code || by_tests
    };
    let named = record.findings.iter().filter(|finding| finding.code != UNEXPLAINED);
    named
        .filter(|finding| !is_accepted(finding))
        .map(|finding| FoundCause {
            code: finding.code.clone(),
            severity: finding.severity,
            confidence: finding.confidence,
        })
        .collect()
}

fn unexplained(record: &RunRecord) -> Vec<String> {
    let findings = record.findings.iter().filter(|finding| finding.code == UNEXPLAINED);
    findings
        .flat_map(|f| f.steps.iter().map(ToString::to_string).chain(f.tests.iter().cloned()))
        .collect()
}

fn incomplete(record: &RunRecord) -> Vec<String> {
    let mut all: Vec<String> = record
        .sides()
        // Experiments say something about causes, cold builds about their time; that they could not be
        // made takes nothing away.
        .flat_map(|l| l.steps.iter().map(move |s| (l, s)))
        .filter(|(_, step)| {
            !matches!(step.name, StepName::Prove | StepName::Measure | StepName::Bench)
        })
        .filter(|(_, step)| !tells(step.status) || !came_to_its_end(step))
        .map(|(leg, step)| format!("{}: {} ({})", leg.name, step.name, step.status))
        .collect();
    if record.finished_at.is_none() {
        all.push("the run did not come to its end".into());
    } else if record.interrupted && all.is_empty() {
        all.push("the run was stopped".into());
    }
    all
}

/// A step other than a build that failed leaves things unseen: a dependency that cannot be
/// had, doctests that were not run to their end.
fn came_to_its_end(step: &Step) -> bool {
    step.name == StepName::Build
        || (step.name == StepName::Image && step.status == StepStatus::Failed)
        || matches!(step.status, StepStatus::Passed | StepStatus::Skipped)
}

/// What of a leg did not build.
struct FailedBuild {
    failed: bool,
    /// Empty where cargo named none.
    targets: BTreeSet<String>,
}

impl FailedBuild {
    fn of(leg: &Leg) -> Self {
        let step = leg.step(StepName::Build).filter(|s| tells(s.status));
        Self {
            failed: step.is_some_and(|s| s.status != StepStatus::Passed),
            targets: step.into_iter().flat_map(|s| s.failed_targets.iter().cloned()).collect(),
        }
    }

    /// What fails here and not there.
    fn beyond(&self, other: &Self) -> Vec<String> {
        if !self.failed {
            return Vec::new();
        }
        let more: Vec<String> = self.targets.difference(&other.targets).cloned().collect();
        if more.is_empty() && !other.failed { vec!["the build".into()] } else { more }
    }

    fn shared_with(&self, other: &Self) -> Vec<String> {
        if !(self.failed && other.failed) {
            return Vec::new();
        }
        let shared: Vec<String> = self.targets.intersection(&other.targets).cloned().collect();
        if shared.is_empty() { vec!["something that cargo does not name".into()] } else { shared }
    }
}
