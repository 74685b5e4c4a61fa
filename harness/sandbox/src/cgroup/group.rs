//! One sandbox's control groups: made with their limits, joined, asked, removed.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Pid;

use crate::{
    failed::{Doing, Failed},
    request::{Group, Hierarchy, Limits},
};

/// How long a group may stay busy after its last process has ended.
const BUSY: Duration = Duration::from_secs(5);

/// The period in which processor time is counted, in microseconds: the kernel's default.
const PERIOD: u32 = 100_000;

/// Groups that are removed when this is dropped.
pub(crate) struct Groups(Vec<Group>);

impl Groups {
    /// Makes the groups and sets their limits.
    ///
    /// # Errors
    /// The kernel refuses one; those that were made are removed.
    pub(crate) fn make(groups: Vec<Group>, limits: &Limits) -> Result<Self, Failed> {
        let mut made = Self(Vec::new());
        for group in groups {
            fs::create_dir(&group.path)
                .doing(format!("making the control group {}", group.path.display()))?;
            made.0.push(group.clone());
            for (file, value, needed) in settings(group.hierarchy, limits) {
                let path = group.path.join(file);
                // Where the kernel does not count swap, or has no such controller, there is no file.
                if needed || path.exists() {
                    fs::write(&path, &value)
                        .doing(format!("writing {value} to {}", path.display()))?;
                }
            }
        }
        Ok(made)
    }

    /// Puts a process into those of version 2, which only whoever the groups were delegated to may.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn put(&self, process: Pid) -> Result<(), Failed> {
        let pid = process.as_raw_nonzero().to_string();
        write(&self.0, |hierarchy| hierarchy == Hierarchy::Unified, "cgroup.procs", &pid)
    }

    /// How often the kernel killed for memory in them.
    pub(crate) fn oom_kills(&self) -> u64 {
        self.0.iter().map(|group| count_oom_kills(&group.path)).sum()
    }
}

/// Puts this process, which has one thread, into groups of version 1. A process that moves itself as
/// a thread spares the kernel a lock over all processes, which costs more than all the rest of a
/// sandbox.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn join(groups: &[Group]) -> Result<(), Failed> {
    write(groups, |hierarchy| hierarchy != Hierarchy::Unified, "tasks", "0")
}

fn write(
    groups: &[Group],
    which: impl Fn(Hierarchy) -> bool,
    file: &str,
    value: &str,
) -> Result<(), Failed> {
    for group in groups.iter().filter(|group| which(group.hierarchy)) {
        fs::write(group.path.join(file), value)
            .doing(format!("joining the control group {}", group.path.display()))?;
    }
    Ok(())
}

/// Whether one of the groups, which were made, sets that limit.
pub(crate) fn limits(groups: &[Group], hierarchy: Hierarchy) -> bool {
    groups.iter().any(|group| {
        group.hierarchy == hierarchy
            || (group.hierarchy == Hierarchy::Unified
                && group.path.join(unified_file(hierarchy)).exists())
    })
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.0 {
            let _ = remove(&group.path);
        }
    }
}

/// The file of version 2 that sets what a hierarchy of version 1 sets.
fn unified_file(hierarchy: Hierarchy) -> &'static str {
    match hierarchy {
        Hierarchy::Memory | Hierarchy::Unified => "memory.max",
        Hierarchy::Pids => "pids.max",
        Hierarchy::Cpu => "cpu.max",
    }
}

/// Files, their values, and whether each must be there.
fn settings(hierarchy: Hierarchy, limits: &Limits) -> Vec<(&'static str, String, bool)> {
    let memory = limits.memory_bytes.to_string();
    let pids = limits.pids.to_string();
    let quota = limits.cpus.map(quota);
    match hierarchy {
        Hierarchy::Memory => vec![
            ("memory.limit_in_bytes", memory.clone(), true),
            // The same for both: no swap. Must come second, it may not be below the other.
            ("memory.memsw.limit_in_bytes", memory, false),
        ],
        Hierarchy::Pids => vec![("pids.max", pids, true)],
        Hierarchy::Cpu => quota
            .map(|quota| {
                vec![
                    ("cpu.cfs_period_us", PERIOD.to_string(), true),
                    ("cpu.cfs_quota_us", quota.to_string(), true),
                ]
            })
            .unwrap_or_default(),
        Hierarchy::Unified => {
            let mut settings = vec![
                ("memory.max", memory, false),
                ("memory.swap.max", "0".to_owned(), false),
                ("pids.max", pids, false),
            ];
            settings.extend(quota.map(|quota| ("cpu.max", format!("{quota} {PERIOD}"), false)));
            settings
        }
    }
}

/// Microseconds of processor time a period. The kernel takes no less than a millisecond.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn quota(cpus: f64) -> u64 {
    (cpus * f64::from(PERIOD)).clamp(1000.0, 1e15) as u64
}

/// How often the kernel killed for memory in a group: a line `oom_kill N` in both versions.
#[must_use]
pub fn count_oom_kills(group: &Path) -> u64 {
    ["memory.oom_control", "memory.events"]
        .iter()
        .filter_map(|file| fs::read_to_string(group.join(file)).ok())
        .find_map(|text| {
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        })
        .unwrap_or(0)
}

/// Removes a group. One that is not there is no error. It may stay busy for a moment after the end
/// of its last process.
///
/// # Errors
/// It stays busy, or the kernel refuses.
pub fn remove(group: &Path) -> io::Result<()> {
    let until = Instant::now() + BUSY;
    loop {
        match fs::remove_dir(group) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {
                thread::sleep(Duration::from_millis(1));
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { memory_bytes: 1 << 30, pids: 99, cpus: Some(1.5), file_bytes: None };

    #[test]
    fn memory_has_no_swap() {
        let first = settings(Hierarchy::Memory, &LIMITS);
        assert_eq!(first[0].1, first[1].1);
        let second = settings(Hierarchy::Unified, &LIMITS);
        assert!(second.contains(&("memory.swap.max", "0".into(), false)));
        assert!(second.contains(&("cpu.max", "150000 100000".into(), false)));
    }

    #[test]
    fn processors_are_a_share_of_a_period() {
        assert_eq!(quota(0.5), 50_000);
        assert_eq!(quota(0.0), 1000);
        let none = Limits { cpus: None, ..LIMITS };
        assert!(settings(Hierarchy::Cpu, &none).is_empty());
    }

    #[test]
    fn a_group_that_is_gone_is_removed() {
        assert!(remove(Path::new("/sys/fs/cgroup/libcmatrix-none")).is_ok());
        assert_eq!(count_oom_kills(Path::new("/nonexistent")), 0);
    }
}
