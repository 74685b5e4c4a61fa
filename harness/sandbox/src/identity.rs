//! Whom a program runs as: users and groups by name or number, as the image knows them.
//!
//! Takes `user[:group]` and the image's `/etc/passwd` and `/etc/group`; gives numbers and a home, by
//! the rules of Docker, so that a program has the same identity on either engine.

use std::{fs, path::Path};

use rustix::{
    process::{Gid, Uid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

use crate::{
    failed::{Doing, Failed},
    request::Users,
};

/// Whom a program runs as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    uid: u32,
    gid: u32,
    /// Further groups.
    groups: Vec<u32>,
    /// The home folder.
    pub home: String,
}

impl Identity {
    /// Looks it up in the root file system that this process sees.
    ///
    /// # Errors
    /// There is no such user or group.
    pub(crate) fn find(wanted: Option<&str>) -> Result<Self, Failed> {
        // An image may have put anything there, also a device or a huge file.
        let read = |path: &str| match fs::metadata(path) {
            Ok(about) if about.is_file() && about.len() < 4 << 20 => {
                fs::read_to_string(Path::new(path)).unwrap_or_default()
            }
            _ => String::new(),
        };
        Self::look_up(wanted.unwrap_or("0"), &read("/etc/passwd"), &read("/etc/group"))
    }

    fn look_up(wanted: &str, passwd: &str, group: &str) -> Result<Self, Failed> {
        let (user, wanted_group) = match wanted.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (wanted, None),
        };
        // NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL
        let line = passwd
            .lines()
            .map(|l| l.split(':').collect::<Vec<_>>())
            .find(|fields| fields.len() >= 6 && (fields[0] == user || fields[2] == user));
        let number = |text: &str| text.parse::<u32>().ok();
        let unknown = |what: &str, name: &str| {
            Failed::new(
                format!("starting as {wanted}"),
                format!("the image knows no {what} `{name}`"),
            )
        };
        let uid = line
            .as_ref()
            .and_then(|l| number(l[2]))
            .or_else(|| number(user))
            .ok_or_else(|| unknown("user", user))?;
        let gid = match wanted_group {
            Some(name) => group_number(name, group).ok_or_else(|| unknown("group", name))?,
            None => line.as_ref().and_then(|l| number(l[3])).unwrap_or(0),
        };
        let groups = match (&line, wanted_group) {
            (Some(line), None) => groups_of(line[0], group),
            _ => Vec::new(),
        };
        let home = line.map_or("/", |l| l[5]).to_owned();
        Ok(Self { uid, gid, groups, home: if home.is_empty() { "/".into() } else { home } })
    }

    /// Becomes it. Where only user 0 exists, the caller's further groups stay: the kernel lets
    /// nobody give them up there.
    ///
    /// # Errors
    /// The user does not exist in this sandbox.
    pub(crate) fn take_on(&self, users: Users) -> Result<(), Failed> {
        if users == Users::Single && (self.uid, self.gid) != (0, 0) {
            return Err(Failed::new(
                format!("becoming user {}:{}", self.uid, self.gid),
                "only user 0 exists in this sandbox: this machine gives its caller no subordinate users",
            ));
        }
        if users != Users::Single {
            let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
            set_thread_groups(&groups).doing("setting further groups")?;
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_res_gid(gid, gid, gid).doing(format!("becoming group {}", self.gid))?;
        set_thread_res_uid(uid, uid, uid).doing(format!("becoming user {}", self.uid))
    }
}

/// NAME:PASSWORD:GID:MEMBERS
fn group_number(wanted: &str, group: &str) -> Option<u32> {
    group
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .find(|f| f.len() >= 3 && (f[0] == wanted || f[2] == wanted))
        .and_then(|f| f[2].parse().ok())
        .or_else(|| wanted.parse().ok())
}

fn groups_of(user: &str, group: &str) -> Vec<u32> {
    group
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .filter(|f| f.len() >= 4 && f[3].split(',').any(|member| member == user))
        .filter_map(|f| f[2].parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/var/www:/sbin/nologin\nbad\n";
    const GROUP: &str = "root:x:0:root\nadm:x:4:root,web\nstaff:x:50:\n";

    fn find(wanted: &str) -> (u32, u32, Vec<u32>, String) {
        let found = Identity::look_up(wanted, PASSWD, GROUP).expect(wanted);
        (found.uid, found.gid, found.groups, found.home)
    }

    #[test]
    fn by_name_and_number() {
        assert_eq!(find("0"), (0, 0, vec![0, 4], "/root".into()));
        assert_eq!(find("web"), (33, 34, vec![4], "/var/www".into()));
        assert_eq!(find("33"), (33, 34, vec![4], "/var/www".into()));
        assert_eq!(find("web:staff"), (33, 50, vec![], "/var/www".into()));
        assert_eq!(find("1000"), (1000, 0, vec![], "/".into()));
        assert_eq!(find("1000:1001"), (1000, 1001, vec![], "/".into()));
    }

    #[test]
    fn whom_the_image_does_not_know() {
        for wanted in ["nobody", "web:nogroup", "-1", ""] {
            assert!(Identity::look_up(wanted, PASSWD, GROUP).is_err(), "{wanted}");
        }
    }
}
