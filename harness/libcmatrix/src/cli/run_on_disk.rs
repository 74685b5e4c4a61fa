//! A run that lies on disk, of this machine or another: its folder, or its `run.json` alone. Gives the
//! record with its comparison, which a run that was killed never came to.

use std::{fs, path::Path};

use libcmatrix_schema::{RunRecord, SCHEMA_VERSION};

use crate::{
    compare, diagnose,
    failure::{Failure, Result},
    record::read_record,
    verdict::{self, Policy},
};

/// Reads a run.
///
/// # Errors
/// It cannot be read or understood: exit code 3.
pub(super) fn read(path: &Path) -> Result<RunRecord> {
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::environment(format!("{} cannot be read", path.display()))
            .because(e)
            .hint("give the folder of a run, e.g. libcmatrix-out/latest, or its run.json")
    };
    let record = if path.is_dir() {
        read_record(path).map_err(|failure| unreadable(&failure.cause))?
    } else {
        let text = fs::read(path).map_err(|e| unreadable(&e))?;
        serde_json::from_slice(&text).map_err(|e| unreadable(&e))?
    };
    if record.schema_version > SCHEMA_VERSION {
        let version = record.schema_version;
        return Err(unreadable(&format!("its form {version} is newer than this libcmatrix's"))
            .hint("install a newer libcmatrix"));
    }
    Ok(complete(record))
}

/// Makes what a run that was killed never came to.
pub(super) fn complete(mut record: RunRecord) -> RunRecord {
    if record.comparison.is_none() {
        let comparison = compare::compare(&record);
        record.findings = diagnose::findings(&record, &comparison);
        record.verdict = Some(verdict::decide(&record, &comparison, &Policy::default(), &[]));
        record.comparison = Some(comparison);
    }
    record
}
