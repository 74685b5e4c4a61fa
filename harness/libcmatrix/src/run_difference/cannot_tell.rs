//! Why the later run cannot be given the all-clear, in words: what it did not see may be worse.

use libcmatrix_schema::{RunDifference, RunRecord, TestDifferenceKind as Kind};

pub(super) fn reasons(difference: &RunDifference, later: &RunRecord) -> Vec<String> {
    let mut reasons = Vec::new();
    if later.interrupted {
        reasons.push("the later run was interrupted".to_owned());
    } else if later.finished_at.is_none() {
        reasons.push("the later run did not come to its end".to_owned());
    }
    if difference.later.compared == 0 {
        reasons.push("the later run compared no test".to_owned());
    }
    match difference.tests.iter().filter(|test| test.kind == Kind::ResultLost).count() {
        0 => {}
        1 => reasons.push("1 test that had a result has none in the later run".to_owned()),
        n => reasons.push(format!("{n} tests that had a result have none in the later run")),
    }
    reasons
}
