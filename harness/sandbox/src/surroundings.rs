//! Everything that a program sees beside its image: /proc, /sys, /dev, shared memory, control
//! groups, volumes; and what of the machine is hidden from it.
//!
//! Made in two halves around the moment at which the machine's own tree is left: [`Prepared::make`]
//! before, [`Prepared::attach`] after. Which paths are hidden and which are read-only is Docker's
//! choice (<https://github.com/moby/moby/blob/master/daemon/pkg/oci/defaults.go>); and what tells of
//! the memory of all processes is hidden as well.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::symlink},
    path::{Path, PathBuf},
};

use rustix::mount::MountAttrFlags;

use crate::{
    failed::{Doing, Failed},
    mount::{self, DATA_ONLY, NO_PRIVILEGE},
    request::{Bind, Group, Hierarchy, Users},
};

/// Devices that tell nothing and change nothing.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Links in /dev.
const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("/proc/kcore", "core"),
    ("pts/ptmx", "ptmx"),
];

/// Covered with something empty.
const HIDDEN: [&str; 16] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
    "/sys/kernel/debug",
];

/// Read-only.
const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Docker's size of /dev/shm.
const SHARED_MEMORY: &str = "65536k";

/// Mounts, and the places they are for.
pub(crate) struct Prepared {
    mounts: Vec<(PathBuf, OwnedFd, Kind)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Folder,
    File,
}

impl Prepared {
    /// Makes everything, while the machine's own tree is still there.
    ///
    /// # Errors
    /// The kernel refuses one.
    pub(crate) fn make(
        users: Users,
        network: bool,
        groups: &[Group],
        binds: &[Bind],
    ) -> Result<Self, Failed> {
        let read_only = MountAttrFlags::MOUNT_ATTR_RDONLY;
        let mut prepared = Self { mounts: Vec::new() };
        let mut add = |at: &str, mount: OwnedFd, kind| {
            prepared.mounts.push((PathBuf::from(at), mount, kind));
        };
        add("/proc", mount::filesystem("proc", &[], DATA_ONLY)?, Kind::Folder);
        add("/sys", sys(users, network, read_only)?, Kind::Folder);
        for group in groups {
            let at = match group.hierarchy {
                Hierarchy::Unified => "/sys/fs/cgroup",
                Hierarchy::Memory => "/sys/fs/cgroup/memory",
                Hierarchy::Pids => "/sys/fs/cgroup/pids",
                Hierarchy::Cpu => "/sys/fs/cgroup/cpu",
            };
            add(at, mount::view(&group.path, DATA_ONLY | read_only)?, Kind::Folder);
        }
        let size = [("mode", "0755"), ("size", "65536k")];
        let dev = mount::filesystem("tmpfs", &size, MountAttrFlags::MOUNT_ATTR_NOSUID)?;
        add("/dev", dev, Kind::Folder);
        for name in DEVICES {
            let device =
                mount::view(&Path::new("/dev").join(name), MountAttrFlags::MOUNT_ATTR_NOSUID)?;
            add(&format!("/dev/{name}"), device, Kind::File);
        }
        add("/dev/pts", terminals(users)?, Kind::Folder);
        add("/dev/mqueue", mount::filesystem("mqueue", &[], DATA_ONLY)?, Kind::Folder);
        let shared = [("mode", "1777"), ("size", SHARED_MEMORY)];
        add("/dev/shm", mount::filesystem("tmpfs", &shared, DATA_ONLY)?, Kind::Folder);
        let mut binds: Vec<&Bind> = binds.iter().collect();
        // What lies in another comes after it.
        binds.sort_by_key(|bind| bind.at.matches('/').count());
        for bind in binds {
            let attributes = if bind.read_only { NO_PRIVILEGE | read_only } else { NO_PRIVILEGE };
            let kind = if bind.source.is_dir() { Kind::Folder } else { Kind::File };
            add(&bind.at, mount::view(&bind.source, attributes)?, kind);
        }
        Ok(prepared)
    }

    /// Attaches everything, in the sandbox's own tree, and hides what is to be hidden.
    ///
    /// # Errors
    /// The kernel refuses, or the image has something else at such a place.
    pub(crate) fn attach(self) -> Result<(), Failed> {
        for (at, mount, kind) in &self.mounts {
            if at.starts_with("/sys/fs/cgroup/") {
                cover_once(Path::new("/sys/fs/cgroup"))?;
            }
            match kind {
                Kind::Folder => mount::attach_at_folder(mount, at)?,
                Kind::File => mount::attach_at_file(mount, at)?,
            }
        }
        for (target, name) in LINKS {
            symlink(target, Path::new("/dev").join(name)).doing(format!("making /dev/{name}"))?;
        }
        let mut empty = None;
        for path in HIDDEN.map(Path::new) {
            hide(path, &mut empty)?;
        }
        for path in READ_ONLY.map(Path::new) {
            if path.exists() {
                let attributes = DATA_ONLY | MountAttrFlags::MOUNT_ATTR_RDONLY;
                let view = mount::view_with_all_below(path, attributes)?;
                mount::attach(&view, path)?;
            }
        }
        Ok(())
    }
}

/// The kernel's objects, read-only. A user with the machine's network may not mount them: they show
/// that network's devices. An empty folder is better than another view of the machine.
fn sys(users: Users, network: bool, read_only: MountAttrFlags) -> Result<OwnedFd, Failed> {
    if users.are_mapped() && network {
        return mount::filesystem("tmpfs", &[("mode", "0755"), ("size", "64k")], DATA_ONLY);
    }
    mount::filesystem("sysfs", &[], DATA_ONLY | read_only)
}

/// Terminals of its own. Group 5 is `tty` everywhere, where it exists at all.
fn terminals(users: Users) -> Result<OwnedFd, Failed> {
    let mut options = vec![("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    if users != Users::Single {
        options.push(("gid", "5"));
    }
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    mount::filesystem("devpts", &options, attributes)
}

/// The folders of version 1 lie in a file system of their own, because /sys is read-only.
fn cover_once(at: &Path) -> Result<(), Failed> {
    let is_empty = fs::read_dir(at).map(|mut entries| entries.next().is_none());
    match is_empty {
        Ok(false) => Ok(()),
        Ok(true) | Err(_) => {
            let folder =
                mount::filesystem("tmpfs", &[("mode", "0755"), ("size", "64k")], DATA_ONLY)?;
            mount::attach_at_folder(&folder, at)
        }
    }
}

/// Covers a file or folder with nothing. `empty` is the first folder that was covered: the others get
/// a view of the same emptiness, which costs less than one of their own.
fn hide<'a>(path: &'a Path, empty: &mut Option<&'a Path>) -> Result<(), Failed> {
    let kind = match fs::symlink_metadata(path) {
        Ok(about) => about.file_type(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).doing(format!("hiding {}", path.display())),
    };
    let nothing = if kind.is_dir() {
        let attributes = DATA_ONLY | MountAttrFlags::MOUNT_ATTR_RDONLY;
        match empty {
            Some(empty) => mount::view(empty, attributes)?,
            None => {
                *empty = Some(path);
                mount::filesystem("tmpfs", &[("mode", "0555"), ("size", "4k")], attributes)?
            }
        }
    } else {
        mount::view(Path::new("/dev/null"), MountAttrFlags::MOUNT_ATTR_NOSUID)?
    };
    mount::attach(&nothing, path)
}
