//! Making the engine ready: its folder, what works on this machine, its images.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use libcmatrix_sandbox::cgroup;

use super::{
    EmbeddedEngine, EngineParts, helper::Executable, home::Home, store::Store, trial,
    unpacker::HelperUnpacker, users,
};
use crate::failure::{Failure, Result};

/// Makes the engine ready.
///
/// # Errors
/// Sandboxes do not work here; the failure says why and what to do.
pub async fn connect() -> Result<EmbeddedEngine> {
    let home = Home::open()?;
    let executable = Arc::new(Executable::seal()?);
    let trial = tempfile::Builder::new().prefix("trial-").tempdir_in(home.path()).map_err(|e| {
        Failure::environment(format!("{} cannot be used", home.path().display())).because(e)
    })?;
    let works = trial::find(&executable, users::ways(), trial.path()).await;
    // What the trial has written may be another user's.
    if let Ok(works) = &works {
        let _ = super::remove_trees(&executable, works.users, vec![trial.path().to_owned()]).await;
    }
    let works = works?;
    let groups = tokio::task::spawn_blocking(cgroup::find::find)
        .await
        .map_err(|e| Failure::bug("control groups could not be looked at").because(e))?;
    let unpacker = HelperUnpacker::new(executable.clone(), works.users);
    let store = Store::open(home.images(), Arc::new(unpacker)).await?;
    Ok(EmbeddedEngine(Arc::new(EngineParts {
        executable,
        home,
        users: works.users,
        works,
        groups,
        store,
        runs: Mutex::new(HashMap::new()),
    })))
}
