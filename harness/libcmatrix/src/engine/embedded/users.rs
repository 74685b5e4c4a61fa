//! Which users this caller may have in a sandbox.
//!
//! Takes the process's rights, `/etc/subuid` and `/etc/subgid`; gives the best way.

use std::{env, fs, path::PathBuf};

use libcmatrix_sandbox::request::Users;
use rustix::{
    process::getuid,
    thread::{CapabilitySet, capabilities},
};

/// As many as programs expect beside user 0: ids have 16 bits in many of them.
const MOST: u32 = 65_535;

/// The ways to try, best first.
pub(super) fn ways() -> Vec<Users> {
    let may_mount = capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN | CapabilitySet::CHOWN));
    if getuid().is_root() && may_mount {
        return vec![Users::Real, Users::Single];
    }
    subordinate().into_iter().chain([Users::Single]).collect()
}

/// The caller's subordinate users, where they can be mapped.
fn subordinate() -> Option<Users> {
    if !is_installed("newuidmap") || !is_installed("newgidmap") {
        return None;
    }
    let name = name_of(getuid().as_raw());
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (first_uid, uids) = range(&read("/etc/subuid"), name.as_deref(), getuid().as_raw())?;
    // The second file, too, has the names of users.
    let (first_gid, gids) = range(&read("/etc/subgid"), name.as_deref(), getuid().as_raw())?;
    Some(Users::Subordinate { first_uid, first_gid, count: uids.min(gids).min(MOST) })
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/bin", "/bin", "/run/wrappers/bin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}

fn name_of(uid: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

/// The largest range of lines `USER:FIRST:COUNT`.
fn range(file: &str, name: Option<&str>, uid: u32) -> Option<(u32, u32)> {
    let uid = uid.to_string();
    file.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let (user, first, count) = (fields.next()?, fields.next()?, fields.next()?);
            let is_own = Some(user) == name || user == uid;
            is_own.then_some((first.parse().ok()?, count.parse().ok()?))
        })
        .filter(|(_, count)| *count >= 1000)
        .max_by_key(|(_, count)| *count)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn the_largest_range_of_ones_own() {
        let file = "dev:100000:2000\n# x\nother:1:99999\n1000:300000:65536\ndev:bad\n";
        assert_eq!(range(file, Some("dev"), 1000), Some((300_000, 65_536)));
        assert_eq!(range(file, Some("dev"), 7), Some((100_000, 2000)));
        assert_eq!(range(file, None, 7), None);
        assert_eq!(range("dev:1:5\n", Some("dev"), 7), None, "too few to be of use");
    }
}
