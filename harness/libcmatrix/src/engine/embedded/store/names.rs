//! Which name stands for which image.
//!
//! Takes names as users write them; gives image ids. A name with a tag may move to another image, one
//! with a registry's digest (`name@sha256:...`) never does. Kept in one small file that is replaced as
//! a whole.

use std::{collections::BTreeMap, fs, io};

use super::{
    layout::{Layout, replace},
    lock::{Kind, Lock},
};
use crate::{
    engine::registry::reference::{DOCKER_HUB, Reference},
    failure::{Failure, Result},
};

/// Names and image ids.
pub(super) type Names = BTreeMap<String, String>;

/// The one way in which a name is kept, whatever way of several it is written: as Docker shows it, with
/// a tag or a digest, and without the parts that go without saying.
pub(super) fn name(reference: &Reference) -> String {
    let repository = repository(reference);
    match &reference.digest {
        Some(digest) => format!("{repository}@{digest}"),
        None => format!("{repository}:{}", reference.wanted()),
    }
}

/// The same without tag and digest.
pub(super) fn repository(reference: &Reference) -> String {
    let full = reference.repository.as_str();
    if reference.registry() != DOCKER_HUB && reference.registry() != HUB_INDEX {
        return full.to_owned();
    }
    path(reference).strip_prefix("library/").map_or_else(|| path(reference), str::to_owned)
}

/// Another name of Docker Hub.
const HUB_INDEX: &str = "index.docker.io";

/// The repository without its registry, as the registry names it.
pub(super) fn path(reference: &Reference) -> String {
    let full = reference.repository.as_str();
    let registry = reference.registry();
    let path = full.strip_prefix(registry).and_then(|rest| rest.strip_prefix('/')).unwrap_or(full);
    if (registry == DOCKER_HUB || registry == HUB_INDEX) && !path.contains('/') {
        return format!("library/{path}");
    }
    path.to_owned()
}

/// The repository of a kept name.
pub(super) fn repository_of(name: &str) -> &str {
    match name.split_once('@') {
        Some((repository, _)) => repository,
        None => name.rsplit_once(':').map_or(name, |(repository, _)| repository),
    }
}

/// Whether a kept name is one with a registry's digest.
pub(super) fn is_pinned(name: &str) -> bool {
    name.contains('@')
}

/// Reads all names.
///
/// # Errors
/// The file is damaged or cannot be read.
pub(super) fn read(layout: &Layout) -> Result<Names> {
    let path = layout.names();
    let failed = |why: &dyn std::fmt::Display| {
        Failure::environment("cannot read the names of the stored images")
            .because(why)
            .hint(format!("remove {} and fetch the images again", path.display()))
    };
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Names::new()),
        Err(error) => Err(failed(&error)),
    }
}

/// Changes the names; nobody else does meanwhile.
///
/// # Errors
/// The file is damaged, or the disk is full.
pub(super) async fn change<T: Send>(
    layout: &Layout,
    change: impl FnOnce(&mut Names) -> T + Send,
) -> Result<T> {
    let failed =
        |error| Failure::environment("cannot change the names of the stored images").because(error);
    let _lock = Lock::wait(&layout.locks().join("names"), Kind::Exclusive).await.map_err(failed)?;
    let before = read(layout)?;
    let mut names = before.clone();
    let done = change(&mut names);
    if names != before {
        let text = serde_json::to_vec_pretty(&names).unwrap_or_default();
        replace(&layout.names(), &text).map_err(failed)?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_one_way() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let is = |text: &str, expected: &str| {
            assert_eq!(name(&Reference::parse(text).expect(text)), expected, "{text}");
        };
        for text in [
            "rust",
            "rust:latest",
            "library/rust",
            "docker.io/rust",
            "docker.io/library/rust",
            "index.docker.io/library/rust:latest",
        ] {
            is(text, "rust:latest");
        }
        is("docker.io/a/b:1", "a/b:1");
        is("127.0.0.1:5000/rust", "127.0.0.1:5000/rust:latest");
        is("ghcr.io/library/rust:1", "ghcr.io/library/rust:1");
        is(&format!("docker.io/library/rust:1@{digest}"), &format!("rust@{digest}"));
        let path = |text: &str| path(&Reference::parse(text).expect(text));
        assert_eq!(path("rust"), "library/rust");
        assert_eq!(path("localhost:5000/rust"), "rust");
        assert_eq!(path("docker.io/a/b"), "a/b");
        assert_eq!(repository_of("h:5000/a:1"), "h:5000/a");
        assert_eq!(repository_of(&format!("h:5000/a@{digest}")), "h:5000/a");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_change_them_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = Layout::make(folder.path().to_path_buf()).expect("made");
        let one = |number: u32| {
            let layout = layout.clone();
            tokio::spawn(async move {
                change(&layout, |names| names.insert(format!("n:{number}"), "id".into())).await
            })
        };
        let all: Vec<_> = (0..20).map(one).collect();
        for one in all {
            one.await.expect("no panic").expect("changed");
        }
        assert_eq!(read(&layout).expect("read").len(), 20);
        fs::write(layout.names(), "{").expect("written");
        let failure = read(&layout).expect_err("damaged");
        assert!(failure.hint.is_some_and(|hint| hint.contains("names.json")));
    }
}
