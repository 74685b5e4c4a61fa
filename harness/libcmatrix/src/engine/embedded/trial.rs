//! Whether sandboxes work here: one is made ready for nothing, and if that fails, what about this
//! machine does not allow it.
//!
//! Takes the ways to map users; gives the first that works, or a failure with the reason and what to
//! do about it.

use std::{fs, path::Path};

use libcmatrix_sandbox::{
    failed::Failed,
    request::{Answer, Limits, Request, RootFs, Run, Users},
};
use rustix::{io::Errno, process::getuid};

use super::helper::{Executable, Helper};
use crate::{
    engine::HOST_NAME,
    failure::{Failure, Result},
};

/// A way that works.
#[derive(Clone, Debug)]
pub(super) struct Works {
    /// Whom programs may become.
    pub users: Users,
    /// How root file systems are made.
    pub root: RootFs,
    /// Better ways that were tried before, and why they do not work.
    pub refused: Vec<(Users, Failed)>,
}

/// Tries the ways in their order, in an empty folder.
///
/// # Errors
/// None works.
pub(super) async fn find(
    executable: &Executable,
    ways: Vec<Users>,
    run_id: &str,
    folder: &Path,
) -> Result<Works> {
    let mut refused = Vec::new();
    for users in ways {
        match attempt(executable, users, run_id, folder).await? {
            Ok(root) => return Ok(Works { users, root, refused }),
            Err(failed) => refused.push((users, failed)),
        }
    }
    let Some((_, failed)) = refused.pop() else {
        return Err(Failure::bug("there is no way to start a sandbox"));
    };
    Err(explain(&failed, &Machine::look()))
}

async fn attempt(
    executable: &Executable,
    users: Users,
    run_id: &str,
    folder: &Path,
) -> Result<std::result::Result<RootFs, Failed>> {
    let unusable = |e: std::io::Error| {
        Failure::environment(format!("{} cannot be used", folder.display())).because(e)
    };
    let image = folder.join("image");
    fs::create_dir_all(&image).map_err(unusable)?;
    let request = Request::Run(Box::new(Run {
        users,
        image,
        folder: folder.to_owned(),
        read_only_root: false,
        binds: Vec::new(),
        network: false,
        host_name: HOST_NAME.to_owned(),
        groups: Vec::new(),
        limits: Limits { memory_bytes: u64::MAX, pids: u64::MAX, cpus: None, file_bytes: None },
        program: None,
    }));
    let mut helper = Helper::ask(executable, run_id, request, None).await?;
    let answer = helper.answer().await;
    helper.end().await;
    Ok(match answer {
        Ok(Answer::Started { root }) => Ok(root),
        Ok(other) => Err(Failed::new("a trial", format!("{other:?}"))),
        Err(failed) => Err(failed),
    })
}

/// What about a machine decides whether sandboxes work.
#[derive(Clone, Debug, Default)]
struct Machine {
    is_root: bool,
    is_container: bool,
    /// Ubuntu's restriction: `kernel.apparmor_restrict_unprivileged_userns`.
    apparmor_restricts: bool,
    /// Debian's old switch: `kernel.unprivileged_userns_clone`.
    switched_off: bool,
    /// `user.max_user_namespaces` is 0.
    none_allowed: bool,
    kernel: String,
}

impl Machine {
    fn look() -> Self {
        let says = |path: &str, value: &str| {
            fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
        };
        let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
        let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let is_filtered = own.lines().any(|line| line == "Seccomp:\t2");
        let first = fs::read_to_string("/proc/1/environ").unwrap_or_default();
        Self {
            is_root: getuid().is_root(),
            is_container: ["/.dockerenv", "/run/.containerenv"]
                .iter()
                .any(|p| Path::new(p).exists())
                || first.contains("container=")
                || is_filtered,
            apparmor_restricts: says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
            switched_off: says("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            none_allowed: says("/proc/sys/user/max_user_namespaces", "0"),
            kernel,
        }
    }

    /// Mounts that are made first and attached later are complete since Linux 5.12.
    fn is_old(&self) -> bool {
        let mut numbers = self.kernel.split(['.', '-']).map(|n| n.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (5, 12)
    }
}

/// Why it failed, and what to do.
fn explain(failed: &Failed, machine: &Machine) -> Failure {
    let failure = Failure::environment("the embedded engine does not work here");
    let with =
        |cause: &str, hint: &str| failure.clone().because(format!("{cause} ({failed})")).hint(hint);
    if machine.is_old() {
        return with(
            &format!("the kernel is {}, and at least 5.12 is needed", machine.kernel),
            "use Docker or Podman here (`--engine docker`), or a newer kernel",
        );
    }
    let is = |errno: Errno| failed.errno == Some(errno.raw_os_error());
    let refused = is(Errno::PERM) || is(Errno::ACCESS);
    let is_used_up = is(Errno::NOSPC) && failed.what.contains("namespace");
    if machine.none_allowed || is_used_up {
        return with(
            "this machine allows no (or no more) user namespaces",
            "as root: sysctl user.max_user_namespaces=15000",
        );
    }
    if refused && machine.switched_off && !machine.is_root {
        return with(
            "this machine allows user namespaces to root alone",
            "as root: sysctl kernel.unprivileged_userns_clone=1",
        );
    }
    if refused && machine.apparmor_restricts && !machine.is_root {
        return with(
            "AppArmor lets only programs with a profile use user namespaces here (Ubuntu 23.10 and newer)",
            "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or give this program a profile \
             with `userns,` (see docs/embedded-engine.md)",
        );
    }
    if refused && machine.is_container {
        return with(
            "this is a container that may not make containers",
            "start it with `--privileged`, or with `--security-opt seccomp=unconfined --security-opt \
             apparmor=unconfined --security-opt systempaths=unconfined`; or give it a Docker socket",
        );
    }
    with(
        "the kernel refuses what a sandbox needs",
        "run it as root, or use Docker or Podman (`--engine docker`)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Failed {
        Failed {
            what: "making namespaces".into(),
            why: "EPERM".into(),
            errno: Some(Errno::PERM.raw_os_error()),
        }
    }

    fn machine() -> Machine {
        Machine { kernel: "6.1.0-18-amd64".into(), ..Machine::default() }
    }

    #[test]
    fn the_reason_is_named() {
        let cases = [
            (Machine { kernel: "4.18.0".into(), ..machine() }, "5.12"),
            (Machine { apparmor_restricts: true, ..machine() }, "AppArmor"),
            (Machine { switched_off: true, ..machine() }, "root alone"),
            (Machine { none_allowed: true, ..machine() }, "no more"),
            (Machine { is_container: true, is_root: true, ..machine() }, "container"),
            (machine(), "refuses"),
        ];
        for (machine, word) in cases {
            let failure = explain(&refused(), &machine);
            assert!(failure.cause.contains(word), "{word}: {}", failure.cause);
            assert!(failure.cause.contains("making namespaces"), "{}", failure.cause);
            assert!(failure.hint.is_some());
        }
    }

    #[test]
    fn what_does_not_matter_is_not_blamed() {
        let full = Failed {
            what: "making the folder x".into(),
            why: "no space".into(),
            errno: Some(Errno::NOSPC.raw_os_error()),
        };
        let machine = Machine { apparmor_restricts: true, ..machine() };
        assert!(!explain(&full, &machine).cause.contains("AppArmor"));
        let root = Machine { is_root: true, ..machine };
        assert!(!explain(&refused(), &root).cause.contains("AppArmor"));
    }
}
