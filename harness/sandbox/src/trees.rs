//! Trees, as the sandbox's users see them: a child in the same user namespace does the work, with
//! the tree as its root, so that no link in it leads anywhere else.

use std::{fs::File, io::BufReader, os::fd::OwnedFd, path::Path};

use rustix::process::{WaitOptions, chdir, chroot, waitpid};

use crate::{
    control::Control,
    failed::{Doing, Failed},
    fork,
    request::{Answer, Request, Users},
    tree, users,
};

/// Does what is asked and answers.
///
/// # Errors
/// The child could not be made.
pub(crate) fn serve(
    control: &Control,
    users: Users,
    request: &Request,
    input: Option<OwnedFd>,
) -> Result<(), Failed> {
    let (wait_to_go, go) = std::io::pipe().doing("making a pipe")?;
    let namespaces = if users.are_mapped() { libc::CLONE_NEWUSER | libc::CLONE_NEWNS } else { 0 };
    let Some(child) = fork::fork(namespaces).doing("making namespaces")? else {
        drop(go);
        let answer = work(users, request, wait_to_go, input).unwrap_or_else(Answer::from);
        control.answer(&answer);
        fork::exit(0);
    };
    drop((wait_to_go, input));
    let mapped = users::write_maps(users, child)
        .and_then(|()| std::io::Write::write_all(&mut &go, b"g").doing("starting"));
    drop(go);
    let ended = waitpid(Some(child), WaitOptions::empty()).doing("waiting")?;
    mapped?;
    match ended.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        _ => Err(Failed::new("working on a tree", "the process that did was killed")),
    }
}

fn work(
    users: Users,
    request: &Request,
    wait_to_go: impl std::io::Read,
    input: Option<OwnedFd>,
) -> Result<Answer, Failed> {
    users::begin_child(users, wait_to_go)?;
    match request {
        Request::Unpack { root, layer, limits, .. } => {
            let input = input.ok_or_else(|| Failed::new("unpacking", "no archive was passed"))?;
            enter(root)?;
            let input = BufReader::with_capacity(1 << 18, File::from(input));
            let unpacked = tree::unpack(input, Path::new("/"), users, *layer, *limits)?;
            Ok(Answer::Unpacked(unpacked))
        }
        Request::Pack { root, path, .. } => {
            enter(root)?;
            let output = std::io::BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
            let found = tree::pack(Path::new("/"), path, output)?;
            Ok(Answer::Packed { found })
        }
        Request::Remove { paths, .. } => {
            for path in paths {
                tree::remove(path).doing(format!("removing {}", path.display()))?;
            }
            Ok(Answer::Removed)
        }
        Request::Run(_) => Err(Failed::new("working on a tree", "a program was asked for")),
    }
}

/// Makes a tree this process's root.
fn enter(root: &Path) -> Result<(), Failed> {
    let what = || format!("entering {}", root.display());
    chdir(root).doing(what())?;
    chroot(".").doing(what())?;
    rustix::process::umask(rustix::fs::Mode::empty());
    chdir("/").doing(what())
}
