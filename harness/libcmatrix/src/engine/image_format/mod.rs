//! Images as files: archives, manifests, configurations, layers.
//!
//! Takes archives and documents as registries and other programs write them; gives the images in them.
//! Nothing is unpacked here, and no engine is asked.

pub(super) mod archive;
pub(super) mod decompress;
pub(super) mod described;
pub(super) mod digest;
pub(super) mod manifest;
pub mod saved;
pub(super) mod source;
