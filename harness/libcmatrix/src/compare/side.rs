//! What one leg says of one test: its outcome, or why it has none.

use std::collections::HashMap;

use libcmatrix_schema::{
    AttemptStatus, Binary, Leg, Outcome, StepName, StepStatus, Test, is_doctest,
};

/// What a leg says of a test.
#[derive(Clone, Debug)]
pub(super) enum Side<'a> {
    /// The leg knows the test.
    Known(&'a Test),
    /// The binary was built, listed its tests, and this is not one of them; the same of doctests.
    Absent,
    /// Its binary ends badly before it can say which tests it has.
    BinaryBroken(&'a AttemptStatus),
    /// Nothing can be said of the test, because of this.
    Unknown(String),
}

impl<'a> Side<'a> {
    /// Its outcome, where the leg knows the test.
    pub(super) fn outcome(&self) -> Option<&'a Outcome> {
        match self {
            Self::Known(test) => Some(&test.outcome),
            _ => None,
        }
    }

    /// Whether it was run and seen to its end.
    pub(super) fn has_result(&self) -> bool {
        self.outcome().is_some_and(|o| !matches!(o, Outcome::Ignored | Outcome::NotRun { .. }))
    }
}

/// A leg, for looking up tests.
pub(super) struct Sides<'a> {
    binaries: HashMap<&'a str, &'a Binary>,
    leg: Option<&'a Leg>,
}

impl<'a> Sides<'a> {
    pub(super) fn new(leg: Option<&'a Leg>) -> Self {
        let legs = || leg.into_iter();
        Self {
            binaries: legs().flat_map(|l| &l.binaries).map(|b| (b.id.as_str(), b)).collect(),
            leg,
        }
    }

    /// Ids of binaries that end badly before they can say which tests they have.
    pub(super) fn broken_binaries(&self) -> impl Iterator<Item = &'a str> {
        // One that is left out on purpose says nothing about the leg, however it ends.
        let is_broken = |b: &&Binary| {
            let failed = b.listing.as_ref().is_some_and(|s| *s != AttemptStatus::Passed);
            failed && b.excluded.is_none()
        };
        self.leg.into_iter().flat_map(|l| &l.binaries).filter(is_broken).map(|b| b.id.as_str())
    }

    /// Whether a leg knows tests of a binary.
    pub(super) fn has_tests_of(&self, binary: &str) -> bool {
        let tests = self.leg.into_iter().flat_map(|leg| &leg.tests);
        let owner = |id: &'a str| id.split_once('$').map(|(owner, _)| owner);
        tests.map(|test| owner(&test.id)).any(|owner| owner == Some(binary))
    }

    /// What the leg says of a binary, as if it were a test.
    pub(super) fn of_binary(&self, binary: &str) -> Side<'a> {
        self.of(binary, None)
    }

    /// What the leg says of a test, which it knows or not.
    pub(super) fn of(&self, id: &str, known: Option<&'a Test>) -> Side<'a> {
        if let Some(test) = known {
            return Side::Known(test);
        }
        let Some(leg) = self.leg else { return Side::Unknown("there is no such leg".into()) };
        if is_doctest(id) {
            return match leg.step(StepName::Doctest).map(|s| s.status) {
                Some(StepStatus::Skipped) if !is_built(leg) => {
                    Side::Unknown("its package was not built".into())
                }
                Some(StepStatus::Passed | StepStatus::Skipped) => Side::Absent,
                Some(status) => Side::Unknown(format!("the step doctest ended as {status}")),
                None => Side::Unknown("its doctests were not run".into()),
            };
        }
        // A name may hold `$`, a binary id cannot.
        let binary = id.split_once('$').map_or(id, |(binary, _)| binary);
        match self.binaries.get(binary).map(|b| b.listing.as_ref()) {
            Some(Some(AttemptStatus::Passed)) => Side::Absent,
            Some(Some(AttemptStatus::NotRun { reason })) => {
                Side::Unknown(format!("its binary could not be listed: {reason}"))
            }
            Some(Some(status)) => Side::BinaryBroken(status),
            Some(None) => Side::Unknown("its binary was not asked for its tests".into()),
            None => Side::Unknown(match leg.step(StepName::Build).map(|s| s.status) {
                Some(StepStatus::Passed) => "its binary is not part of the build".into(),
                Some(_) => "its binary was not built".into(),
                None => "the build was not reached".into(),
            }),
        }
    }
}

fn is_built(leg: &Leg) -> bool {
    leg.step(StepName::Build).is_some_and(|s| s.status == StepStatus::Passed)
}
