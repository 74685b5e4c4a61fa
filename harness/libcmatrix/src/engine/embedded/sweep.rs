//! Removing what runs leave behind: processes, control groups, folders.
//!
//! Takes a run's id, or looks for runs whose command is dead: the kernel has let go of their lock.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use libcmatrix_sandbox::{ARGUMENT, cgroup, request::WRITTEN};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process},
};

use super::{
    EngineParts,
    home::{Home, inside},
};
use crate::{
    engine::{Removed, owner},
    failure::{Failure, Result},
};

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(10);

/// Removes everything of a run.
///
/// # Errors
/// Something cannot be removed; everything else is.
pub(super) async fn remove_run(engine: &Arc<EngineParts>, run_id: &str) -> Result<Removed> {
    engine.background.ended().await;
    let folder = engine.home.runs().join(run_id);
    let removed = remove(engine, run_id, &folder).await;
    engine.forget(run_id);
    removed
}

/// Removes everything of runs whose command is dead; with `all`, everything of any run.
///
/// # Errors
/// Something cannot be removed; everything else is.
pub(super) async fn sweep(engine: &Arc<EngineParts>, all: bool) -> Result<Removed> {
    let (mut sum, mut kept) = (Removed::default(), Vec::new());
    for Dead { run_id, folder, lock } in dead_runs(&engine.home, all)? {
        let removed = remove(engine, &run_id, &folder).await;
        drop(lock);
        match removed {
            Ok(removed) => {
                sum.sandboxes += removed.sandboxes;
                sum.volumes += removed.volumes;
                sum.images += removed.images;
            }
            Err(failure) => kept.push(failure.to_string()),
        }
    }
    if kept.is_empty() {
        return Ok(sum);
    }
    Err(Failure::environment(format!("{} of what runs have left cannot be removed", kept.len()))
        .because(kept.join("; "))
        .hint("libcmatrix clean tries again"))
}

/// A run that is to be removed.
struct Dead {
    run_id: String,
    folder: PathBuf,
    /// Held until it is removed, so that no other sweep takes it up meanwhile.
    lock: Option<File>,
}

/// Runs whose lock nobody holds; with `all`, all runs.
fn dead_runs(home: &Home, all: bool) -> Result<Vec<Dead>> {
    let look = || -> io::Result<Vec<Dead>> {
        let _alone = home.lock_runs()?;
        let mut dead = Vec::new();
        for entry in fs::read_dir(home.runs())? {
            let entry = entry?;
            let folder = entry.path();
            let state = state(&folder)?;
            if matches!(state, State::Dead(_)) || all {
                let run_id = entry.file_name().to_string_lossy().into_owned();
                let lock = if let State::Dead(lock) = state { lock } else { None };
                dead.push(Dead { run_id, folder, lock });
            }
        }
        Ok(dead)
    };
    look().map_err(|e| {
        Failure::environment(format!("{} cannot be looked at", home.runs().display())).because(e)
    })
}

/// Whether the command of a run lives.
enum State {
    /// It does; or another sweep removes it.
    Locked,
    /// It does not. The lock is this process's now, where there is one.
    Dead(Option<File>),
}

fn state(folder: &Path) -> io::Result<State> {
    match File::open(folder.join(inside::LOCK)) {
        Ok(lock) => match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(State::Dead(Some(lock))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(State::Locked),
            Err(e) => Err(e.into()),
        },
        // Killed before it had one.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(State::Dead(None)),
        Err(e) => Err(e),
    }
}

async fn remove(engine: &Arc<EngineParts>, run_id: &str, folder: &Path) -> Result<Removed> {
    let (id, place) = (run_id.to_owned(), folder.to_owned());
    let count = |name: &str, counts: fn(&Path) -> bool| {
        let entries = fs::read_dir(place.join(name)).into_iter().flatten().flatten();
        let counted = entries.filter(|entry| counts(&entry.path())).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    };
    let mut removed = Removed {
        // One may lie ready that was never started.
        sandboxes: count(inside::SANDBOXES, |folder| folder.join(WRITTEN).exists()),
        volumes: count(inside::VOLUMES, |_| true),
        images: 0,
    };
    let left = tokio::task::spawn_blocking({
        let folder = folder.to_owned();
        move || {
            end_processes(&id)?;
            remove_groups(&id, &folder)
        }
    })
    .await;
    let failed = |why: String| {
        Failure::environment(format!("what the run {run_id} has left cannot be removed"))
            .because(why)
    };
    match left {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(failed(e.to_string())),
        Err(e) => return Err(Failure::bug("a sweep did not end").because(e)),
    }
    // While the run's folder is there, a sweep that fails here is taken up by the next one.
    let images = remove_images(engine, run_id).await;
    if images.is_err() {
        let large = [inside::SANDBOXES, inside::VOLUMES].map(|name| folder.join(name));
        engine.remove_trees(large.into()).await?;
    }
    removed.images = images?;
    engine.remove_trees(vec![folder.to_owned()]).await?;
    Ok(removed)
}

/// Removes the images that a run has made, by the names that it gave them.
async fn remove_images(engine: &Arc<EngineParts>, run_id: &str) -> Result<u32> {
    let mut removed = 0;
    for name in engine.store.list()?.iter().flat_map(|image| &image.references) {
        if owner::is_image_of(run_id, name) {
            engine.store.remove(name).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Ends the helpers of a run, and waits until they are gone: with each goes its sandbox.
fn end_processes(run_id: &str) -> io::Result<()> {
    let until = Instant::now() + GONE;
    loop {
        let left = helpers(run_id);
        if left.is_empty() {
            return Ok(());
        }
        for process in left {
            let _ = kill_process(process, Signal::KILL);
        }
        if Instant::now() > until {
            return Err(io::Error::other("its processes do not end"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The helpers of a run: processes with its id after the helper's argument. One that has ended and
/// waits for its parent has no arguments any more.
fn helpers(run_id: &str) -> Vec<Pid> {
    let mark = format!("\0{ARGUMENT}\0{run_id}\0");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.windows(mark.len()).any(|part| part == mark.as_bytes()))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Removes the control groups of a run.
fn remove_groups(run_id: &str, folder: &Path) -> io::Result<()> {
    let parents = fs::read_to_string(folder.join(inside::GROUPS)).unwrap_or_default();
    let begins = format!("{}-", group_name(run_id));
    for parent in parents.lines() {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&begins) {
                cgroup::remove(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// What the names of a run's control groups begin with.
pub(super) fn group_name(run_id: &str) -> String {
    format!("{}-{run_id}", cgroup::find::NAME)
}
