//! The files that the engine covers with its own in every sandbox, laid into each tree as a last
//! layer, as Docker does. In an image without them a sandbox would make them itself, and for that the
//! kernel copies /etc into what the sandbox wrote: a fifth of the time that a sandbox takes to start.

use std::io;

/// Their paths.
const FILES: [&str; 3] = ["etc/hostname", "etc/hosts", "etc/resolv.conf"];

/// The layer: a plain tar archive of empty files.
pub(super) fn layer() -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for path in FILES {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        archive.append_data(&mut header, path, io::empty())?;
    }
    archive.into_inner()
}
