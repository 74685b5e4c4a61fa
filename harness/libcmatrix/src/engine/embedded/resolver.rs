//! The three files in /etc that say who a machine is and how it finds others. Every engine puts its
//! own in the place of an image's.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use libcmatrix_sandbox::request::Bind;

use crate::engine::HOST_NAME;

/// Docker's, so that a name has the same address on either engine.
const HOSTS: &str = "\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// Writes them into a new folder; gives them as they are put into a sandbox.
///
/// # Errors
/// The disk is full.
pub(super) fn files(folder: &Path, network: bool) -> io::Result<Vec<Bind>> {
    fs::create_dir(folder)?;
    let resolver = if network { of_this_machine("/etc/resolv.conf") } else { String::new() };
    let hosts = if network {
        let own = of_this_machine("/etc/hosts");
        if own.is_empty() { HOSTS.to_owned() } else { own }
    } else {
        HOSTS.to_owned()
    };
    let bind = |name: &str, content: String| -> io::Result<Bind> {
        let source: PathBuf = folder.join(name);
        fs::write(&source, content)?;
        // Also for users other than root, whatever the caller's umask is.
        fs::set_permissions(&source, fs::Permissions::from_mode(0o644))?;
        Ok(Bind { source, at: format!("/etc/{name}"), read_only: false })
    };
    Ok(vec![
        bind("hosts", hosts)?,
        bind("hostname", format!("{HOST_NAME}\n"))?,
        bind("resolv.conf", resolver)?,
    ])
}

fn of_this_machine(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
