//! What every engine needs to know of registries: how images are named, and whose credentials count.
//!
//! Takes names as users write them and the `docker` command's configuration; gives their parts.

pub(super) mod client_config;
pub(super) mod credentials;
pub(super) mod hint;
pub(super) mod reference;
