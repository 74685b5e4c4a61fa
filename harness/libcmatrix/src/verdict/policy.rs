//! The limits of the verdict: `[policy]` in `libcmatrix.toml`.

use libcmatrix_schema::{Confidence, Quantity, Rule, RuleStatus, Severity, VerdictOutcome};
use serde::Deserialize;

use super::{
    count,
    measure::{FoundCause, Measured},
};

/// Limits. The defaults allow nothing to get worse and nothing to stay unseen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Policy {
    /// Most tests that may be good in the baseline and bad in the candidate, before it is no-go.
    pub max_regressed: u64,
    /// Most further tests that may crash in the candidate only, before it is no-go.
    pub max_crashed_on_candidate_only: u64,
    /// Most tests that may be run in the baseline and not be there in the candidate, before it is no-go.
    pub max_disappeared: u64,
    /// Most targets that may build in the baseline only, before it is no-go.
    pub max_failed_builds_on_candidate_only: u64,
    /// Most targets that may build on neither side, before it is inconclusive: nothing is known of
    /// their tests.
    pub max_failed_builds_on_both: u64,
    /// Most steps that may fail for a reason outside the project, before it is inconclusive.
    pub max_incomplete_steps: u64,
    /// Most tests without a result on one side, before it is inconclusive.
    pub max_indeterminate: u64,
    /// Fewest tests that must be compared, or it is inconclusive.
    pub min_compared: u64,
    /// Smallest share of all tests that must be compared, from 0 to 1, or it is inconclusive.
    pub min_compared_share: f64,
    /// Most failures that nothing explains, before it is no-go; without it, they are not counted.
    pub max_unexplained: Option<u64>,
    /// Most causes that may be found, of `findings_severity` and `findings_confidence` or more, before it
    /// is no-go; without it, they are not counted. Tests that got worse are counted whatever the cause.
    pub max_findings: Option<u64>,
    /// The least severity that counts for `max_findings`.
    pub findings_severity: Severity,
    /// The least confidence that counts for it.
    pub findings_confidence: Confidence,
    /// Most that a cold build may take by the baseline's, before it is no-go. The lower end of the
    /// interval counts, so that noise is not taken for slowness. Without it, it is not judged.
    pub max_build_time_ratio: Option<f64>,
    /// The same of the tests' time.
    pub max_test_time_ratio: Option<f64>,
    /// The same of the tests' memory.
    pub max_test_memory_ratio: Option<f64>,
    /// Smallest share of its unpacked bytes that the image on the candidate's base must save against
    /// the one on the baseline's, from 0 to 1, or it is no-go. Without it, it is not judged.
    pub min_size_saving: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_regressed: 0,
            max_crashed_on_candidate_only: 0,
            max_disappeared: 0,
            max_failed_builds_on_candidate_only: 0,
            max_failed_builds_on_both: 0,
            max_incomplete_steps: 0,
            max_indeterminate: 0,
            min_compared: 1,
            min_compared_share: 0.0,
            max_unexplained: None,
            max_findings: None,
            findings_severity: Severity::Medium,
            findings_confidence: Confidence::Likely,
            max_build_time_ratio: None,
            max_test_time_ratio: None,
            max_test_memory_ratio: None,
            min_size_saving: None,
        }
    }
}

impl Policy {
    /// Every rule with how it came out, and what its failure would mean in words.
    pub(super) fn judge(&self, measured: &Measured) -> Vec<(Rule, String)> {
        use VerdictOutcome::{Inconclusive, NoGo};
        let tests = |ids: &[String], what: &str| {
            let few = named(ids);
            format!("{} {what}: {few}", count(ids.len() as u64, "test", "tests"))
        };
        let at_most = |id: &str, limit: u64, seen: &[String], on_failure, reason| {
            let measured = seen.len() as u64;
            (rule(id, limit, measured, measured <= limit, on_failure), reason)
        };
        let mut rules = vec![
            at_most(
                "max-failed-builds-on-candidate-only",
                self.max_failed_builds_on_candidate_only,
                &measured.failed_on_candidate,
                NoGo,
                format!(
                    "builds in the baseline and not in the candidate: {}",
                    named(&measured.failed_on_candidate)
                ),
            ),
            at_most(
                "max-regressed",
                self.max_regressed,
                &measured.regressed,
                NoGo,
                tests(&measured.regressed, "regressed"),
            ),
            at_most(
                "max-crashed-on-candidate-only",
                self.max_crashed_on_candidate_only,
                &measured.crashed,
                NoGo,
                tests(&measured.crashed, "crashed in the candidate only"),
            ),
            at_most(
                "max-disappeared",
                self.max_disappeared,
                &measured.disappeared,
                NoGo,
                tests(&measured.disappeared, "disappeared"),
            ),
            at_most(
                "max-missing-packages",
                0,
                &measured.wants_packages,
                Inconclusive,
                format!(
                    "was not seen to work for want of packages (apk add {}): {}",
                    measured.packages.join(" "),
                    named(&measured.wants_packages)
                ),
            ),
            at_most(
                "max-incomplete-steps",
                self.max_incomplete_steps,
                &measured.incomplete,
                Inconclusive,
                format!("not everything was seen: {}", named(&measured.incomplete)),
            ),
            at_most(
                "max-failed-builds-on-both",
                self.max_failed_builds_on_both,
                &measured.failed_on_both,
                Inconclusive,
                format!(
                    "built on neither side, so nothing is known of their tests: {}",
                    named(&measured.failed_on_both)
                ),
            ),
            at_most(
                "max-indeterminate",
                self.max_indeterminate,
                &measured.indeterminate,
                Inconclusive,
                tests(&measured.indeterminate, "of which nothing can be said"),
            ),
            (
                rule(
                    "min-compared",
                    self.min_compared,
                    measured.compared,
                    measured.compared >= self.min_compared,
                    Inconclusive,
                ),
                match measured.compared {
                    0 => "no test was compared".into(),
                    n => format!("only {} compared", count(n, "test was", "tests were")),
                },
            ),
        ];
        rules.push((
            Rule {
                id: "min-compared-share".into(),
                limit: self.min_compared_share,
                measured: measured.compared_share,
                status: match measured.compared_share {
                    None => RuleStatus::NotMeasured,
                    Some(share) if share < self.min_compared_share => RuleStatus::Fail,
                    Some(_) => RuleStatus::Pass,
                },
                on_failure: Inconclusive,
                reason: None,
            },
            format!(
                "too few of all tests were compared: {} of {}",
                measured.compared, measured.total
            ),
        ));
        rules.extend(self.max_unexplained.map(|limit| {
            let reason = format!("nothing explains {}", named(&measured.unexplained));
            at_most("max-unexplained", limit, &measured.unexplained, NoGo, reason)
        }));
        rules.extend(self.max_findings.map(|limit| {
            let counts = |finding: &&FoundCause| {
                finding.severity >= self.findings_severity
                    && finding.confidence >= self.findings_confidence
            };
            let found: Vec<String> =
                measured.findings.iter().filter(counts).map(|f| f.code.clone()).collect();
            let reason = format!("found: {}", named(&found));
            at_most("max-findings", limit, &found, NoGo, reason)
        }));
        for (id, limit, quantity, what) in [
            ("max-build-time-ratio", self.max_build_time_ratio, Quantity::BuildWall, "builds take"),
            ("max-test-time-ratio", self.max_test_time_ratio, Quantity::TestWall, "tests take"),
            (
                "max-test-memory-ratio",
                self.max_test_memory_ratio,
                Quantity::TestMemory,
                "tests take in memory",
            ),
        ] {
            rules.extend(limit.map(|limit| measured.judge_ratio(id, limit, quantity, what)));
        }
        rules.extend(measured.images.as_ref().map(|images| {
            at_most(
                "max-images-not-starting",
                0,
                &images.not_starting,
                NoGo,
                format!(
                    "the program does not start in its image, and does in the baseline's: {}",
                    named(&images.not_starting)
                ),
            )
        }));
        rules.extend(self.min_size_saving.map(|limit| {
            let saving = measured.images.as_ref().and_then(|images| images.saving);
            let status = match saving {
                None => RuleStatus::NotMeasured,
                Some(saving) if saving < limit => RuleStatus::Fail,
                Some(_) => RuleStatus::Pass,
            };
            let saved = saving.unwrap_or_default() * 100.0;
            let reason =
                format!("the image saves {saved:.0} % of its size, limit {:.0} %", limit * 100.0);
            let id = "min-size-saving".into();
            (Rule { id, limit, measured: saving, status, on_failure: NoGo, reason: None }, reason)
        }));
        rules.extend((!measured.expired.is_empty()).then(|| {
            at_most(
                "max-expired-acceptances",
                0,
                &measured.expired,
                NoGo,
                format!("accepted until a day that is over: {}", named(&measured.expired)),
            )
        }));
        rules.extend(measured.false_alarms.as_ref().map(|alarms| {
            at_most(
                "max-false-alarms",
                0,
                alarms,
                NoGo,
                format!("called a change where there is none: {}", named(alarms)),
            )
        }));
        rules
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of tests are far below 2^52")]
fn rule(id: &str, limit: u64, measured: u64, passes: bool, on_failure: VerdictOutcome) -> Rule {
    Rule {
        id: id.into(),
        limit: limit as f64,
        measured: Some(measured as f64),
        status: if passes { RuleStatus::Pass } else { RuleStatus::Fail },
        on_failure,
        reason: None,
    }
}

/// The first few, and how many more there are.
pub(super) fn named(all: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut text = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(" and {} more", all.len() - SHOWN));
    }
    text
}
