//! What somebody who gets into an image finds there.
//!
//! Takes the files and the image's configuration; gives counts and names. It is counted by names and
//! modes; what a file would do is not looked at.

use libcmatrix_schema::ImageContents;
use serde_json::Value;

use crate::image_contents::{
    files::{FileKind, Files},
    packages::Installed,
};

/// Names of shells.
const SHELLS: [&str; 9] = ["sh", "bash", "rbash", "dash", "ash", "zsh", "ksh", "fish", "csh"];
/// Beginnings of the names of interpreters; a version may follow.
const INTERPRETERS: [&str; 9] =
    ["python", "perl", "ruby", "node", "php", "lua", "tclsh", "java", "guile"];
/// Names of package managers.
const PACKAGE_MANAGERS: [&str; 13] = [
    "apk", "apt", "apt-get", "dpkg", "rpm", "dnf", "yum", "microdnf", "pacman", "pip", "pip3",
    "npm", "gem",
];

pub(super) fn contents(files: &Files, installed: &Installed, config: &Value) -> ImageContents {
    let mut contents =
        ImageContents { packages: installed.packages.clone(), ..ImageContents::default() };
    for (path, file) in files.iter() {
        let is_file = matches!(file.kind, FileKind::File(_));
        contents.files += u64::from(is_file);
        if is_file && file.mode & 0o6000 != 0 {
            contents.setuid.push(format!("/{path}"));
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or_default();
        let is_program_folder = matches!(folder.rsplit('/').next(), Some("bin" | "sbin"));
        if !is_program_folder || matches!(file.kind, FileKind::Other) {
            continue;
        }
        let is_executable = is_file && file.mode & 0o111 != 0;
        contents.executables += u64::from(is_executable);
        contents.commands += u64::from(is_executable || !is_file);
        let found = if SHELLS.contains(&name) {
            &mut contents.shells
        } else if PACKAGE_MANAGERS.contains(&name) {
            &mut contents.package_managers
        } else if INTERPRETERS.iter().any(|known| is_version_of(name, known)) {
            &mut contents.interpreters
        } else {
            continue;
        };
        found.push(format!("/{path}"));
    }
    if let Some(ports) = config["config"]["ExposedPorts"].as_object() {
        contents.ports = ports.keys().cloned().collect();
    }
    contents
}

fn is_version_of(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tar::EntryType::{Directory, Regular, Symlink};

    use super::*;
    use crate::image_contents::files::tests::layer;

    #[test]
    fn what_is_found_is_told() {
        let mut files = Files::default();
        let all = layer(&[
            ("usr/bin/", Directory, 0o755, ""),
            ("usr/bin/su", Regular, 0o4755, ""),
            ("usr/bin/perl5.40.1", Regular, 0o755, ""),
            ("usr/bin/perlbug", Regular, 0o755, ""),
            ("usr/bin/notes.txt", Regular, 0o644, ""),
            ("bin/busybox", Regular, 0o755, ""),
            ("bin/sh", Symlink, 0o777, "/bin/busybox"),
            ("sbin/apk", Regular, 0o755, ""),
            ("etc/sh", Regular, 0o755, ""),
        ]);
        files.add_layer(all.as_slice(), u64::MAX).expect("read");
        let config = json!({ "config": { "ExposedPorts": { "80/tcp": {} } } });
        let found = contents(&files, &Installed::default(), &config);
        assert_eq!((found.files, found.executables, found.commands), (7, 5, 6));
        assert_eq!(found.setuid, ["/usr/bin/su"]);
        assert_eq!(found.shells, ["/bin/sh"]);
        assert_eq!(found.interpreters, ["/usr/bin/perl5.40.1"]);
        assert_eq!(found.package_managers, ["/sbin/apk"]);
        assert_eq!(found.ports, ["80/tcp"]);
        let nothing = contents(&Files::default(), &Installed::default(), &json!({}));
        assert_eq!(nothing, ImageContents::default());
    }
}
