//! Two sides of a test make a change.

use libcmatrix_schema::{Attempt, AttemptStatus, ChangeKind, Outcome, Test};

use super::{
    chance::{self, Count},
    side::Side,
};

/// What is known of chance before two sides of one test are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chance {
    /// It is asked of each test.
    Asked,
    /// So many tests differ that it is not the explanation.
    Excluded,
}

/// The change, and why where the two outcomes alone do not tell.
pub(super) fn between(
    baseline: &Side<'_>,
    candidate: &Side<'_>,
    chance: Chance,
) -> (ChangeKind, Option<String>) {
    match (baseline, candidate) {
        (Side::Known(a), Side::Known(b)) => both_known(a, b, chance),
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

fn both_known(a: &Test, b: &Test, chance: Chance) -> (ChangeKind, Option<String>) {
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
        (left, right) if is_unstable(left) || is_unstable(right) => unstable(a, b, chance),
        _ => settled(a, b, chance),
    }
}

fn is_unstable(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unstable { .. })
}

/// All attempts of each side agree.
fn settled(a: &Test, b: &Test, chance: Chance) -> (ChangeKind, Option<String>) {
    if a.outcome == b.outcome {
        return (ChangeKind::Same, None);
    }
    let is_good = |t: &Test| matches!(t.outcome, Outcome::Passed | Outcome::Leaked);
    let kind = match (is_good(a), is_good(b)) {
        (true, false) => ChangeKind::Regressed,
        (false, true) => ChangeKind::Fixed,
        // One is passed and the other leaked, or both are bad in different ways.
        _ => ChangeKind::Differs,
    };
    // A test chooses to fail, by a coin if it likes; it does not choose to crash or to hang.
    let is_violent = Violence::ALL.iter().any(|v| v.count(a) > 0 || v.count(b) > 0);
    if is_violent {
        return (kind, None);
    }
    called(kind, None, a, b, chance)
}

/// A change, if it is beyond chance that all attempts agree on each side.
fn called(
    kind: ChangeKind,
    reason: Option<String>,
    a: &Test,
    b: &Test,
    chance: Chance,
) -> (ChangeKind, Option<String>) {
    let p = chance::probability(
        Count { like_this: runs(a), of: runs(a) },
        Count { like_this: 0, of: runs(b) },
    );
    if chance == Chance::Excluded || p <= chance::LIMIT {
        return (kind, reason);
    }
    (ChangeKind::Indeterminate, Some(chance::too_few(a, b, p)))
}

/// Attempts of one side at least disagree. Chance is the usual reason, so this is no difference
/// but for what chance does not explain.
fn unstable(a: &Test, b: &Test, chance: Chance) -> (ChangeKind, Option<String>) {
    // A crash, time-out or memory kill seen once on one side and never on the other is not waved
    // through, where the other side is good at times.
    let only_in = |here: &Test, there: &Test| {
        let only = Violence::ALL.into_iter().find(|v| v.count(here) > 0 && v.count(there) == 0);
        only.filter(|_| passes(there) > 0)
    };
    let seen = |violence: Violence, test: &Test, here: &str, there: &str| {
        let (n, of) = (violence.count(test), runs(test));
        format!(
            "{} in {n} of {of} attempts in the {here}, never in the {there}",
            violence.in_words()
        )
    };
    match (only_in(a, b), only_in(b, a)) {
        (None, Some(violence)) => {
            let reason = seen(violence, b, "candidate", "baseline");
            return (ChangeKind::Regressed, Some(reason));
        }
        (Some(violence), None) => {
            return (ChangeKind::Fixed, Some(seen(violence, a, "baseline", "candidate")));
        }
        (Some(_), Some(_)) => {
            return (
                ChangeKind::Differs,
                Some("it ends badly at times, each side its own way".into()),
            );
        }
        (None, None) => {}
    }
    let all = |t: &Test| passes(t) == runs(t);
    let none = |t: &Test| passes(t) == 0;
    let several = |side: &str| Some(format!("it fails in several ways in the {side}"));
    if all(a) && none(b) {
        return called(ChangeKind::Regressed, several("candidate"), a, b, chance);
    }
    if none(a) && all(b) {
        return called(ChangeKind::Fixed, several("baseline"), a, b, chance);
    }
    if none(a) && none(b) {
        let told = Some("it fails in several ways".into());
        let is_one_sided = |v: Violence| (v.count(a) > 0) != (v.count(b) > 0);
        let differs = Violence::ALL.into_iter().any(is_one_sided);
        return (if differs { ChangeKind::Differs } else { ChangeKind::Unstable }, told);
    }
    let count = |t: &Test| Count { like_this: passes(t), of: runs(t) };
    let (left, right) = (count(a), count(b));
    let told = format!(
        "passed {} of {} attempts in the baseline, {} of {} in the candidate",
        left.like_this, left.of, right.like_this, right.of
    );
    let p = chance::probability(left, right);
    if p > chance::LIMIT {
        return (ChangeKind::Unstable, Some(told));
    }
    // Shares, as products so that nothing is rounded.
    let kind = match left.like_this * right.of > right.like_this * left.of {
        true => ChangeKind::Regressed,
        false => ChangeKind::Fixed,
    };
    (kind, Some(format!("{told}; chance alone would do that in {} of runs", chance::percent(p))))
}

/// Attempts that were run: the others say nothing.
pub(crate) fn runs(test: &Test) -> usize {
    let was_run = |t: &&Attempt| !matches!(t.status, AttemptStatus::NotRun { .. });
    test.attempts.iter().filter(was_run).count()
}

/// Attempts that ended well.
pub(crate) fn passes(test: &Test) -> usize {
    let is_good = |t: &&Attempt| matches!(t.status, AttemptStatus::Passed | AttemptStatus::Leaked);
    test.attempts.iter().filter(is_good).count()
}

/// Ends that a test does not choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violence {
    Crash,
    Hang,
    Memory,
}

impl Violence {
    pub(crate) const ALL: [Self; 3] = [Self::Crash, Self::Hang, Self::Memory];

    /// Attempts that ended so.
    pub(crate) fn count(self, test: &Test) -> usize {
        let is_so = |a: &&Attempt| match self {
            Self::Crash => matches!(a.status, AttemptStatus::Crashed { .. }),
            Self::Hang => a.status == AttemptStatus::TimedOut,
            Self::Memory => a.status == AttemptStatus::OomKilled,
        };
        test.attempts.iter().filter(is_so).count()
    }

    /// `it crashed`, to be followed by where.
    pub(crate) fn in_words(self) -> &'static str {
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
        both_known(&test(a), &test(b), Chance::Asked).0
    }

    const PASS: AttemptStatus = AttemptStatus::Passed;
    const FAIL: AttemptStatus = AttemptStatus::Failed { exit_code: 101 };
    const CRASH: AttemptStatus = AttemptStatus::Crashed { signal: 11 };
    const ABORT: AttemptStatus = AttemptStatus::Crashed { signal: 6 };
    const HANG: AttemptStatus = AttemptStatus::TimedOut;

    #[test]
    fn settled_outcomes() {
        use AttemptStatus::{Leaked, OomKilled};
        assert_eq!(kind(&[PASS], &[PASS]), ChangeKind::Same);
        assert_eq!(kind(&[FAIL], &[FAIL]), ChangeKind::Same);
        assert_eq!(kind(&[PASS; 5], &[FAIL; 5]), ChangeKind::Regressed);
        assert_eq!(kind(&[FAIL; 5], &[PASS; 5]), ChangeKind::Fixed);
        assert_eq!(
            kind(&[PASS; 5], &[Leaked, Leaked, Leaked, Leaked, Leaked]),
            ChangeKind::Differs
        );
        assert_eq!(kind(&[PASS], &[HANG]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS], &[OomKilled]), ChangeKind::Regressed);
        assert_eq!(kind(&[ABORT], &[CRASH]), ChangeKind::Differs);
        assert_eq!(kind(&[Leaked], &[CRASH]), ChangeKind::Regressed);
    }

    /// Four attempts a side that all agree: the exact test gives 2.9 %.
    #[test]
    fn a_difference_that_chance_makes_is_not_called() {
        assert_eq!(kind(&[PASS], &[FAIL]), ChangeKind::Indeterminate);
        assert_eq!(kind(&[PASS; 4], &[FAIL; 4]), ChangeKind::Indeterminate);
        let (_, reason) = both_known(&test(&[PASS; 4]), &test(&[FAIL; 4]), Chance::Asked);
        let reason = reason.expect("a reason");
        assert!(reason.contains("in 2.9 % of runs, so it is not called"), "{reason}");
        // Where hundreds differ at once, it is not chance.
        let many = both_known(&test(&[PASS]), &test(&[FAIL]), Chance::Excluded).0;
        assert_eq!(many, ChangeKind::Regressed);
    }

    #[test]
    fn one_crash_on_one_side_is_not_chance() {
        assert_eq!(kind(&[PASS; 3], &[PASS, CRASH, PASS]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS; 3], &[PASS, HANG, PASS]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS, FAIL, PASS], &[PASS, CRASH, PASS]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS; 3]), ChangeKind::Fixed);
        // Seen on both sides: chance.
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS, CRASH, PASS]), ChangeKind::Unstable);
        assert_eq!(kind(&[PASS; 3], &[PASS, FAIL, PASS]), ChangeKind::Unstable);
        // Each kind counts for itself.
        assert_eq!(kind(&[PASS, HANG, PASS], &[CRASH; 3]), ChangeKind::Regressed);
        assert_eq!(kind(&[PASS, CRASH, PASS], &[PASS, HANG, PASS]), ChangeKind::Differs);
    }

    #[test]
    fn counts_that_differ_beyond_chance_are_a_change() {
        let half = |n: usize| -> Vec<AttemptStatus> {
            (0..n).map(|i| if i % 2 == 0 { PASS } else { FAIL }).collect()
        };
        assert_eq!(kind(&[PASS; 20], &half(20)), ChangeKind::Regressed);
        assert_eq!(kind(&half(20), &[PASS; 20]), ChangeKind::Fixed);
        assert_eq!(kind(&[PASS; 6], &half(6)), ChangeKind::Unstable);
        assert_eq!(kind(&half(20), &half(20)), ChangeKind::Unstable);
    }

    #[test]
    fn a_side_that_never_passes() {
        let other = AttemptStatus::Failed { exit_code: 1 };
        let several = [FAIL, other.clone(), FAIL, FAIL, FAIL];
        assert_eq!(kind(&[PASS; 5], &several), ChangeKind::Regressed);
        assert_eq!(kind(&several, &[PASS; 5]), ChangeKind::Fixed);
        assert_eq!(kind(&[PASS; 2], &[FAIL, other.clone()]), ChangeKind::Indeterminate);
        assert_eq!(kind(&[FAIL; 2], &[FAIL, other]), ChangeKind::Unstable);
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
        assert_eq!(kind(&[PASS, not_run("x")], &[PASS, PASS]), ChangeKind::Same);
    }

    #[test]
    fn a_side_without_the_test() {
        let passed = test(&[PASS]);
        let known = Side::Known(&passed);
        let between = |a: &Side<'_>, b: &Side<'_>| between(a, b, Chance::Asked);
        assert_eq!(between(&known, &Side::Absent).0, ChangeKind::Disappeared);
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
                matches!(kind, ChangeKind::Same | ChangeKind::Unstable)
            );
            if all.iter().all(|s| *s == all[0]) {
                prop_assert_eq!(kind, ChangeKind::Same);
            }
        }

        /// Swapped sides give the mirrored change.
        #[test]
        fn swapped_sides_mirror(
            a in proptest::collection::vec(any_status(), 1..8),
            b in proptest::collection::vec(any_status(), 1..8),
        ) {
            let mirrored = match kind(&a, &b) {
                ChangeKind::Regressed => ChangeKind::Fixed,
                ChangeKind::Fixed => ChangeKind::Regressed,
                other => other,
            };
            prop_assert_eq!(mirrored, kind(&b, &a));
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
