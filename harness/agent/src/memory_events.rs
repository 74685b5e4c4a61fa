//! The kernel's count of kills by the memory limit, for the control group this process is in.

use std::{fs, path::PathBuf};

/// Where the counter is.
#[derive(Clone, Debug)]
pub(crate) struct OomCounter(Option<PathBuf>);

impl OomCounter {
    /// Finds the counter. In a container both hierarchies are mounted with the container's own
    /// group as the root; outside, the group is named in `/proc/self/cgroup`.
    pub(crate) fn find() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut places = Vec::new();
        for line in groups.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
            let group = group.trim_start_matches('/');
            if controllers.split(',').any(|c| c == "memory") {
                for at in [group, ""] {
                    places.push(
                        PathBuf::from("/sys/fs/cgroup/memory").join(at).join("memory.oom_control"),
                    );
                }
            } else if controllers.is_empty() {
                for at in [group, ""] {
                    places.push(PathBuf::from("/sys/fs/cgroup").join(at).join("memory.events"));
                }
            }
        }
        Self(places.into_iter().find(|p| read(p).is_some()))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Kills so far; 0 where they cannot be counted.
    pub(crate) fn kills(&self) -> u64 {
        self.0.as_ref().and_then(read).unwrap_or(0)
    }
}

fn read(path: &PathBuf) -> Option<u64> {
    parse(&fs::read_to_string(path).ok()?)
}

/// Both `memory.oom_control` (v1, since Linux 4.13) and `memory.events` (v2) hold a line `oom_kill N`.
fn parse(text: &str) -> Option<u64> {
    text.lines().find_map(|l| l.strip_prefix("oom_kill ")).and_then(|n| n.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_hierarchies_are_understood() {
        assert_eq!(parse("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(parse("low 0\nhigh 0\nmax 12\noom 4\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(parse("oom_kill_disable 0\nunder_oom 0\n"), None);
    }
}
