//! The root file system of a sandbox: a writable layer above the image's tree, or a copy of it.
//!
//! Takes the image's tree and an empty folder; gives a mount, and says which of both it is. The
//! layer is on disk: what is written into a file system in memory counts against the memory limit.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::process::{WaitOptions, waitpid};

use crate::{
    failed::{Doing, Failed},
    fork,
    mount::{self, NO_PRIVILEGE},
    request::{RootFs, UnpackLimits, Users, WRITTEN},
    tree,
};

/// The folder in a sandbox's own that the kernel needs for an overlay.
const WORK: &str = "work";

/// Makes it and attaches it above the folder of what was written; gives that place.
///
/// # Errors
/// Neither way works.
pub(crate) fn make(users: Users, image: &Path, own: &Path) -> Result<(PathBuf, RootFs), Failed> {
    for name in [WRITTEN, WORK] {
        mount::make_folder(&own.join(name))?;
    }
    let root = own.join(WRITTEN);
    match overlay(users, image, own) {
        Ok(overlay) => {
            mount::attach(&overlay, &root)?;
            Ok((root, RootFs::Overlay))
        }
        // No overlay here, or none above this file system, or none for this user.
        Err(refused) => {
            let copy = copied(users, image, own).map_err(|failed| Failed {
                why: format!("{} (and {refused})", failed.why),
                ..failed
            })?;
            mount::attach(&copy, &root)?;
            Ok((root, RootFs::Copy))
        }
    }
}

fn overlay(users: Users, image: &Path, own: &Path) -> Result<OwnedFd, Failed> {
    // In lists of layers a colon separates.
    let lower = mount::text(image)?.replace('\\', "\\\\").replace(':', "\\:");
    let upper = mount::text(&own.join(WRITTEN))?;
    let work = mount::text(&own.join(WORK))?;
    let mut options = vec![
        ("lowerdir", lower.as_str()),
        ("upperdir", upper.as_str()),
        ("workdir", work.as_str()),
        // At its end the kernel would otherwise write the whole disk's buffers out, and everyone
        // would wait. Nobody needs what was written to outlive a crash of the machine.
        ("volatile", ""),
    ];
    if users.are_mapped() {
        // The kernel's own attributes are for root alone.
        options.push(("userxattr", ""));
    }
    mount::filesystem("overlay", &options, NO_PRIVILEGE)
}

/// Copies the tree by packing and unpacking it, so that there is one way only in which trees are
/// written; a child packs, because each end waits for the other.
fn copied(users: Users, image: &Path, own: &Path) -> Result<OwnedFd, Failed> {
    let (reader, writer) = io::pipe().doing("copying the image")?;
    let upper = own.join(WRITTEN);
    let Some(child) = fork::fork(0).doing("copying the image")? else {
        drop(reader);
        let packed = tree::pack(image, ".", writer);
        fork::exit(i32::from(packed.is_err()));
    };
    drop(writer);
    let limits = UnpackLimits { bytes: u64::MAX, entries: u64::MAX };
    let unpacked = tree::unpack(reader, &upper, users, false, limits);
    let status = waitpid(Some(child), WaitOptions::empty()).doing("copying the image")?;
    unpacked?;
    if status.is_none_or(|(_, status)| status.exit_status() != Some(0)) {
        return Err(Failed::new("copying the image", "its tree cannot be read"));
    }
    let _ = fs::remove_dir(own.join(WORK));
    mount::view(&upper, NO_PRIVILEGE)
}
