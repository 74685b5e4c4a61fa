//! What is different between two runs of one project, last night's and tonight's. Pure.
//!
//! Takes two finished [`RunRecord`]s; gives a [`RunDifference`]. First what makes them less comparable,
//! then tests, findings, steps, times and images. A test is only called worse or better where both
//! runs are sure of it, where its attempts differ beyond chance (the limit of [`crate::compare`]), or
//! where a crash, a hang or a kill for memory appeared that never was. What the later run did not see is
//! said, and is never taken for good.

mod brief;
mod cannot_tell;
mod conditions;
mod costs;
mod findings;
mod images;
pub mod matrices;
mod steps;
mod test;
mod tests_of_both;
mod worse;

use libcmatrix_schema::{Change, ChangeKind, RunDifference, RunRecord};

pub use brief::in_brief;
pub use conditions::{environment, question};
pub use findings::by_code;
pub use worse::NOTICEABLE;

/// Compares two runs of one project: records that have their comparison.
#[must_use]
pub fn difference(earlier: &RunRecord, later: &RunRecord) -> RunDifference {
    let tests = tests_of_both::differences(earlier, later);
    let mut difference = RunDifference {
        earlier: in_brief(earlier),
        later: in_brief(later),
        conditions: conditions::differences(earlier, later),
        worse: Vec::new(),
        cannot_tell: Vec::new(),
        still_worse: tests.still_worse,
        tests: tests.differences,
        new_findings: findings::only_in(later, earlier),
        gone_findings: findings::only_in(earlier, later),
        steps: steps::differences(earlier, later),
        costs: costs::differences(earlier, later),
        images: images::differences(earlier, later),
    };
    difference.cannot_tell = cannot_tell::reasons(&difference, later);
    difference.worse = worse::reasons(&difference, later);
    difference
}

/// Whether both are runs of one project: by its name, as folders and versions change.
#[must_use]
pub fn is_same_project(a: &RunRecord, b: &RunRecord) -> bool {
    a.project.name == b.project.name
}

/// Whether a change says that the candidate is worse. Where one side has no result for a reason outside of
/// the test, as where the baseline was not built, it says nothing.
#[must_use]
pub fn is_worse(change: &Change) -> bool {
    change.change != ChangeKind::Indeterminate && change.is_worse()
}
