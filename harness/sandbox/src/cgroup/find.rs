//! Where control groups may be made here, and which limits can be set in them.
//!
//! Takes nothing but the machine; gives a folder for each hierarchy, tried out, and for each limit
//! that cannot be set the reason.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::getuid;

use super::{
    leaf::{self, Leaf},
    mounts, scope,
};
use crate::request::Hierarchy;

/// A limit that control groups set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Memory with swap.
    Memory,
    /// Processes and threads.
    Pids,
    /// Processors.
    Cpu,
}

impl Controller {
    const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    /// The kernel's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }
}

/// A folder that groups may be made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The folder.
    pub path: PathBuf,
    /// Its hierarchy.
    pub hierarchy: Hierarchy,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Where groups are made.
    pub parents: Vec<Parent>,
    /// Which version sets each limit (1 or 2).
    pub versions: BTreeMap<Controller, u8>,
    /// Why a limit cannot be set.
    pub missing: BTreeMap<Controller, String>,
}

/// Looks, and tries out. On version 2 this may move this process into a group of its own, because
/// a group that has processes cannot hold limited groups.
#[must_use]
pub fn find() -> Found {
    let mut found = look();
    // Someone who has no right to make groups where this process is may be given a place.
    if !found.missing.is_empty() && !getuid().is_root() && has_unified() {
        match scope::ask_for_one() {
            Ok(()) => found = look(),
            Err(why) => {
                for reason in found.missing.values_mut() {
                    *reason = format!("{reason}; systemd gives no group: {why}");
                }
            }
        }
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn has_unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn look() -> Found {
    let mounted = mounts::mounted(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
    let mut found = Found::default();
    for controller in Controller::ALL {
        let name = controller.name();
        if let Some(place) = mounted.iter().find(|m| m.controllers.iter().any(|c| c == name)) {
            let hierarchy = match controller {
                Controller::Memory => Hierarchy::Memory,
                Controller::Pids => Hierarchy::Pids,
                Controller::Cpu => Hierarchy::Cpu,
            };
            match try_out(&place.own) {
                Ok(()) => {
                    found.parents.push(Parent { path: place.own.clone(), hierarchy });
                    found.versions.insert(controller, 1);
                }
                Err(e) => {
                    found.missing.insert(controller, refusal(&place.own, &e));
                }
            }
        }
    }
    let left: Vec<Controller> = Controller::ALL
        .into_iter()
        .filter(|c| !found.versions.contains_key(c) && !found.missing.contains_key(c))
        .collect();
    if let Some(place) = mounted.iter().find(|m| m.controllers.is_empty()) {
        unified(place, &left, &mut found);
    }
    for controller in left {
        if !found.versions.contains_key(&controller) {
            found.missing.entry(controller).or_insert_with(|| {
                format!("no control groups with `{}` are mounted", controller.name())
            });
        }
    }
    found
}

/// Version 2. Root may make groups at the top; everyone else where they are, if it was delegated.
fn unified(place: &mounts::Mounted, wanted: &[Controller], found: &mut Found) {
    let tops = if getuid().is_root() { vec![&place.at, &place.own] } else { vec![&place.own] };
    for parent in tops {
        let available = controllers(&parent.join("cgroup.controllers"));
        let usable: Vec<Controller> =
            wanted.iter().copied().filter(|c| available.iter().any(|a| a == c.name())).collect();
        let refused = match enable(parent, &usable) {
            Ok(()) => try_out(parent).err(),
            Err(e) => Some(e),
        };
        for controller in wanted {
            let why = match &refused {
                Some(e) => refusal(parent, e),
                None if usable.contains(controller) => continue,
                None => format!("`{}` is not delegated to {}", controller.name(), parent.display()),
            };
            found.missing.insert(*controller, why);
        }
        if refused.is_none() && !usable.is_empty() {
            found.parents.push(Parent { path: parent.clone(), hierarchy: Hierarchy::Unified });
            for controller in usable {
                found.missing.remove(&controller);
                found.versions.insert(controller, 2);
            }
            return;
        }
    }
}

fn controllers(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Hands controllers down to the groups below `parent`.
fn enable(parent: &Path, wanted: &[Controller]) -> io::Result<()> {
    leaf::sweep(parent);
    let file = parent.join("cgroup.subtree_control");
    let enabled = controllers(&file);
    let request: Vec<String> = wanted
        .iter()
        .filter(|c| !enabled.iter().any(|e| e == c.name()))
        .map(|c| format!("+{}", c.name()))
        .collect();
    if request.is_empty() {
        return Ok(());
    }
    let request = request.join(" ");
    match fs::write(&file, &request) {
        // It has processes. If this is the only one, it goes a floor down.
        Err(e) if e.kind() == io::ErrorKind::ResourceBusy => {
            let leaf = Leaf::enter(parent)?;
            fs::write(&file, &request).inspect_err(|_| leaf.leave(parent))
        }
        other => other,
    }
}

/// What the name of every group that is made here begins with.
pub const NAME: &str = "libcmatrix";

/// Makes a group and removes it again.
fn try_out(parent: &Path) -> io::Result<()> {
    let trial = parent.join(format!("{NAME}-trial-{}", std::process::id()));
    fs::create_dir(&trial)?;
    fs::remove_dir(&trial)
}

fn refusal(parent: &Path, error: &io::Error) -> String {
    let place = parent.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("this user may not make control groups in {place} (it is not delegated)")
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("{place} is mounted read-only"),
        io::ErrorKind::ResourceBusy => {
            format!("{place} has other processes, so it cannot hold limited groups")
        }
        _ => format!("no control group can be made in {place}: {error}"),
    }
}
