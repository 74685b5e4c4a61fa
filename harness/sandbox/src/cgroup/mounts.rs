//! Where the hierarchies are mounted, and where in them this process is.
//!
//! Takes the kernel's tables in `/proc/self`; gives folders.

use std::path::{Path, PathBuf};

/// A hierarchy as it is mounted here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// The controllers of version 1; none is version 2.
    pub controllers: Vec<String>,
    /// The folder it is mounted at.
    pub at: PathBuf,
    /// The folder of this process's own group.
    pub own: PathBuf,
}

/// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`.
pub(super) fn mounted(mountinfo: &str, cgroup: &str) -> Vec<Mounted> {
    mountinfo
        .lines()
        .filter_map(|line| {
            // ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELDS...] - TYPE SOURCE SUPEROPTIONS
            let (before, after) = line.split_once(" - ")?;
            let before: Vec<&str> = before.split(' ').collect();
            let (root, at) = (unescape(before.get(3)?), unescape(before.get(4)?));
            let mut after = after.split(' ');
            let controllers: Vec<String> = match after.next()? {
                "cgroup2" => Vec::new(),
                "cgroup" => after.nth(1)?.split(',').map(str::to_owned).collect(),
                _ => return None,
            };
            let group = group_of(cgroup, &controllers)?;
            // In a container the group's name may begin above what is mounted.
            let inside = Path::new(&group)
                .strip_prefix(&root)
                .ok()
                .map(|inside| Path::new(&at).join(inside))
                .filter(|own| own.is_dir());
            Some(Mounted {
                controllers,
                own: inside.unwrap_or_else(|| at.clone().into()),
                at: at.into(),
            })
        })
        .collect()
}

/// This process's group in a hierarchy: lines `ID:CONTROLLERS:GROUP`.
fn group_of(cgroup: &str, controllers: &[String]) -> Option<String> {
    cgroup.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, group) = (fields.next()?, fields.next()?);
        let is_this = match controllers {
            [] => names.is_empty(),
            _ => !names.is_empty() && names.split(',').all(|n| controllers.iter().any(|c| c == n)),
        };
        is_this.then(|| group.to_owned())
    })
}

/// Spaces and the like in paths are written as octal numbers.
fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escaped, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
    {
        plain = plain.replace(escaped, character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_side_by_side() {
        let mountinfo = "\
30 25 0:26 / / rw - cgroup cgroup rw,memory
31 25 0:27 / /sys rw shared:9 - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 / /proc rw - cgroup2 cgroup rw,nsdelegate
33 25 0:29 / /x rw - ext4 /dev/sda rw";
        let cgroup = "4:memory:/etc\n1:cpu,cpuacct:/\n0::/self\n";
        let found = mounted(mountinfo, cgroup);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].own, Path::new("/etc"));
        assert_eq!(found[1].controllers, ["rw", "cpu", "cpuacct"]);
        assert_eq!(found[2].own, Path::new("/proc/self"));
        assert!(found[2].controllers.is_empty());
    }

    #[test]
    fn a_group_above_the_mount_is_the_mount() {
        let mountinfo = "30 25 0:26 /docker/abc /sys ro - cgroup2 cgroup rw";
        let found = mounted(mountinfo, "0::/../../elsewhere\n");
        assert_eq!(found[0].own, Path::new("/sys"));
    }

    #[test]
    fn spaces_in_paths() {
        assert_eq!(unescape("/a\\040b\\134c"), "/a b\\c");
    }
}
