//! Names of images, taken apart.
//!
//! Takes `[registry/]repository[:tag][@digest]` or an image id; gives its parts as a daemon and a
//! registry want them.

use crate::failure::{Failure, Result};

/// The registry that a name without one means.
pub(in crate::engine) const DOCKER_HUB: &str = "docker.io";

/// How Podman's name of an image begins that came from no registry.
pub(in crate::engine) const NO_REGISTRY: &str = "localhost/";

/// A name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Reference {
    /// Registry and repository, as given.
    pub repository: String,
    /// The tag, if one is given.
    pub tag: Option<String>,
    /// `sha256:...`, if one is given.
    pub digest: Option<String>,
}

impl Reference {
    /// Takes a name apart.
    ///
    /// # Errors
    /// It holds what no image name holds. What goes on from here becomes part of an address, so
    /// nothing else is let through.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Failure::usage(format!("`{text}` is no image name"))
                .because(why)
                .hint("write it as NAME:TAG or NAME@sha256:DIGEST"))
        };
        let allowed = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '+')
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return refuse(&format!("it holds {c:?}"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return refuse("what follows `@` is no digest");
        }
        // A colon in the last component begins a tag; before that it begins a port.
        let component = name.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match name[component..].split_once(':') {
            Some((last, tag)) => (&name[..component + last.len()], Some(tag)),
            None => (name, None),
        };
        if repository.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return refuse("a component of it is empty");
        }
        if tag.is_some_and(|tag| tag.is_empty() || tag.contains(':')) {
            return refuse("its tag is empty or holds a colon");
        }
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// What of the repository is wanted: the digest where there is one, else the tag. Without
    /// either it is `latest`: a daemon that is given none fetches every tag.
    pub fn wanted(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The name under which a daemon has the image after it was fetched.
    pub fn local(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{}@{digest}", self.repository),
            (None, Some(tag)) => format!("{}:{tag}", self.repository),
            (None, None) => self.repository.clone(),
        }
    }

    /// The name with everything that it may leave out, or an id as it is. Docker takes a short name
    /// for an image of Docker Hub; Podman also for any other whose name only ends like that, so
    /// that `alpine:3.23` may come out as `localhost/mine/alpine:3.23`.
    pub fn full(&self) -> String {
        if self.is_id() {
            return self.local();
        }
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.full_repository()),
            None => format!("{}:{}", self.full_repository(), self.wanted()),
        }
    }

    /// The repository with its registry, whole.
    pub fn full_repository(&self) -> String {
        match (self.registry(), self.repository.strip_prefix("docker.io/")) {
            (DOCKER_HUB, inside) => {
                let inside = inside.unwrap_or(&self.repository);
                let folder = if inside.contains('/') { "" } else { "library/" };
                format!("{DOCKER_HUB}/{folder}{inside}")
            }
            _ => self.repository.clone(),
        }
    }

    /// Whether a daemon that has an image of the name `stored` has what this one means.
    pub fn means(&self, stored: &str) -> bool {
        self.is_of_repository(stored)
            && Self::parse(stored).is_ok_and(|stored| self.wanted() == stored.wanted())
    }

    /// Whether a daemon's name of an image is of the same repository. Podman stores what came from
    /// no registry, such as a loaded archive, as of the registry `localhost`.
    pub fn is_of_repository(&self, stored: &str) -> bool {
        Self::parse(stored).is_ok_and(|stored| {
            let loaded = stored.repository.strip_prefix(NO_REGISTRY);
            self.full_repository() == stored.full_repository()
                || (self.registry() == DOCKER_HUB
                    && loaded.is_some_and(|loaded| loaded == self.repository))
        })
    }

    /// Whether it is an image's id with its algorithm.
    pub fn is_id(&self) -> bool {
        self.digest.is_none() && is_digest(&self.local())
    }

    /// The registry's host, with its port if one is given.
    pub fn registry(&self) -> &str {
        match self.repository.split_once('/') {
            Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
            _ => DOCKER_HUB,
        }
    }
}

/// Whether `text` is a digest or an image id with its algorithm.
pub(in crate::engine) fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hash)| {
        !algorithm.is_empty()
            && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || "+._-".contains(c))
            && hash.len() >= 32
            && hash.chars().all(|c| c.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn parts(text: &str) -> (String, String, String) {
        let reference = Reference::parse(text).expect(text);
        (reference.registry().into(), reference.repository.clone(), reference.wanted().into())
    }

    #[test]
    fn names_are_taken_apart() {
        let is = |text: &str, registry: &str, repository: &str, wanted: &str| {
            assert_eq!(parts(text), (registry.into(), repository.into(), wanted.into()), "{text}");
        };
        is("alpine", DOCKER_HUB, "alpine", "latest");
        is("rust:1-bookworm", DOCKER_HUB, "rust", "1-bookworm");
        is("library/rust:1", DOCKER_HUB, "library/rust", "1");
        is("127.0.0.1:5000/rust:1-bookworm", "127.0.0.1:5000", "127.0.0.1:5000/rust", "1-bookworm");
        is("localhost/x", "localhost", "localhost/x", "latest");
        is("ghcr.io/a/b/c", "ghcr.io", "ghcr.io/a/b/c", "latest");
        is(&format!("rust@{DIGEST}"), DOCKER_HUB, "rust", DIGEST);
        is(&format!("h:1/rust:1.2@{DIGEST}"), "h:1", "h:1/rust", DIGEST);
    }

    #[test]
    fn the_local_name_is_the_exact_one() {
        let local = |text: &str| Reference::parse(text).expect(text).local();
        assert_eq!(local("rust:1"), "rust:1");
        assert_eq!(local("rust"), "rust");
        assert_eq!(local(&format!("rust:1@{DIGEST}")), format!("rust@{DIGEST}"));
        assert_eq!(local(DIGEST), DIGEST, "an id stays an id");
    }

    #[test]
    fn the_full_name_leaves_nothing_open() {
        let full = |text: &str| Reference::parse(text).expect(text).full();
        assert_eq!(full("rust"), "docker.io/library/rust:latest");
        assert_eq!(full("docker.io/rust:1"), "docker.io/library/rust:1");
        assert_eq!(full("a/rust:1"), "docker.io/a/rust:1");
        assert_eq!(full(&format!("rust:1@{DIGEST}")), format!("docker.io/library/rust@{DIGEST}"));
        assert_eq!(full("h:1/rust:1"), "h:1/rust:1");
        assert_eq!(full("localhost/a:1"), "localhost/a:1");
        assert_eq!(full(DIGEST), DIGEST, "an id stays an id");
    }

    #[test]
    fn the_same_image_under_the_names_of_daemons() {
        let means = |text: &str, stored| Reference::parse(text).expect(text).means(stored);
        assert!(means("alpine:3.23", "alpine:3.23"));
        assert!(means("alpine:3.23", "docker.io/library/alpine:3.23"));
        assert!(means("alpine", "localhost/alpine:latest"));
        assert!(means("libcmatrix/alpine:3.23", "localhost/libcmatrix/alpine:3.23"));
        assert!(means("localhost/a:1", "localhost/a:1"));
        assert!(!means("alpine:3.23", "localhost/libcmatrix/alpine:3.23"), "only ends like it");
        assert!(!means("alpine:3.23", "quay.io/alpine:3.23"));
        assert!(!means("localhost/a:1", "docker.io/library/a:1"));
        assert!(!means("alpine:3.23", "alpine:3.22"));
        assert!(means(&format!("a:1@{DIGEST}"), &format!("docker.io/library/a@{DIGEST}")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in
            ["", "a b", "a?b", "a#b", "../a", "a//b", "/a", "a:", "a:b:c", "a@sha256:12", "a%2e"]
        {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }
}
