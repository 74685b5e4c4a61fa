//! What is known of an image that is in the store.
//!
//! Takes what its configuration says; gives what is written down beside its tree, and reads that.

use serde::{Deserialize, Serialize};

use super::described::{Described, ImageConfig};

/// The form of `image.json`. Another one is taken for no image, which is then fetched anew.
const FORM: u32 = 1;

/// An image as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredImage {
    form: u32,
    /// The digest of its configuration, by which it is named.
    pub id: String,
    /// Its architecture as the image format names it, e.g. `amd64`.
    pub architecture: String,
    /// What it wants its programs to have.
    pub config: ImageConfig,
    /// Bytes of all its layers, unpacked.
    pub size_bytes: u64,
}

impl StoredImage {
    /// As it is kept, given the bytes of its layers.
    pub(super) fn of(image: &Described, size_bytes: u64) -> Self {
        Self {
            form: FORM,
            id: image.id.to_string(),
            architecture: image.architecture.clone(),
            config: image.config.clone(),
            size_bytes,
        }
    }

    /// Reads what [`StoredImage::write`] gives.
    pub(in crate::engine) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(text).ok().filter(|image| image.form == FORM)
    }

    /// As it is written down.
    pub(in crate::engine) fn write(&self) -> Vec<u8> {
        // It holds nothing that JSON cannot.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::described::document_of, *};
    use crate::engine::image_format::digest::Digest;

    #[test]
    fn what_is_written_comes_back() {
        let image = Described::read(&document_of(&Digest::of(b"layer"))).expect("an image");
        let stored = StoredImage::of(&image, 7);
        assert_eq!(StoredImage::read(&stored.write()), Some(stored.clone()));
        let other =
            String::from_utf8(stored.write()).expect("text").replace("\"form\": 1", "\"form\": 2");
        assert_eq!(StoredImage::read(other.as_bytes()), None);
    }
}
