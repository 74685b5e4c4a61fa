//! Making the engine ready: its folder, what works on this machine, its images.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use libcmatrix_sandbox::{cgroup, request::Users};

use super::{
    EmbeddedEngine, EngineParts,
    background::Background,
    helper::Executable,
    home::{Home, RunFolder},
    spares::Spares,
    store::Store,
    trial,
    unpacker::HelperUnpacker,
    users,
};
use crate::failure::{Failure, Result};

/// Makes the engine ready.
///
/// # Errors
/// Sandboxes do not work here; the failure says why and what to do.
pub async fn connect() -> Result<EmbeddedEngine> {
    let home = Home::open()?;
    let executable = Arc::new(Executable::seal()?);
    // A run like any other: if this command is killed now, a sweep finds it.
    // The clock as well: other containers may share this folder, and have the same process ids.
    let run_id = format!("trial-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond());
    let unusable = |e: std::io::Error| {
        Failure::environment(format!("{} cannot be used", home.path().display())).because(e)
    };
    let run = RunFolder::make(&home, &run_id, &[]).map_err(unusable)?;
    let (_, folder) = run.new_sandbox().map_err(unusable)?;
    let works = trial::find(&executable, users::ways(), &run_id, &folder).await;
    // Where nothing works nobody else has written anything.
    let users = works.as_ref().map_or(Users::Single, |works| works.users);
    super::remove_trees(&executable, users, vec![run.path().to_owned()]).await?;
    drop(run);
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
        spares: Spares::default(),
        background: Background::default(),
    })))
}
