//! The answer: go, no-go or inconclusive. Pure.
//!
//! Takes a run record, its comparison, a [`Policy`] and what is accepted; gives a [`Verdict`] with every rule, what
//! was measured, and how it came out. A failed rule that stands for no-go outweighs any that
//! stands for inconclusive: what was seen to break stays broken, whatever else was not seen.

mod accept;
mod conditions;
mod false_alarms;
mod images;
mod measure;
mod policy;

use libcmatrix_schema::{
    Comparison, Control, Quantity, Rule, RuleStatus, RunRecord, Shows, StepStatus, TestMeasurement,
    Verdict, VerdictOutcome,
};

pub use accept::Accept;
use measure::Measured;
pub use policy::Policy;

/// Decides.
#[must_use]
pub fn decide(
    record: &RunRecord,
    comparison: &Comparison,
    policy: &Policy,
    accepts: &[Accept],
) -> Verdict {
    let acceptances = accept::apply(accepts, record, comparison);
    let measured = Measured::of(record, comparison, &acceptances);
    let judged = policy.judge(&measured);
    let failed = |outcome| judged.iter().filter(move |(rule, _)| fails(rule, outcome));
    let outcome = if failed(VerdictOutcome::NoGo).next().is_some() {
        VerdictOutcome::NoGo
    } else if failed(VerdictOutcome::Inconclusive).next().is_some() {
        VerdictOutcome::Inconclusive
    } else {
        VerdictOutcome::Go
    };
    let mut reasons: Vec<String> = failed(VerdictOutcome::NoGo)
        .chain(failed(VerdictOutcome::Inconclusive))
        .map(|(_, reason)| reason.clone())
        .collect();
    let accepted: Vec<String> = acceptances.iter().filter_map(accept::in_words).collect();
    if reasons.is_empty() {
        reasons.push(match comparison.compared {
            n if !accepted.is_empty() => {
                format!("of {n} compared tests, none got worse but those that are accepted")
            }
            1 => "the one test that was compared does the same on both sides".into(),
            n if measured.changed == 0 => {
                format!("all {n} compared tests do the same on both sides")
            }
            n => format!("of {n} compared tests, no test got worse"),
        });
    }
    reasons.extend(accepted);
    reasons.extend(slower(comparison));
    if record.settings.control == Some(Control::Aa) {
        let alarms = measured.false_alarms.as_ref().map_or(0, Vec::len) as u64;
        reasons.insert(0, false_alarms::rate(alarms, comparison.compared));
    }
    let told = |(rule, reason): (Rule, String)| {
        let reason = (rule.status == RuleStatus::Fail).then_some(reason);
        Rule { reason, ..rule }
    };
    let rules = judged.into_iter().map(told).collect();
    let conditions = match outcome {
        VerdictOutcome::Go => conditions::conditions(record),
        _ => Vec::new(),
    };
    Verdict { outcome, reasons, conditions, rules, acceptances }
}

/// That tests take longer, though they do the same.
fn slower(comparison: &Comparison) -> Option<String> {
    let is_slower = |test: &&TestMeasurement| {
        test.measurement.quantity == Quantity::TestWall && test.measurement.shows == Shows::More
    };
    let mut slower = comparison.tests_measured.iter().filter(is_slower);
    // The most telling comes first.
    let most = slower.next()?;
    let others = slower.count() as u64;
    let ratio = most.measurement.ratio.map_or(String::new(), |ratio| format!(" {ratio:.1} times"));
    let and = match others {
        0 => String::new(),
        n => format!(", and {} longer as well", count(n, "other takes", "others take")),
    };
    Some(format!("{} takes{ratio} as long in the candidate{and}", most.id))
}

fn fails(rule: &Rule, outcome: VerdictOutcome) -> bool {
    rule.status == RuleStatus::Fail && rule.on_failure == outcome
}

/// `1 test`, `2 tests`.
fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Whether a step ended in a way that says something about the project.
fn tells(status: StepStatus) -> bool {
    !matches!(status, StepStatus::EngineFault | StepStatus::Interrupted)
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{Attempt, Confidence, Leg, Outcome, Severity};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::compare::compare;

    /// A finished run: for each leg its build step, and its tests by the name of their outcome.
    fn record(
        baseline: (Value, &[(&str, &str)]),
        candidate: (Value, &[(&str, &str)]),
    ) -> RunRecord {
        let leg = |role: &str, (build, tests): (Value, &[(&str, &str)])| -> Leg {
            let tests: Vec<Value> = tests.iter().map(|(id, outcome)| test(id, outcome)).collect();
            serde_json::from_value(json!({
                "name": role, "role": role,
                "environment": {"libc": "musl", "distro": "x", "release": "1", "linkage": "static"},
                "steps": [build],
                "binaries": [{"id": "p", "harness": true, "listing": {"status": "passed"}}],
                "tests": tests,
            }))
            .expect("a leg")
        };
        let mut record: RunRecord =
            serde_json::from_str(include_str!("../../tests/records/without-legs.json"))
                .expect("a record");
        record.legs = vec![leg("baseline", baseline), leg("candidate", candidate)];
        record
    }

    /// A test by the statuses of its attempts, separated by spaces; of one, five alike.
    fn test(id: &str, statuses: &str) -> Value {
        let attempt = |status| match status {
            "failed" => json!({"status": "failed", "exit_code": 101}),
            "crashed" => json!({"status": "crashed", "signal": 11}),
            other => json!({"status": other}),
        };
        let times = if statuses.contains(' ') { 1 } else { 5 };
        let attempts: Vec<Value> =
            std::iter::repeat_n(statuses.split(' '), times).flatten().map(attempt).collect();
        let parsed: Vec<Attempt> = serde_json::from_value(json!(attempts)).expect("attempts");
        let mut test = serde_json::to_value(Outcome::of(&parsed)).expect("an outcome");
        test["id"] = id.into();
        test["attempts"] = json!(attempts);
        test
    }

    fn built() -> Value {
        json!({"name": "build", "status": "passed", "wall_s": 1.0})
    }

    fn not_built(targets: &[&str]) -> Value {
        json!({"name": "build", "status": "failed", "wall_s": 1.0, "failed_targets": targets})
    }

    fn decided(record: &RunRecord) -> Verdict {
        decide(record, &compare(record), &Policy::default(), &[])
    }

    #[track_caller]
    fn is(record: &RunRecord, outcome: VerdictOutcome, reason: &str) {
        let verdict = decided(record);
        assert_eq!(verdict.outcome, outcome, "{verdict:?}");
        assert!(verdict.reasons.iter().any(|r| r.contains(reason)), "{:?}", verdict.reasons);
        for rule in &verdict.rules {
            assert_eq!(rule.reason.is_some(), rule.status == RuleStatus::Fail, "{rule:?}");
            assert!(rule.reason.iter().all(|reason| verdict.reasons.contains(reason)), "{rule:?}");
        }
    }

    #[test]
    fn nothing_worse_is_go() {
        let all = [("p$a", "passed"), ("p$b", "failed")];
        is(&record((built(), &all), (built(), &all)), VerdictOutcome::Go, "all 2 compared tests");
        let fixed = [("p$a", "passed"), ("p$b", "passed")];
        is(&record((built(), &all), (built(), &fixed)), VerdictOutcome::Go, "no test got worse");
    }

    #[test]
    fn anything_worse_is_no_go() {
        use VerdictOutcome::NoGo;
        let good: &[_] = &[("p$a", "passed"), ("p$b", "passed")];
        for bad in ["failed", "crashed", "timed-out", "oom-killed"] {
            let candidate: &[_] = &[("p$a", "passed"), ("p$b", bad)];
            is(&record((built(), good), (built(), candidate)), NoGo, "1 test regressed: p$b");
        }
        is(&record((built(), good), (built(), &[("p$a", "passed")])), NoGo, "disappeared: p$b");
        let (failed, crashed): (&[_], &[_]) = (&[("p$a", "failed")], &[("p$a", "crashed")]);
        is(&record((built(), failed), (built(), crashed)), NoGo, "crashed in the candidate only");
        is(&record((built(), &[]), (built(), crashed)), NoGo, "crashed in the candidate only");
        let (failed, once): (&[_], &[_]) =
            (&[("p$a", "failed failed failed")], &[("p$a", "crashed failed failed")]);
        is(&record((built(), failed), (built(), once)), NoGo, "crashed in the candidate only");
        let both = record((built(), crashed), (built(), crashed));
        assert_eq!(decided(&both).outcome, VerdictOutcome::Go);
    }

    #[test]
    fn a_build_that_fails_on_the_candidate_alone_is_no_go() {
        use VerdictOutcome::{Inconclusive, NoGo};
        let good: &[_] = &[("p$a", "passed")];
        is(&record((built(), good), (not_built(&["x"]), &[])), NoGo, "not in the candidate: x");
        is(&record((built(), good), (not_built(&[]), &[])), NoGo, "the build");
        is(&record((not_built(&["x"]), good), (not_built(&["x", "y"]), good)), NoGo, ": y");
        is(&record((not_built(&["x"]), &[]), (not_built(&["x"]), &[])), Inconclusive, "no test");
        let one_each = record((not_built(&["x"]), good), (not_built(&["x"]), good));
        is(&one_each, Inconclusive, "built on neither side, so nothing is known of their tests: x");
        is(
            &record((not_built(&["x"]), good), (built(), good)),
            VerdictOutcome::Go,
            "does the same",
        );
    }

    #[test]
    fn what_was_not_seen_is_inconclusive() {
        use VerdictOutcome::{Inconclusive, NoGo};
        let good: &[_] = &[("p$a", "passed")];
        is(&record((built(), &[]), (built(), &[])), Inconclusive, "no test was compared");
        let fault = json!({"name": "build", "status": "engine-fault", "wall_s": 1.0});
        is(&record((built(), good), (fault, good)), Inconclusive, "candidate: build");
        let mut killed = record((built(), good), (built(), good));
        killed.finished_at = None;
        is(&killed, Inconclusive, "did not come to its end");
        let mut stopped = record((built(), good), (built(), &[("p$a", "crashed")]));
        stopped.interrupted = true;
        is(&stopped, NoGo, "regressed");
    }

    /// An image of so many bytes that starts or does not.
    fn image(bytes: u64, starts: bool) -> Value {
        let smoke = match starts {
            true => json!({"outcome": "ended", "exit_code": 2}),
            false => json!({"outcome": "did-not-start", "said": "no loader"}),
        };
        json!({
            "flavour": "runtime", "base": "b:1", "id": "i", "programs": ["/p"], "engine_bytes": bytes,
            "layers": [{
                "digest": "d", "of_project": true,
                "bytes": {"unpacked": bytes, "gzip": 1, "zstd": 1},
            }],
            "contents": {"files": 1, "executables": 1, "commands": 1}, "needs": {}, "smoke": smoke,
        })
    }

    fn with_images(baseline: Value, candidate: Value) -> RunRecord {
        let mut record = record((built(), &[("p$a", "passed")]), (built(), &[("p$a", "passed")]));
        for (leg, image) in record.legs.iter_mut().zip([baseline, candidate]) {
            leg.final_images = vec![serde_json::from_value(image).expect("an image")];
        }
        record
    }

    #[test]
    fn an_image_that_does_not_start_is_no_go() {
        use VerdictOutcome::{Go, NoGo};
        let broken = with_images(image(100, true), image(10, false));
        is(
            &broken,
            NoGo,
            "does not start in its image, and does in the baseline's: /p (no loader)",
        );
        let both = with_images(image(100, false), image(10, false));
        assert_eq!(decided(&both).outcome, Go, "it is no worse");
    }

    #[test]
    fn programs_that_build_on_the_baseline_alone_are_no_go() {
        let good: &[_] = &[("p$a", "passed")];
        let judged = |baseline: &str, candidate: &str| {
            let mut record = record((built(), good), (built(), good));
            for (leg, status) in record.legs.iter_mut().zip([baseline, candidate]) {
                let step = json!({"name": "image", "status": status, "wall_s": 1.0});
                leg.steps.push(serde_json::from_value(step).expect("a step"));
            }
            decided(&record).outcome
        };
        assert_eq!(judged("passed", "passed"), VerdictOutcome::Go);
        assert_eq!(judged("skipped", "skipped"), VerdictOutcome::Go);
        assert_eq!(judged("passed", "failed"), VerdictOutcome::NoGo);
        assert_eq!(judged("failed", "failed"), VerdictOutcome::Inconclusive);
        assert_eq!(judged("failed", "passed"), VerdictOutcome::Go, "it got better");
        assert_eq!(judged("passed", "timed-out"), VerdictOutcome::Inconclusive);
    }

    #[test]
    fn a_saving_is_judged_where_that_is_asked_for() {
        let outcome = |record: &RunRecord, limit| {
            let policy = Policy { min_size_saving: limit, ..Policy::default() };
            let verdict = decide(record, &compare(record), &policy, &[]);
            let rule = verdict.rules.into_iter().find(|rule| rule.id == "min-size-saving");
            (verdict.outcome, rule.map(|rule| rule.status))
        };
        use VerdictOutcome::{Go, NoGo};
        let saves = with_images(image(100, true), image(40, true));
        assert_eq!(outcome(&saves, None), (Go, None));
        assert_eq!(outcome(&saves, Some(0.6)), (Go, Some(RuleStatus::Pass)));
        assert_eq!(outcome(&saves, Some(0.7)), (NoGo, Some(RuleStatus::Fail)));
        let larger = with_images(image(100, true), image(140, true));
        assert_eq!(outcome(&larger, Some(0.0)), (NoGo, Some(RuleStatus::Fail)));
        let none = record((built(), &[("p$a", "passed")]), (built(), &[("p$a", "passed")]));
        assert_eq!(outcome(&none, Some(0.6)), (Go, Some(RuleStatus::NotMeasured)));
    }

    /// Without a test that got worse a cause may still matter, as a program that ignores SIGTERM.
    #[test]
    fn causes_are_counted_where_that_is_asked_for() {
        let good: &[_] = &[("p$a", "passed")];
        let mut record = record((built(), good), (built(), good));
        record.started_at = "2026-11-29T10:00:00Z".into();
        record.findings.push(
            serde_json::from_value(json!({
                "code": "init-zombies", "title": "t", "severity": "medium",
                "confidence": "likely", "evidence": [], "remedies": [], "tests": [],
            }))
            .expect("a finding"),
        );
        let outcome = |policy: Policy, accepts: &[Accept]| {
            decide(&record, &compare(&record), &policy, accepts).outcome
        };
        use VerdictOutcome::{Go, NoGo};
        let strict = Policy { max_findings: Some(0), ..Policy::default() };
        assert_eq!(outcome(Policy::default(), &[]), Go);
        assert_eq!(outcome(strict.clone(), &[]), NoGo);
        let high = Policy { findings_severity: Severity::High, ..strict.clone() };
        assert_eq!(outcome(high, &[]), Go);
        let proven = Policy { findings_confidence: Confidence::Proven, ..strict.clone() };
        assert_eq!(outcome(proven, &[]), Go);
        let accept = |finding: &str, expires: &str| Accept {
            finding: Some(finding.into()),
            reason: "known".into(),
            expires: expires.into(),
            ..Accept::default()
        };
        assert_eq!(outcome(strict.clone(), &[accept("init-zombies", "2999-01-01")]), Go);
        assert_eq!(outcome(strict.clone(), &[accept("init-zombies", "2001-01-01")]), NoGo);
        assert_eq!(outcome(strict.clone(), &[accept("no-bash", "2999-01-01")]), NoGo);
        let old = [accept("init-zombies", "2001-01-01")];
        assert_eq!(outcome(Policy::default(), &old), NoGo, "nobody forgets it");
        let told = decide(
            &record,
            &compare(&record),
            &Policy::default(),
            &[accept("init-zombies", "2999-01-01")],
        );
        assert!(told.reasons.iter().any(|reason| reason.contains("init-zombies")), "{told:?}");
        // One that explains a test which is no worse, as one that takes longer.
        record.findings[0].tests.push("p$a".into());
        let policy = strict;
        let verdict =
            |accepts: &[Accept]| decide(&record, &compare(&record), &policy, accepts).outcome;
        assert_eq!(verdict(&[]), NoGo);
        assert_eq!(verdict(&[accept("init-zombies", "2999-01-01")]), Go);
    }

    #[test]
    fn limits_are_the_policys() {
        let good: &[_] = &[("p$a", "passed"), ("p$b", "passed")];
        let bad: &[_] = &[("p$a", "passed"), ("p$b", "failed")];
        let record = record((built(), good), (built(), bad));
        let policy = Policy { max_regressed: 1, ..Policy::default() };
        assert_eq!(decide(&record, &compare(&record), &policy, &[]).outcome, VerdictOutcome::Go);
        let policy = Policy { min_compared: 3, ..policy };
        let verdict = decide(&record, &compare(&record), &policy, &[]);
        assert_eq!(verdict.outcome, VerdictOutcome::Inconclusive);
        assert_eq!(verdict.reasons, ["only 2 tests were compared"]);
    }

    fn accepted(tests: &str, expires: &str, outcome: Option<&str>) -> Accept {
        Accept {
            tests: vec![tests.into()],
            reason: "known".into(),
            expires: expires.into(),
            outcome: outcome.map(str::to_owned),
            ..Accept::default()
        }
    }

    /// The outcome of a run that began on 2026-11-24.
    fn with(accept: Accept, candidate: &[(&str, &str)]) -> Verdict {
        let good: Vec<(&str, &str)> = candidate.iter().map(|(id, _)| (*id, "passed")).collect();
        let mut record = record((built(), &good), (built(), candidate));
        record.started_at = "2026-11-24T10:00:00Z".into();
        decide(&record, &compare(&record), &Policy::default(), &[accept])
    }

    #[test]
    fn what_is_accepted_is_no_reason_until_it_expires() {
        let failed = [("p$a", "failed"), ("p$b", "passed")];
        let held = with(accepted("p$a", "2026-11-24", None), &failed);
        assert_eq!(held.outcome, VerdictOutcome::Go, "{held:?}");
        assert_eq!(held.acceptances[0].covers, ["p$a"]);
        assert_eq!(
            held.reasons,
            [
                "of 2 compared tests, none got worse but those that are accepted",
                "accepted until 2026-11-24: p$a (known)"
            ]
        );
        let expired = with(accepted("p$a", "2026-11-23", None), &failed);
        assert_eq!(expired.outcome, VerdictOutcome::NoGo);
        let told = expired.reasons.iter().any(|r| r.contains("known (2026-11-23)"));
        assert!(told, "{:?}", expired.reasons);
        let fixed = with(accepted("p$a", "2026-11-23", None), &[("p$a", "passed")]);
        assert_eq!(fixed.outcome, VerdictOutcome::Go, "what is mended needs no acceptance");
    }

    #[test]
    fn an_accepted_failure_is_no_accepted_crash() {
        for bad in ["crashed", "timed-out", "oom-killed", "failed crashed failed"] {
            let verdict = with(accepted("p$*", "2027-01-01", None), &[("p$a", bad)]);
            assert_eq!(verdict.outcome, VerdictOutcome::NoGo, "{bad}: {verdict:?}");
        }
        let named = with(accepted("p$a", "2027-01-01", Some("crashed{11}")), &[("p$a", "crashed")]);
        assert_eq!(named.outcome, VerdictOutcome::Go, "{named:?}");
    }

    #[test]
    fn a_time_that_was_not_measured_takes_nothing_away() {
        let good: &[_] = &[("p$a", "passed")];
        let mut record = record((built(), good), (built(), good));
        let fault = json!({"name": "measure", "status": "engine-fault", "wall_s": 1.0});
        record.legs[1].steps.push(serde_json::from_value(fault).expect("a step"));
        is(&record, VerdictOutcome::Go, "does the same");
    }

    #[test]
    fn what_takes_longer_is_told_and_changes_nothing() {
        let mut slow = record((built(), &[("p$a", "passed")]), (built(), &[("p$a", "passed")]));
        for (leg, seconds) in slow.legs.iter_mut().zip([0.1, 0.9]) {
            let mut attempt = leg.tests[0].attempts[0].clone();
            attempt.wall_s = Some(seconds);
            leg.tests[0].attempts = vec![attempt; 5];
        }
        is(&slow, VerdictOutcome::Go, "p$a takes 9.0 times as long in the candidate");
        slow.settings.control = Some(Control::Aa);
        is(&slow, VerdictOutcome::NoGo, "1 false alarm in 1 compared test");
    }

    #[test]
    fn the_baseline_against_itself_tells_its_false_alarms() {
        let good: &[_] = &[("p$a", "passed"), ("p$b", "passed")];
        let mut quiet = record((built(), good), (built(), good));
        quiet.settings.control = Some(Control::Aa);
        is(&quiet, VerdictOutcome::Go, "0 false alarms in 2 compared tests");
        let bad: &[_] = &[("p$a", "failed"), ("p$b", "passed")];
        // One that got better is a false alarm as well.
        let mut loud = record((built(), bad), (built(), good));
        loud.settings.control = Some(Control::Aa);
        is(&loud, VerdictOutcome::NoGo, "1 false alarm in 2 compared tests");
    }

    proptest! {
        /// Whatever is accepted, a worse test that it does not name keeps the answer from being go.
        #[test]
        fn an_acceptance_never_hides_another_test(
            outcomes in proptest::collection::vec(
                prop_oneof![Just("passed"), Just("failed"), Just("crashed"), Just("timed-out")],
                2..8,
            ),
            at in 0_usize..8,
        ) {
            let names: Vec<String> = (0..outcomes.len()).map(|n| format!("p$t{n}")).collect();
            let candidate: Vec<(&str, &str)> =
                names.iter().map(String::as_str).zip(outcomes.iter().copied()).collect();
            let at = at % names.len();
            let verdict = with(accepted(&names[at], "2027-01-01", Some("*")), &candidate);
            let worse = candidate.iter().enumerate().any(|(n, (_, o))| n != at && *o != "passed");
            prop_assert_eq!(verdict.outcome == VerdictOutcome::Go, !worse, "{:?}", verdict);
        }
    }
}
