//! Two sides of a test make a change.

use libcmatrix_schema::{Attempt, AttemptStatus, ChangeKind, Outcome, Test};

use super::side::Side;

/// The change, and why where the two outcomes alone do not tell.
pub(super) fn between(baseline: &Side<'_>, candidate: &Side<'_>) -> (ChangeKind, Option<String>) {
    match (baseline, candidate) {
        (Side::Known(a), Side::Known(b)) => both_known(a, b),
        (Side::Known(a), Side::Absent) => only_one(a, ChangeKind::Disappeared, "baseline"),
        (Side::Absent, Side::Known(b)) => only_one(b, ChangeKind::Appeared, "candidate"),
        (Side::Known(a), Side::BinaryBroken(status)) => broken(a, status, "candidate"),
        (Side::BinaryBroken(status), Side::Known(b)) => broken(b, status, "baseline"),
        (Side::Known(test), Side::Unknown(why)) => unknown(test, "candidate", why),
        (Side::Unknown(why), Side::Known(test)) => unknown(test, "baseline", why),
        (Side::BinaryBroken(a), Side::BinaryBroken(b)) => (
            ChangeKind::Indeterminate,
            Some(format!(
                "it does not get as far as its tests: {} in the baseline, {} in the candidate",
                Outcome::from(*a),
                Outcome::from(*b)
            )),
        ),
        // It has no tests on the other side, but there it starts.
        (Side::Absent, Side::BinaryBroken(status)) => (
            ChangeKind::Regressed,
            Some(format!("it does not start in the candidate: {}", Outcome::from(*status))),
        ),
        (Side::BinaryBroken(status), Side::Absent) => (
            ChangeKind::Fixed,
            Some(format!("it does not start in the baseline: {}", Outcome::from(*status))),
        ),
        (Side::Unknown(why), _) => {
            (ChangeKind::Indeterminate, Some(format!("in the baseline, {why}")))
        }
        (_, Side::Unknown(why)) => {
            (ChangeKind::Indeterminate, Some(format!("in the candidate, {why}")))
        }
        // Nothing asks about a test that neither side knows.
        (Side::Absent, Side::Absent) => (ChangeKind::Same, None),
    }
}

fn both_known(a: &Test, b: &Test) -> (ChangeKind, Option<String>) {
    match (&a.outcome, &b.outcome) {
        (Outcome::NotRun { reason: left }, Outcome::NotRun { reason: right }) if left == right => {
            (ChangeKind::Same, Some(format!("not run on either side: {left}")))
        }
        (Outcome::NotRun { reason }, _) => {
            (ChangeKind::Indeterminate, Some(format!("not run in the baseline: {reason}")))
        }
        (_, Outcome::NotRun { reason }) => {
            (ChangeKind::Indeterminate, Some(format!("not run in the candidate: {reason}")))
        }
        (Outcome::Ignored, Outcome::Ignored) => (ChangeKind::Same, None),
        (_, Outcome::Ignored) => {
            (ChangeKind::Disappeared, Some("it is ignored in the candidate".into()))
        }
        (Outcome::Ignored, _) => {
            (ChangeKind::Appeared, Some("it is ignored in the baseline".into()))
        }
        (left, right) if is_unstable(left) || is_unstable(right) => unstable(a, b),
        (left, right) => (settled(left, right), None),
    }
}

fn is_unstable(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unstable { .. })
}

/// All attempts of each side agree.
fn settled(a: &Outcome, b: &Outcome) -> ChangeKind {
    if a == b {
        return ChangeKind::Same;
    }
    let is_good = |o: &Outcome| matches!(o, Outcome::Passed | Outcome::Leaked);
    match (is_good(a), is_good(b)) {
        (true, false) => ChangeKind::Regressed,
        (false, true) => ChangeKind::Fixed,
        // One is passed and the other leaked, or both are bad in different ways.
        _ => ChangeKind::Differs,
    }
}

/// Attempts of one side at least disagree. Chance is the usual reason, so this is no difference
/// but for what chance does not explain.
fn unstable(a: &Test, b: &Test) -> (ChangeKind, Option<String>) {
    // A crash, time-out or memory kill seen once on musl and never on glibc is not waved through.
    let only_in_b = Violence::ALL.into_iter().find(|v| v.count(b) > 0 && v.count(a) == 0);
    if let Some(violence) = only_in_b.filter(|_| passes(a) > 0) {
        let reason = format!(
            "{} in {} of {} attempts in the candidate, never in the baseline",
            violence.in_words(),
            violence.count(b),
            runs(b)
        );
        return (ChangeKind::Regressed, Some(reason));
    }
    let all = |t: &Test| passes(t) == runs(t);
    let none = |t: &Test| passes(t) == 0;
    if all(a) && none(b) {
        return (ChangeKind::Regressed, Some("it fails in several ways in the candidate".into()));
    }
    if none(a) && all(b) {
        return (ChangeKind::Fixed, Some("it fails in several ways in the baseline".into()));
    }
    if none(a) && none(b) {
        return (ChangeKind::Differs, Some("it fails in several ways".into()));
    }
    let count = |t: &Test| format!("{} of {}", passes(t), runs(t));
    let reason =
        format!("passed {} attempts in the baseline, {} in the candidate", count(a), count(b));
    (ChangeKind::Unstable, Some(reason))
}

/// Attempts that were run: the others say nothing.
fn runs(test: &Test) -> usize {
    let was_run = |t: &&Attempt| !matches!(t.status, AttemptStatus::NotRun { .. });
    test.attempts.iter().filter(was_run).count()
}

fn passes(test: &Test) -> usize {
    let is_good = |t: &&Attempt| matches!(t.status, AttemptStatus::Passed | AttemptStatus::Leaked);
    test.attempts.iter().filter(is_good).count()
}

/// Ends that a test does not choose.
#[derive(Clone, Copy)]
enum Violence {
    Crash,
    Hang,
    Memory,
}

impl Violence {
    const ALL: [Self; 3] = [Self::Crash, Self::Hang, Self::Memory];

    /// Attempts that ended so.
    fn count(self, test: &Test) -> usize {
        let is_so = |a: &&Attempt| match self {
            Self::Crash => matches!(a.status, AttemptStatus::Crashed { .. }),
            Self::Hang => a.status == AttemptStatus::TimedOut,
            Self::Memory => a.status == AttemptStatus::OomKilled,
        };
        test.attempts.iter().filter(is_so).count()
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Crash => "it crashed",
            Self::Hang => "it ran into its time limit",
            Self::Memory => "it was killed at the memory limit",
        }
    }
}

/// Only one side has the test, although the other was asked for all it has.
fn only_one(test: &Test, kind: ChangeKind, side: &str) -> (ChangeKind, Option<String>) {
    match &test.outcome {
        Outcome::Ignored => {
            (ChangeKind::Same, Some(format!("it exists in the {side} only, and is ignored there")))
        }
        Outcome::NotRun { reason } => {
            (ChangeKind::Indeterminate, Some(format!("not run in the {side}: {reason}")))
        }
        _ => (kind, None),
    }
}

/// The binary cannot even list its tests on one side: what would happen to the test is plain.
fn broken(test: &Test, status: &AttemptStatus, side: &str) -> (ChangeKind, Option<String>) {
    let outcome = Outcome::from(status);
    let kind = match test.outcome {
        Outcome::NotRun { .. } => ChangeKind::Indeterminate,
        Outcome::Ignored => ChangeKind::Same,
        Outcome::Passed | Outcome::Leaked if side == "candidate" => ChangeKind::Regressed,
        Outcome::Passed | Outcome::Leaked => ChangeKind::Fixed,
        _ => ChangeKind::Differs,
    };
    (kind, Some(format!("its binary does not get as far as its tests in the {side}: {outcome}")))
}

/// An ignored test would not have been run anyway.
fn unknown(test: &Test, side: &str, why: &str) -> (ChangeKind, Option<String>) {
    let kind = match test.outcome {
        Outcome::Ignored => ChangeKind::Same,
        _ => ChangeKind::Indeterminate,
    };
    (kind, Some(format!("in the {side}, {why}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn test(statuses: &[AttemptStatus]) -> Test {
        let attempts: Vec<Attempt> = statuses.iter().cloned().map(Attempt::unmeasured).collect();
        Test { id: "p$t".into(), outcome: Outcome::of(&attempts), attempts }
    }

    fn kind(a: &[AttemptStatus], b: &[AttemptStatus]) -> ChangeKind {
        both_known(&test(a), &test(b)).0
    }

    const PASS: AttemptStatus = AttemptStatus::Passed;
    const FAIL: AttemptStatus = AttemptStatus::Failed { exit_code: 101 };
    const CRASH: AttemptStatus = AttemptStatus::Crashed { signal: 11 };
    const ABORT: AttemptStatus = AttemptStatus::Crashed { signal: 6 };
    const HANG: AttemptStatus = AttemptStatus::TimedOut;

    #[test]
    fn settled_outcomes() {
        assert_eq!(kind(&[PASS], &[PASS]), ChangeKind::Same);
        assert_eq!(kind(&[FAIL], &[FAIL]), ChangeKind::Same);
        assert_eq!(kind(&[PASS], &[FAIL]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS], &[HANG]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS], &[AttemptStatus::OomKilled]), ChangeKind::Regressed);
        assert_eq!(kind(&[FAIL], &[PASS]), ChangeKind::Fixed);
        assert_eq!(kind(&[ABORT], &[CRASH]), ChangeKind::Differs);
        assert_eq!(kind(&[PASS], &[AttemptStatus::Leaked]), ChangeKind::Differs);
        assert_eq!(kind(&[AttemptStatus::Leaked], &[CRASH]), ChangeKind::Regressed);
    }

    #[test]
    fn one_crash_on_musl_is_not_chance() {
        assert_eq!(kind(&[PASS; 3], &[PASS, CRASH, PASS]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS; 3], &[PASS, HANG, PASS]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS, FAIL, PASS], &[PASS, CRASH, PASS]), ChangeKind::Regressed);
        // Seen on both sides, or only on glibc: chance.
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS, CRASH, PASS]), ChangeKind::Unstable);
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS; 3]), ChangeKind::Unstable);
        assert_eq!(kind(&[PASS; 3], &[PASS, FAIL, PASS]), ChangeKind::Unstable);
        // Each kind counts for itself.
        assert_eq!(kind(&[PASS, HANG, PASS], &[CRASH; 3]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS, HANG, PASS]), ChangeKind::Regressed);
    }

    #[test]
    fn never_passed_is_never_unstable() {
        let other = AttemptStatus::Failed { exit_code: 1 };
        assert_eq!(kind(&[PASS; 2], &[FAIL, other.clone()]), ChangeKind::Regressed);
        assert_eq!(kind(&[FAIL, other.clone()], &[PASS; 2]), ChangeKind::Fixed);
        assert_eq!(kind(&[FAIL; 2], &[FAIL, other]), ChangeKind::Differs);
        assert_eq!(kind(&[FAIL; 2], &[FAIL, CRASH]), ChangeKind::Differs);
    }

    #[test]
    fn what_was_not_run_is_no_result() {
        let not_run = |reason: &str| AttemptStatus::NotRun { reason: reason.into() };
        assert_eq!(kind(&[PASS], &[not_run("x")]), ChangeKind::Indeterminate);
        assert_eq!(kind(&[not_run("x")], &[CRASH]), ChangeKind::Indeterminate);
        assert_eq!(kind(&[not_run("x")], &[not_run("x")]), ChangeKind::Same);
        assert_eq!(kind(&[not_run("x")], &[not_run("y")]), ChangeKind::Indeterminate);
        assert_eq!(kind(&[PASS], &[]), ChangeKind::Indeterminate, "it was killed under way");
        let other = AttemptStatus::Failed { exit_code: 1 };
        assert_eq!(kind(&[PASS, not_run("x")], &[FAIL, other]), ChangeKind::Regressed);
    }

    #[test]
    fn a_side_without_the_test() {
        let passed = test(&[PASS]);
        let known = Side::Known(&passed);
        let absent = between(&known, &Side::Absent).0;
        assert_eq!(absent, ChangeKind::Disappeared);
        assert_eq!(between(&Side::Absent, &known).0, ChangeKind::Appeared);
        assert_eq!(between(&known, &Side::Unknown("x".into())).0, ChangeKind::Indeterminate);
        assert_eq!(between(&known, &Side::BinaryBroken(&CRASH)).0, ChangeKind::Regressed);
        let kind = |a: &Side<'_>, b: &Side<'_>| between(a, b).0;
        let broken = Side::BinaryBroken(&CRASH);
        assert_eq!(kind(&Side::Absent, &broken), ChangeKind::Regressed, "it has no tests there");
        assert_eq!(kind(&broken, &Side::Absent), ChangeKind::Fixed);
        assert_eq!(kind(&broken, &broken), ChangeKind::Indeterminate);
        assert_eq!(kind(&Side::Unknown("x".into()), &broken), ChangeKind::Indeterminate);
        let failed = test(&[FAIL]);
        let known = Side::Known(&failed);
        assert_eq!(between(&known, &Side::BinaryBroken(&CRASH)).0, ChangeKind::Differs);
        let ignored = Test { outcome: Outcome::Ignored, ..test(&[]) };
        let ignored = Side::Known(&ignored);
        assert_eq!(between(&ignored, &Side::Absent).0, ChangeKind::Same);
        let passed = Side::Known(&passed);
        assert_eq!(between(&passed, &ignored).0, ChangeKind::Disappeared);
        assert_eq!(between(&ignored, &passed).0, ChangeKind::Appeared);
    }

    fn any_status() -> impl Strategy<Value = AttemptStatus> {
        prop_oneof![
            3 => Just(PASS),
            1 => Just(FAIL),
            1 => Just(CRASH),
            1 => Just(ABORT),
            1 => Just(HANG),
            1 => Just(AttemptStatus::OomKilled),
            1 => Just(AttemptStatus::Leaked),
        ]
    }

    proptest! {
        /// The same attempts on both sides are never a difference.
        #[test]
        fn a_side_does_not_differ_from_itself(all in proptest::collection::vec(any_status(), 1..6)) {
            let kind = kind(&all, &all);
            prop_assert!(
                matches!(kind, ChangeKind::Same | ChangeKind::Unstable | ChangeKind::Differs)
            );
            if all.iter().all(|s| *s == all[0]) {
                prop_assert_eq!(kind, ChangeKind::Same);
            }
        }

        /// A crash on the candidate alone is never waved through, whatever else was seen.
        #[test]
        fn a_crash_on_one_side_is_always_seen(
            mut attempts in proptest::collection::vec(any_status(), 0..6),
            at in 0_usize..6,
        ) {
            attempts.insert(at.min(attempts.len()), CRASH);
            prop_assert_eq!(kind(&vec![PASS; attempts.len()], &attempts), ChangeKind::Regressed);
        }
    }
}
