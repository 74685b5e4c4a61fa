//! What a sandbox needs beside the wish for it, made ahead: a helper process and a folder. A sandbox
//! then waits for neither.
//!
//! Takes a run and its folder; gives what lies ready for it, or makes it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use libcmatrix_sandbox::request::Bind;

use super::{
    helper::{Executable, Unasked},
    home::RunFolder,
    resolver,
};
use crate::failure::{Failure, Result};

/// A helper and a folder for one sandbox.
pub(super) struct Spare {
    /// Not asked yet.
    pub helper: Unasked,
    /// Unique in its run.
    pub number: u64,
    /// The sandbox's own.
    pub folder: PathBuf,
    /// The files in /etc of a sandbox without network.
    pub etc: Vec<Bind>,
}

impl Spare {
    fn make(executable: &Executable, run_id: &str, run: &RunFolder) -> Result<Self> {
        let helper = Unasked::start(executable, run_id)?;
        let cannot = |e| Failure::environment("the folder of a sandbox cannot be made").because(e);
        let (number, folder) = run.new_sandbox().map_err(cannot)?;
        let etc = resolver::files(&folder.join("etc"), false).map_err(cannot)?;
        Ok(Self { helper, number, folder, etc })
    }

    fn alive(self) -> Option<Self> {
        let helper = self.helper.alive()?;
        Some(Self { helper, ..self })
    }
}

/// At most one a run.
#[derive(Default)]
pub(super) struct Spares(Mutex<HashMap<String, Spare>>);

impl Spares {
    /// That of a run, or a new one.
    ///
    /// # Errors
    /// No process can be started, or the disk is full.
    pub(super) fn take(
        &self,
        executable: &Executable,
        run_id: &str,
        run: &RunFolder,
    ) -> Result<Spare> {
        // Somebody may have killed its helper.
        let alive = self.forget(run_id).and_then(Spare::alive);
        match alive {
            Some(spare) => Ok(spare),
            None => Spare::make(executable, run_id, run),
        }
    }

    /// Makes one. Where that fails, so does the next sandbox, which says it.
    pub(super) fn refill(&self, executable: &Executable, run_id: &str, run: &RunFolder) {
        if let Ok(spare) = Spare::make(executable, run_id, run) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run_id.to_owned(), spare);
        }
    }

    /// Gives that of a run away.
    pub(super) fn forget(&self, run_id: &str) -> Option<Spare> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run_id)
    }
}
