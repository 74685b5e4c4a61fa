//! Which users exist inside: the maps of a user namespace.
//!
//! Takes the process that is in a new user namespace; writes its maps from outside, as only a
//! process outside may.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use rustix::{
    process::{Gid, Pid, Signal, Uid, getgid, getuid, set_parent_process_death_signal},
    thread::{set_thread_res_gid, set_thread_res_uid},
};

use crate::{
    failed::{Doing, Failed},
    request::Users,
};

impl Users {
    /// Whether a user namespace of its own is needed.
    #[must_use]
    pub fn are_mapped(self) -> bool {
        self != Self::Real
    }
}

/// Writes the maps of the user namespace that `child` is in.
///
/// # Errors
/// The kernel refuses, or `newuidmap` does.
pub(crate) fn write_maps(users: Users, child: Pid) -> Result<(), Failed> {
    let (uid, gid, child) = (getuid().as_raw(), getgid().as_raw(), child.as_raw_nonzero());
    match users {
        Users::Real => Ok(()),
        Users::Single => {
            let write = |file: &str, text: String| {
                fs::write(format!("/proc/{child}/{file}"), text)
                    .doing(format!("writing {file} of a user namespace"))
            };
            // The kernel's condition for a map that is written without privilege.
            write("setgroups", "deny".into())?;
            write("uid_map", format!("0 {uid} 1"))?;
            write("gid_map", format!("0 {gid} 1"))
        }
        Users::Subordinate { first_uid, first_gid, count } => {
            map("newuidmap", child.get(), uid, first_uid, count)?;
            map("newgidmap", child.get(), gid, first_gid, count)
        }
    }
}

/// Lets the setuid program write a map: it knows which subordinate ids are the caller's.
fn map(program: &str, child: i32, own: u32, first: u32, count: u32) -> Result<(), Failed> {
    let what = || format!("mapping subordinate users with {program}");
    let arguments = [child.to_string(), "0".into(), own.to_string(), "1".into(), "1".into()];
    let output = Command::new(program)
        .args(arguments)
        .args([first.to_string(), count.to_string()])
        .stdin(Stdio::null())
        .output()
        .doing(what())?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failed::new(what(), String::from_utf8_lossy(&output.stderr).trim()))
}

/// The first steps of every child of the helper: it ends with the helper, waits until its maps are
/// written, and becomes user 0.
///
/// # Errors
/// The helper is gone, or the kernel refuses.
pub(crate) fn begin_child(users: Users, mut wait_to_go: impl io::Read) -> Result<(), Failed> {
    tie_to_helper()?;
    if wait_to_go.read(&mut [0]).unwrap_or(0) == 0 {
        return Err(Failed::new("starting", "its helper is gone"));
    }
    become_root(users)?;
    // The change of identity has untied it.
    tie_to_helper()
}

/// Has this process killed when its parent ends. A change of identity undoes it.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn tie_to_helper() -> Result<(), Failed> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing("tying it to its helper")
}

/// Becomes user 0 of the user namespace, once its maps are written.
fn become_root(users: Users) -> Result<(), Failed> {
    if !users.are_mapped() {
        return Ok(());
    }
    set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT).doing("becoming group 0")?;
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).doing("becoming user 0")
}
