//! What must hold of every comparison and verdict, whatever the tests did.

use libcmatrix::{
    compare::compare,
    diagnose,
    verdict::{self, Policy},
};
use libcmatrix_schema::{
    Attempt, AttemptStatus, ChangeKind, Comparison, Leg, Outcome, RunRecord, Shows, Test, Verdict,
};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

/// What one test did on either side.
type Both = (Vec<Attempt>, Vec<Attempt>);

fn record(tests: &[Both]) -> RunRecord {
    let leg = |role: &str, libc: &str, side: fn(&Both) -> &Vec<Attempt>| {
        let mut leg: Leg = serde_json::from_value(json!({
            "name": role, "role": role,
            "environment": {"libc": libc, "distro": "x", "release": "1", "linkage": "static"},
            "steps": [{"name": "build", "status": "passed", "wall_s": 1.0}],
            "binaries": [{"id": "p", "harness": true, "listing": {"status": "passed"}}],
        }))
        .expect("a leg");
        leg.tests = tests
            .iter()
            .enumerate()
            .map(|(n, both)| {
                let attempts = side(both).clone();
                Test { id: format!("p$t{n}"), outcome: Outcome::of(&attempts), attempts }
            })
            .collect();
        leg
    };
    let mut record: RunRecord =
        serde_json::from_str(include_str!("records/without-legs.json")).expect("a record");
    record.legs =
        vec![leg("baseline", "glibc", |both| &both.0), leg("candidate", "musl", |both| &both.1)];
    record
}

/// Compares, explains and decides as a run does.
fn decided(mut record: RunRecord) -> (Comparison, Verdict) {
    let comparison = compare(&record);
    record.findings = diagnose::findings(&record, &comparison);
    let verdict = verdict::decide(&record, &comparison, &Policy::default(), &[]);
    (comparison, verdict)
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let status = prop_oneof![
        6 => Just(AttemptStatus::Passed),
        2 => Just(AttemptStatus::Failed { exit_code: 101 }),
        1 => Just(AttemptStatus::Crashed { signal: 11 }),
        1 => Just(AttemptStatus::TimedOut),
    ];
    (status, 0.001_f64..2.0).prop_map(|(status, seconds)| Attempt {
        wall_s: Some(seconds),
        ..Attempt::unmeasured(status)
    })
}

fn both() -> impl Strategy<Value = Both> {
    (1_usize..7).prop_flat_map(|n| (vec(attempt(), n), vec(attempt(), n)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order in which tests are known says nothing.
    #[test]
    fn permuted_tests_change_nothing(
        (tests, order) in vec(both(), 1..12).prop_flat_map(|tests| {
            let order = Just((0..tests.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(tests), order)
        }),
    ) {
        let plain = record(&tests);
        let mut permuted = plain.clone();
        for leg in &mut permuted.legs {
            leg.tests = order.iter().map(|at| leg.tests[*at].clone()).collect();
        }
        let ((a, verdict), (b, permuted)) = (decided(plain), decided(permuted));
        prop_assert_eq!(a.changes, b.changes);
        prop_assert_eq!(a.tests_measured, b.tests_measured);
        prop_assert_eq!(verdict, permuted);
    }

    /// Between a side and itself nothing is called, neither of what tests do nor of what they take.
    #[test]
    fn a_side_and_itself_are_alike(tests in vec(vec(attempt(), 1..7), 1..12)) {
        let tests: Vec<Both> = tests.into_iter().map(|side| (side.clone(), side)).collect();
        let (comparison, _) = decided(record(&tests));
        for change in &comparison.changes {
            prop_assert!(
                matches!(change.change, ChangeKind::Same | ChangeKind::Unstable),
                "{change:?}"
            );
        }
        prop_assert!(comparison.tests_measured.is_empty());
        for measured in &comparison.measurements {
            prop_assert!(matches!(measured.shows, Shows::NoDifference | Shows::TooFew));
        }
    }

    /// Swapped sides mirror what is said of each test's time.
    #[test]
    fn swapped_sides_mirror_times(tests in vec(both(), 1..8)) {
        let swapped: Vec<Both> = tests.iter().cloned().map(|(a, b)| (b, a)).collect();
        let ids = |record, shows| -> Vec<String> {
            let (comparison, _) = decided(record);
            let told = comparison.tests_measured.into_iter();
            let told = told.filter(|test| test.measurement.shows == shows);
            let mut ids: Vec<String> = told.map(|test| test.id).collect();
            ids.sort();
            ids
        };
        prop_assert_eq!(ids(record(&tests), Shows::More), ids(record(&swapped), Shows::Less));
    }
}
