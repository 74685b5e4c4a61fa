//! Digests: what content is named by, and the check that it is that content.
//!
//! Takes bytes, whole or as they pass; gives `sha256:...`. Other algorithms are not known here; no
//! registry in use needs them.

use std::{
    fmt,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "sha256:";

/// A digest by SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::engine) struct Digest(String);

impl Digest {
    /// Reads `sha256:...`. What comes out is fit for a file's name.
    pub fn parse(text: &str) -> Option<Self> {
        let hash = text.strip_prefix(ALGORITHM)?;
        let is_hash =
            hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| Self(text.to_owned()))
    }

    /// Of whole content.
    pub fn of(content: &[u8]) -> Self {
        Self::from_hash(Sha256::new_with_prefix(content))
    }

    /// Of what was hashed.
    pub fn from_hash(hash: Sha256) -> Self {
        use fmt::Write as _;
        let mut text = ALGORITHM.to_owned();
        for byte in hash.finalize() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// With its algorithm.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without its algorithm.
    pub fn hash(&self) -> &str {
        &self.0[ALGORITHM.len()..]
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of what passes by.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Passed(Arc<Mutex<Sha256>>);

impl Passed {
    /// Reads through this.
    pub fn reader<R: Read>(&self, inner: R) -> Passing<R> {
        Passing { inner, passed: self.clone() }
    }

    /// Of what has passed so far.
    pub fn digest(&self) -> Digest {
        Digest::from_hash(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// A reader that takes the digest of what it reads.
pub(in crate::engine) struct Passing<R> {
    inner: R,
    passed: Passed,
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.passed.0.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_are_taken() {
        assert_eq!(Digest::of(b"abc").as_str(), OF_ABC);
        let passed = Passed::default();
        io::copy(&mut passed.reader(&b"abc"[..]), &mut io::sink()).expect("read");
        assert_eq!(passed.digest().as_str(), OF_ABC);
    }

    #[test]
    fn what_is_no_digest() {
        let hash = &OF_ABC["sha256:".len()..];
        assert_eq!(Digest::parse(OF_ABC).expect("one").hash(), hash);
        for text in [
            "",
            hash,
            &OF_ABC[..70],
            &format!("{OF_ABC}0"),
            &OF_ABC.to_uppercase(),
            &format!("sha512:{hash}{hash}"),
            "sha256:../../../../../../../../../../../../../../../../../../etc/passwd",
        ] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }
}
