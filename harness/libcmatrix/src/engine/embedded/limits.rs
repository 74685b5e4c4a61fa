//! What holds the limits of sandboxes here, and what does not.
//!
//! Takes the control groups that were found and the users; gives words for the record and for people.

use std::collections::BTreeMap;

use libcmatrix_sandbox::{
    cgroup::find::{Controller, Found},
    request::Users,
};

/// What sets each limit here.
pub(super) fn set_by(groups: &Found, users: Users) -> BTreeMap<String, String> {
    let without = |pids: bool| match users {
        // The kernel does not count the processes of the machine's root.
        Users::Real if pids => "none",
        _ => "rlimit",
    };
    [("memory", Controller::Memory), ("processes", Controller::Pids)]
        .into_iter()
        .map(|(limit, controller)| {
            let by = match groups.versions.get(&controller) {
                Some(1) => "cgroup-v1",
                Some(_) => "cgroup-v2",
                None => without(controller == Controller::Pids),
            };
            (limit.to_owned(), by.to_owned())
        })
        .collect()
}

/// Limits that no control group sets here, each with what holds instead and why.
pub(super) fn missing(groups: &Found, users: Users) -> Vec<String> {
    groups
        .missing
        .iter()
        .map(|(controller, why)| {
            let instead = match (controller, users) {
                (Controller::Memory, _) => {
                    "memory of a sandbox (each of its processes is limited instead)"
                }
                (Controller::Pids, Users::Real) => "number of processes",
                (Controller::Pids, _) => {
                    "number of processes of a sandbox (those of all sandboxes are limited instead)"
                }
                (Controller::Cpu, _) => "processors",
            };
            format!("{instead}: {why}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_group_limits_is_said() {
        let mut groups = Found::default();
        groups.versions.insert(Controller::Memory, 2);
        groups.missing.insert(Controller::Pids, "why".into());
        assert_eq!(set_by(&groups, Users::Real)["memory"], "cgroup-v2");
        assert_eq!(set_by(&groups, Users::Real)["processes"], "none");
        assert_eq!(set_by(&groups, Users::Single)["processes"], "rlimit");
        assert_eq!(missing(&groups, Users::Real), ["number of processes: why"]);
    }
}
