//! What a Dockerfile's `COPY` finds: the folder it belongs to, as an archive.
//!
//! Takes the folder and the Dockerfile; gives the archive, without what `.dockerignore` names. Rules of that
//! file: <https://docs.docker.com/build/concepts/context/#dockerignore-files>. A pattern that names a
//! folder holds for all in it; the last pattern that holds decides; `!` takes back.

use std::{
    fs,
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use regex::Regex;
use tar::{Builder, EntryType, Header};
use walkdir::WalkDir;

use crate::{
    failure::{Failure, Result},
    folders::RUNS,
};

/// The Dockerfile's name in the archive where it is not of the folder.
const OUTSIDE: &str = ".libcmatrix.Dockerfile";

/// Writes the archive; gives the Dockerfile's name in it.
///
/// # Errors
/// The Dockerfile or a file of the folder cannot be read, or the disk is full.
pub fn pack(folder: &Path, dockerfile: &Path, to: impl Write) -> Result<String> {
    let failed = |error: io::Error| {
        Failure::usage(format!("{} cannot be sent to be built", dockerfile.display()))
            .because(error)
            .hint("a .dockerignore beside it leaves out what the build does not need")
    };
    let real = dockerfile.canonicalize().map_err(failed)?;
    let folder = folder.canonicalize().map_err(failed)?;
    let ignored = Ignored::read(&folder, &real).map_err(failed)?;
    let mut tar = Builder::new(to);
    tar.follow_symlinks(false);
    let name = match real.strip_prefix(&folder) {
        Ok(path) => plain(path),
        Err(_) => OUTSIDE.to_owned(),
    };
    // Sent whatever the file says: the build cannot begin without.
    tar.append_path_with_name(&real, &name).map_err(failed)?;
    let all = WalkDir::new(&folder).min_depth(1).sort_by_file_name().into_iter();
    let wanted = all.filter_entry(|entry| {
        entry.path().strip_prefix(&folder).is_ok_and(|path| !ignored.whole(path))
            && !holds_runs(entry.path())
    });
    for entry in wanted {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let Ok(path) = entry.path().strip_prefix(&folder) else { continue };
        if ignored.is(path) || path == Path::new(&name) {
            continue;
        }
        add(&mut tar, entry.path(), path).map_err(failed)?;
    }
    tar.into_inner().and_then(|mut to| to.flush()).map_err(failed)?;
    Ok(name)
}

/// Whether libcmatrix keeps runs in a folder: with them the image would grow by every run.
fn holds_runs(folder: &Path) -> bool {
    fs::read_to_string(folder.join("CACHEDIR.TAG")).is_ok_and(|tag| tag.contains(RUNS))
}

/// Adds what stands at a path. Sockets and devices are left out, as Docker does.
fn add(tar: &mut Builder<impl Write>, from: &Path, path: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?;
    if kind.is_symlink() {
        let mut header = Header::new_gnu();
        header.set_metadata(&kind);
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, path, fs::read_link(from)?)
    } else if kind.is_dir() {
        tar.append_dir(path, from)
    } else if kind.is_file() {
        tar.append_path_with_name(from, path)
    } else {
        Ok(())
    }
}

/// Patterns of a `.dockerignore`, in order, with whether they leave out or take back.
#[derive(Debug, Default)]
struct Ignored(Vec<(Regex, bool)>);

impl Ignored {
    /// The Dockerfile's own file goes before that of the folder.
    fn read(folder: &Path, dockerfile: &Path) -> io::Result<Self> {
        let mut own = dockerfile.as_os_str().to_owned();
        own.push(".dockerignore");
        for path in [PathBuf::from(own), folder.join(".dockerignore")] {
            match fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &str) -> io::Result<Self> {
        let mut patterns = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (pattern, leaves_out) = match line.strip_prefix('!') {
                Some(pattern) => (pattern.trim(), false),
                None => (line, true),
            };
            let pattern = plain(Path::new(pattern));
            if pattern.is_empty() {
                continue;
            }
            let pattern = expression(&pattern).ok_or_else(|| {
                io::Error::other(format!(".dockerignore: `{line}` is no pattern"))
            })?;
            patterns.push((pattern, leaves_out));
        }
        Ok(Self(patterns))
    }

    /// Whether a path is left out.
    fn is(&self, path: &Path) -> bool {
        let holds = |pattern: &Regex| {
            let mut parts = path.ancestors().filter(|part| !part.as_os_str().is_empty());
            parts.any(|part| pattern.is_match(&part.to_string_lossy()))
        };
        let last = self.0.iter().rev().find(|(pattern, _)| holds(pattern));
        last.is_some_and(|(_, leaves_out)| *leaves_out)
    }

    /// Whether it is left out with all that is in it, so that nobody need look there.
    fn whole(&self, path: &Path) -> bool {
        self.is(path) && self.0.iter().all(|(_, leaves_out)| *leaves_out)
    }
}

/// A pattern as Docker reads it: Go's `filepath.Match`, and `**` for any number of folders.
fn expression(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                chars.next_if_eq(&'/');
                text += if chars.peek().is_none() { ".*" } else { "(.*/)?" };
            }
            '*' => text += "[^/]*",
            '?' => text += "[^/]",
            '\\' => text += &regex::escape(&chars.next()?.to_string()),
            '[' => {
                let mut class = String::from("[");
                if chars.next_if_eq(&'^').is_some() {
                    class.push('^');
                }
                loop {
                    match chars.next()? {
                        ']' => break,
                        '\\' => class += &regex::escape(&chars.next()?.to_string()),
                        '-' => class.push('-'),
                        c => class += &regex::escape(&c.to_string()),
                    }
                }
                text += &class;
                text.push(']');
            }
            c => text += &regex::escape(&c.to_string()),
        }
    }
    Regex::new(&(text + "$")).ok()
}

/// A path with neither a slash at its ends nor dots in it.
fn plain(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ignored(text: &str, path: &str) -> bool {
        Ignored::parse(text).expect("patterns").is(Path::new(path))
    }

    #[test]
    fn patterns_hold_as_docker_has_them() {
        assert!(ignored("target", "target/debug/app") && !ignored("target", "src/target"));
        assert!(ignored("/target/", "target"));
        assert!(ignored("**/*.log", "a/b/c.log") && ignored("**/*.log", "c.log"));
        assert!(ignored("*.log", "c.log") && !ignored("*.log", "a/c.log"));
        assert!(ignored("*/b", "a/b") && !ignored("*/b", "a/c/b"));
        assert!(!ignored("# target\n\n", "target"));
        assert!(ignored("**x", "a/b/x") && !ignored("**x", "a/bx") && ignored("a**", "a/b"));
        assert!(ignored("[^a]x", "bx") && !ignored("[^a]x", "ax") && ignored("[a-c]x", "bx"));
        assert!(ignored("a?c", "abc") && !ignored("a?c", "a/c") && ignored("\\!x", "!x"));
        assert!(!ignored("a.c", "abc") && Ignored::parse("[a").is_err());
        let back = "target\n!target/app\ntarget/app/secret";
        assert!(ignored(back, "target/x") && !ignored(back, "target/app"));
        assert!(ignored(back, "target/app/secret"));
    }

    fn packed(folder: &Path, dockerfile: &Path) -> (String, BTreeSet<String>) {
        let mut tar = Vec::new();
        let name = pack(folder, dockerfile, &mut tar).expect("packed");
        let mut archive = tar::Archive::new(tar.as_slice());
        let entries = archive.entries().expect("an archive");
        let path = |entry: io::Result<tar::Entry<'_, _>>| {
            let entry = entry.expect("an entry");
            entry.path().expect("a path").to_string_lossy().trim_end_matches('/').to_owned()
        };
        (name, entries.map(path).collect())
    }

    #[test]
    fn what_is_named_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["src", "target/debug", "docker"] {
            fs::create_dir_all(at(path)).expect("made");
        }
        for path in ["src/main.rs", "target/debug/app", "docker/Dockerfile"] {
            fs::write(at(path), "x").expect("written");
        }
        fs::write(at(".dockerignore"), "target\ndocker\n!target/debug/app\n").expect("written");
        std::os::unix::fs::symlink("nowhere", at("link")).expect("linked");
        let (name, paths) = packed(folder.path(), &at("docker/Dockerfile"));
        assert_eq!(name, "docker/Dockerfile");
        let expected = [".dockerignore", "docker/Dockerfile", "link", "src", "src/main.rs"];
        let mut expected: BTreeSet<String> = expected.map(str::to_owned).into();
        expected.insert("target/debug/app".into());
        assert_eq!(paths, expected);
        fs::create_dir(at("runs")).expect("made");
        fs::write(at("runs/CACHEDIR.TAG"), format!("Signature\n{RUNS}\n")).expect("written");
        let (_, with_runs) = packed(folder.path(), &at("docker/Dockerfile"));
        assert_eq!(with_runs, paths, "runs are no part of the project");
        let other = tempfile::tempdir().expect("a folder");
        let (name, paths) = packed(other.path(), &at("docker/Dockerfile"));
        assert_eq!((name.as_str(), paths.len()), (OUTSIDE, 1));
        let failure = pack(folder.path(), &at("none"), Vec::new()).expect_err("refused");
        assert!(failure.to_string().contains("none"), "{failure}");
    }
}
