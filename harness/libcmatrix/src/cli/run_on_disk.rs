//! A run that lies on disk, of this machine or another: its folder, or its `run.json` alone. Gives the
//! record with its comparison, which a run that was killed never came to.

use std::path::Path;

use libcmatrix_schema::RunRecord;

use crate::{
    compare, diagnose,
    failure::Result,
    record::read_record,
    verdict::{self, Policy},
};

/// Reads a run.
///
/// # Errors
/// It cannot be read or understood, or a newer libcmatrix wrote it.
pub(super) fn read(path: &Path) -> Result<RunRecord> {
    read_record(path).map(complete)
}

/// Makes what a run that was killed never came to.
fn complete(mut record: RunRecord) -> RunRecord {
    if record.comparison.is_none() {
        let comparison = compare::compare(&record);
        record.findings = diagnose::findings(&record, &comparison);
        record.verdict = Some(verdict::decide(&record, &comparison, &Policy::default(), &[]));
        record.comparison = Some(comparison);
    }
    record
}
