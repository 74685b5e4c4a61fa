//! Packages of one image for another: what would happen if just they were installed there?
//!
//! Takes the layers of both images, and names of packages or programs; gives a layer for the second
//! image with the packages' files and the loader and libraries that their programs ask for. Nothing
//! that the second image has is replaced, so programs of one libc run beside those of the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Seek},
    path::Path,
};

use tar::{Archive, Builder, Entry, EntryType};

use super::{
    files::{FileKind, Files, LARGEST_READ, plain},
    needs,
    packages::Installed,
};
use crate::engine::saved::{LayerFile, header};

/// Where programs are looked for by their names.
const PATH: [&str; 6] = ["usr/local/bin", "usr/bin", "bin", "usr/local/sbin", "usr/sbin", "sbin"];

/// A layer for another image.
#[derive(Debug)]
pub(crate) struct Transplant {
    /// The files.
    pub layer: LayerFile,
    /// The packages that they are of, libraries left aside; programs of no package by their own names.
    pub packages: Vec<String>,
}

/// What is to be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Packages, by their names in `from`.
    pub packages: Vec<String>,
    /// Programs, whose packages are added; words of which many may be none. What `to` has, or `from` has
    /// not, is left aside.
    pub programs: Vec<String>,
}

/// Makes the layer. The inner error says why there is nothing to add.
///
/// # Errors
/// A layer cannot be read, or the disk is full.
pub(crate) fn transplant(
    from: &[LayerFile],
    to: &[LayerFile],
    wanted: &Wanted,
    scratch: &Path,
) -> io::Result<Result<Transplant, String>> {
    let (from_files, to_files) = (files(from)?, files(to)?);
    let installed = Installed::read(&from_files);
    let mut packages = BTreeSet::new();
    let mut taken = BTreeSet::new();
    packages.extend(wanted.packages.iter().filter(|name| installed.has(name)).cloned());
    let mut alone = Vec::new();
    for name in &wanted.programs {
        let Some(path) = program(name, &from_files, &to_files) else { continue };
        let chain = from_files.chain(&path);
        let owners: Vec<&str> = chain.iter().filter_map(|p| installed.owner(p)).collect();
        if owners.is_empty() {
            alone.push(name.clone());
        }
        packages.extend(owners.into_iter().map(str::to_owned));
        taken.extend(chain);
    }
    taken.extend(packages.iter().flat_map(|p| installed.files_of(p)).map(str::to_owned));
    if taken.is_empty() {
        return Ok(Err("the baseline's image does not have it either".into()));
    }
    let mut landings = landings(&taken, &from_files, &to_files);
    if landings.is_empty() {
        return Ok(Err("the image has it already".into()));
    }
    let programs: Vec<String> = landings.keys().cloned().collect();
    let (libraries, _) = needs::resolve(&programs, &from_files);
    let libraries = libraries.iter().flat_map(|(_, path)| from_files.chain(path)).collect();
    landings.extend(self::landings(&libraries, &from_files, &to_files));
    let layer = pack(from, &landings, &aliases(&landings, &from_files, &to_files), scratch)?;
    let packages = packages.into_iter().chain(alone).collect();
    Ok(Ok(Transplant { layer, packages }))
}

fn files(layers: &[LayerFile]) -> io::Result<Files> {
    let mut files = Files::default();
    for layer in layers {
        files.add_layer(layer.reader()?, LARGEST_READ)?;
    }
    Ok(files)
}

/// The path of a program that `to` does not have.
fn program(name: &str, from: &Files, to: &Files) -> Option<String> {
    let find = |files: &Files| {
        PATH.iter().map(|folder| format!("{folder}/{name}")).find(|path| {
            let file = files.resolve(path).map(|(_, file)| file);
            file.is_some_and(|f| matches!(f.kind, FileKind::File(_)) && f.mode & 0o111 != 0)
        })
    };
    if name.is_empty() || name.contains('/') || find(to).is_some() { None } else { find(from) }
}

/// Where in `to` files and links of `from` are put. What `to` has is left out, and so is a program of a
/// name that it has in any folder: who calls it would get the other one.
fn landings(places: &BTreeSet<String>, from: &Files, to: &Files) -> BTreeMap<String, String> {
    let is_there =
        |place: &String| from.at(place).is_some_and(|file| !matches!(file.kind, FileKind::Other));
    let landing = |place: &String| {
        let landing = to.place(place).filter(|landing| to.at(landing).is_none())?;
        let (folder, name) = landing.rsplit_once('/').unwrap_or_default();
        let is_program = PATH.iter().any(|known| to.place(known).as_deref() == Some(folder))
            || PATH.contains(&folder);
        if is_program && PATH.iter().any(|folder| to.resolve(&format!("{folder}/{name}")).is_some())
        {
            return None;
        }
        Some((place.clone(), landing))
    };
    places.iter().filter(|place| is_there(place)).filter_map(landing).collect()
}

/// Links, so that what `from` has under two names, as `/bin/x` and `/usr/bin/x`, has both in `to`.
fn aliases(
    landings: &BTreeMap<String, String>,
    from: &Files,
    to: &Files,
) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    for (top, file) in from.iter().filter(|(path, _)| !path.contains('/')) {
        let (FileKind::Link(target), Some((folder, _))) = (&file.kind, from.resolve(top)) else {
            continue;
        };
        let below =
            |place: &String| place.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'));
        let mut below = landings.iter().filter(|(place, _)| below(place)).peekable();
        if below.peek().is_none() {
            continue;
        }
        if to.at(top).is_none() {
            aliases.insert(top.to_owned(), target.clone());
        } else if to.resolve(top).is_none_or(|(path, _)| path != folder) {
            for (place, landing) in below {
                let alias = to.place(&format!("{top}{}", &place[folder.len()..]));
                if let Some(alias) = alias.filter(|alias| to.at(alias).is_none()) {
                    aliases.insert(alias, format!("/{landing}"));
                }
            }
        }
    }
    aliases
}

fn pack(
    from: &[LayerFile],
    landings: &BTreeMap<String, String>,
    aliases: &BTreeMap<String, String>,
    scratch: &Path,
) -> io::Result<LayerFile> {
    let mut tar = Builder::new(tempfile::tempfile_in(scratch)?);
    let mut left = landings.clone();
    // What a layer has replaces what is below it.
    for layer in from.iter().rev() {
        for entry in Archive::new(layer.reader()?).entries()? {
            let entry = entry?;
            if let Some(landing) = plain(&entry.path_bytes()).and_then(|path| left.remove(&path)) {
                append(&mut tar, entry, &landing)?;
            }
        }
    }
    for (alias, target) in aliases {
        tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), alias, target)?;
    }
    let mut packed = tar.into_inner()?;
    packed.rewind()?;
    LayerFile::copy(packed, scratch)
}

fn append(
    tar: &mut Builder<std::fs::File>,
    entry: Entry<'_, impl io::Read>,
    landing: &str,
) -> io::Result<()> {
    let mode = entry.header().mode()?;
    let target = entry.link_name()?.map(|target| target.into_owned());
    match (entry.header().entry_type(), target) {
        (EntryType::Symlink, Some(target)) => {
            tar.append_link(&mut header(EntryType::Symlink, mode, 0), landing, target)
        }
        // Its other name is there as well, but need not be in this layer.
        (EntryType::Link, Some(target)) => {
            let target = Path::new("/").join(target);
            tar.append_link(&mut header(EntryType::Symlink, mode, 0), landing, target)
        }
        _ => {
            let mut header = header(EntryType::Regular, mode, entry.size());
            tar.append_data(&mut header, landing, entry)
        }
    }
}

#[cfg(test)]
mod tests {
    use tar::EntryType::{Directory, Link, Regular, Symlink};

    use super::{super::files::tests::layer, *};

    const STATUS: &str = "Package: bash\nStatus: install ok installed\n\n\
                          Package: mawk\nStatus: install ok installed\n\n\
                          Package: coreutils\nStatus: install ok installed\n";

    fn debian(folder: &Path) -> LayerFile {
        let files = layer(&[
            ("bin", Symlink, 0o777, "usr/bin"),
            ("lib64", Symlink, 0o777, "usr/lib64"),
            ("usr/lib64/", Directory, 0o755, ""),
            ("usr/bin/", Directory, 0o755, ""),
            ("usr/bin/bash", Regular, 0o755, "the shell"),
            ("usr/bin/rbash", Symlink, 0o777, "bash"),
            ("usr/bin/bash5", Link, 0o755, "usr/bin/bash"),
            ("usr/bin/mawk", Regular, 0o755, "awk"),
            ("usr/bin/awk", Symlink, 0o777, "/etc/alternatives/awk"),
            ("etc/alternatives/awk", Symlink, 0o777, "/usr/bin/mawk"),
            ("usr/bin/date", Regular, 0o755, "GNU"),
            ("usr/bin/dir", Regular, 0o755, "GNU"),
            ("var/lib/dpkg/status", Regular, 0o644, STATUS),
            ("var/lib/dpkg/info/bash.list", Regular, 0o644, "/bin/bash\n/bin/rbash\n/bin/bash5\n"),
            ("var/lib/dpkg/info/mawk.list", Regular, 0o644, "/usr/bin/mawk\n"),
            ("var/lib/dpkg/info/coreutils.list", Regular, 0o644, "/usr/bin/date\n/usr/bin/dir\n"),
        ]);
        LayerFile::copy(files.as_slice(), folder).expect("a layer")
    }

    fn alpine(folder: &Path) -> LayerFile {
        let files = layer(&[
            ("bin/", Directory, 0o755, ""),
            ("bin/busybox", Regular, 0o755, ""),
            ("bin/date", Symlink, 0o777, "/bin/busybox"),
        ]);
        LayerFile::copy(files.as_slice(), folder).expect("a layer")
    }

    type Pairs = Vec<(String, String)>;

    /// The packages, and what is in the layer: path, and content or target.
    fn made(packages: &[&str], programs: &[&str]) -> Result<(Vec<String>, Pairs), String> {
        let folder = tempfile::tempdir().expect("a folder");
        let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect();
        let wanted = Wanted { packages: names(packages), programs: names(programs) };
        let (from, to) = ([debian(folder.path())], [alpine(folder.path())]);
        let made = transplant(&from, &to, &wanted, folder.path()).expect("read")?;
        let mut archive = Archive::new(made.layer.reader().expect("opened"));
        let entries = archive.entries().expect("an archive").map(|entry| {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            let mut content = String::new();
            match entry.link_name().expect("a target") {
                Some(target) => content = format!("-> {}", target.display()),
                None => drop(io::Read::read_to_string(&mut entry, &mut content).expect("read")),
            }
            (path, content)
        });
        Ok((made.packages, entries.collect()))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(path, what)| ((*path).to_owned(), (*what).to_owned())).collect()
    }

    #[test]
    fn a_package_is_put_where_its_files_are_looked_for() {
        let (packages, files) = made(&["bash"], &[]).expect("made");
        assert_eq!(packages, ["bash"]);
        let expected = [
            ("usr/bin/bash", "the shell"),
            ("usr/bin/rbash", "-> bash"),
            ("usr/bin/bash5", "-> /usr/bin/bash"),
            // Here `/bin` is a folder of its own.
            ("bin/bash", "-> /usr/bin/bash"),
            ("bin/bash5", "-> /usr/bin/bash5"),
            ("bin/rbash", "-> /usr/bin/rbash"),
        ];
        assert_eq!(files, pairs(&expected));
    }

    #[test]
    fn a_program_brings_its_package_and_the_links_to_it() {
        let (packages, files) = made(&[], &["to", "start", "awk"]).expect("made");
        assert_eq!(packages, ["mawk"]);
        let expected = [
            ("usr/bin/mawk", "awk"),
            ("usr/bin/awk", "-> /etc/alternatives/awk"),
            ("etc/alternatives/awk", "-> /usr/bin/mawk"),
            ("bin/awk", "-> /usr/bin/awk"),
            ("bin/mawk", "-> /usr/bin/mawk"),
        ];
        assert_eq!(files, pairs(&expected));
    }

    /// Programs are looked for in `/usr/bin` first, and Alpine has its own in `/bin`.
    #[test]
    fn nothing_is_replaced_wherever_it_stands() {
        let (packages, files) = made(&["coreutils"], &[]).expect("made");
        assert_eq!(packages, ["coreutils"]);
        assert_eq!(files, pairs(&[("usr/bin/dir", "GNU"), ("bin/dir", "-> /usr/bin/dir")]));
        let missing = "the baseline's image does not have it either";
        assert_eq!(made(&["perl"], &["perl"]).unwrap_err(), missing);
        assert_eq!(made(&[], &["date"]).unwrap_err(), missing, "it is no program that is missing");
        assert_eq!(made(&[], &["coreutils"]).unwrap_err(), missing, "a word is no package");
    }

    /// What an image of another libc needs of its own comes along.
    #[test]
    fn libraries_come_along() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = [debian(folder.path())];
        let (mut from_files, to) = (files(&from).expect("read"), Files::default());
        let asked = crate::image_contents::files::Needs {
            interpreter: Some("/lib64/ld-linux.so.2".into()),
            ..Default::default()
        };
        from_files.put_elf("usr/bin/bash", asked);
        from_files.put_elf("usr/lib64/ld-linux.so.2", Default::default());
        let (libraries, missing) = needs::resolve(&["usr/bin/bash".into()], &from_files);
        assert_eq!(missing, [""; 0]);
        let chain: BTreeSet<String> =
            libraries.iter().flat_map(|(_, path)| from_files.chain(path)).collect();
        let landings = landings(&chain, &from_files, &to);
        let aliases = aliases(&landings, &from_files, &to);
        assert_eq!(aliases.get("lib64").map(String::as_str), Some("usr/lib64"));
        assert!(landings.contains_key("usr/lib64/ld-linux.so.2"));
    }
}
