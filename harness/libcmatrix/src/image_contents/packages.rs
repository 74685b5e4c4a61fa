//! The packages of an image, as its package manager's books have them.
//!
//! Takes the files; gives the packages, and which one a file is of. Formats: dpkg(1) `status` and the
//! lists in `info`, and Alpine's `installed`
//! (<https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2>).

use std::collections::HashMap;

use libcmatrix_schema::InstalledPackage;

use super::files::Files;

const DPKG: &str = "var/lib/dpkg/";
/// Where it is, before and since Alpine's merged /usr.
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

/// Whether a file is one that has to be read for it.
pub(crate) fn is_book(path: &str) -> bool {
    let of_dpkg = path.strip_prefix(DPKG).is_some_and(|rest| {
        // The second is how images without dpkg itself keep it.
        rest == "status"
            || rest.starts_with("status.d/")
            || (rest.starts_with("info/") && rest.ends_with(".list"))
    });
    of_dpkg || APK.contains(&path)
}

/// The packages, the largest first, and whose files are.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    pub(crate) packages: Vec<InstalledPackage>,
    /// Package by place ([`Files::place`]).
    owners: HashMap<String, String>,
}

impl Installed {
    pub(crate) fn read(files: &Files) -> Self {
        let mut installed = Self::default();
        for (path, _) in files.iter() {
            let Some(text) = files.text(path) else { continue };
            if APK.contains(&path) {
                installed.read_apk(text, files);
            } else if let Some(list) = path.strip_prefix(DPKG).and_then(|p| p.strip_prefix("info/"))
            {
                // `libc6:amd64.list`
                let package = list.strip_suffix(".list").unwrap_or(list);
                let package = package.split(':').next().unwrap_or(package);
                installed.own(
                    text.lines().map(|file| file.trim_start_matches('/')),
                    package,
                    files,
                );
            } else {
                installed.packages.extend(text.split("\n\n").filter_map(dpkg_package));
            }
        }
        installed.packages.sort_by(|a, b| (b.bytes, &a.name).cmp(&(a.bytes, &b.name)));
        installed
    }

    /// The package that a file is of, by its place.
    pub(crate) fn owner(&self, place: &str) -> Option<&str> {
        self.owners.get(place).map(String::as_str)
    }

    /// The places of a package's files and links.
    pub(crate) fn files_of(&self, package: &str) -> impl Iterator<Item = &str> {
        let of_it = self.owners.iter().filter(move |(_, owner)| *owner == package);
        of_it.map(|(place, _)| place.as_str())
    }

    /// Whether the package is there.
    pub(crate) fn has(&self, package: &str) -> bool {
        self.packages.iter().any(|installed| installed.name == package)
    }

    fn own<'a>(&mut self, paths: impl Iterator<Item = &'a str>, package: &str, files: &Files) {
        for path in paths {
            // Before the file systems were merged, `lib/...` was what now is `usr/lib/...`.
            let place = files.place(path).filter(|place| files.at(place).is_some());
            if let Some(place) = place {
                self.owners.insert(place, package.to_owned());
            }
        }
    }

    fn read_apk(&mut self, text: &str, files: &Files) {
        for entry in text.split("\n\n") {
            let fields = || entry.lines().filter_map(|line| line.split_once(':'));
            let field = |key: &str| fields().find(|(k, _)| *k == key).map(|(_, value)| value);
            let Some(name) = field("P") else { continue };
            self.packages.push(InstalledPackage {
                name: name.into(),
                version: field("V").unwrap_or_default().into(),
                bytes: field("I").and_then(|n| n.parse().ok()).unwrap_or(0),
                licence: field("L").map(str::to_owned),
            });
            let mut folder = "";
            for (key, value) in fields() {
                match key {
                    "F" => folder = value,
                    "R" => {
                        self.own([format!("{folder}/{value}").as_str()].into_iter(), name, files)
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A paragraph of dpkg's book; `None` of a package that is not, or no more, installed.
fn dpkg_package(paragraph: &str) -> Option<InstalledPackage> {
    let field = |key: &str| {
        paragraph
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(k, _)| *k == key)
            .map(|(_, value)| value.trim())
    };
    // In `status.d` there is no status: what is listed is there.
    let is_installed = field("Status").is_none_or(|status| status.ends_with(" installed"));
    let kilobytes: u64 = field("Installed-Size").and_then(|n| n.parse().ok()).unwrap_or(0);
    is_installed.then_some(())?;
    Some(InstalledPackage {
        name: field("Package")?.into(),
        version: field("Version").unwrap_or_default().into(),
        bytes: kilobytes.saturating_mul(1024),
        licence: None,
    })
}

#[cfg(test)]
mod tests {
    use tar::EntryType::{Regular, Symlink};

    use super::{super::files::tests::layer, *};

    fn read(files: &[(&str, tar::EntryType, u32, &str)]) -> Installed {
        let mut all = Files::default();
        all.add_layer(layer(files).as_slice(), u64::MAX).expect("read");
        Installed::read(&all)
    }

    #[test]
    fn dpkg() {
        let status = "Package: libc6\nStatus: install ok installed\nInstalled-Size: 13000\n\
                      Version: 2.41-12\n\nPackage: gone\nStatus: deinstall ok config-files\n\n\
                      Package: libc-bin\nStatus: install ok installed\nInstalled-Size: 20000\n";
        let installed = read(&[
            ("lib", Symlink, 0o777, "usr/lib"),
            ("usr/lib/libc.so.6", Regular, 0o755, ""),
            ("var/lib/dpkg/status", Regular, 0o644, status),
            ("var/lib/dpkg/info/libc6:amd64.list", Regular, 0o644, "/.\n/lib\n/lib/libc.so.6\n"),
            ("usr/lib/libperl.so", Regular, 0o755, ""),
            ("var/lib/dpkg/info/libperl5.40:amd64.list", Regular, 0o644, "/usr/lib/libperl.so\n"),
        ]);
        let names: Vec<_> = installed.packages.iter().map(|p| (p.name.as_str(), p.bytes)).collect();
        assert_eq!(names, [("libc-bin", 20_480_000), ("libc6", 13_312_000)]);
        assert_eq!(installed.owner("usr/lib/libc.so.6"), Some("libc6"));
        assert_eq!(installed.owner("usr/lib/libperl.so"), Some("libperl5.40"));
    }

    #[test]
    fn apk() {
        let book = "C:Q1x\nP:musl\nV:1.2.5-r21\nI:663552\nL:MIT\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n\
                    C:Q1y\nP:busybox\nV:1.37\nI:1\n";
        let installed = read(&[
            ("lib/ld-musl-x86_64.so.1", Regular, 0o755, ""),
            ("lib/apk/db/installed", Regular, 0o644, book),
        ]);
        assert_eq!(installed.packages.len(), 2);
        assert_eq!(installed.packages[0].licence.as_deref(), Some("MIT"));
        assert_eq!(installed.owner("lib/ld-musl-x86_64.so.1"), Some("musl"));
    }
}
