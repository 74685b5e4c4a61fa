//! Trees of files on disk: unpacked from archives, packed into them, removed.
//!
//! Everything in an archive, and everything a sandbox has left in a tree, is hostile: no entry may
//! reach a file outside the tree, whatever links lie in it. So nothing here hands a path of several
//! components to the kernel. `place` goes down one component at a time, by descriptors, and reads
//! symbolic links itself, with the tree's root as the root; `walk` goes through whole trees the
//! same way. That needs no `chroot`, no rights and no particular kernel.
//!
//! ```text
//! tar ──entries──> unpack ──place──> *at calls        attributes: owner, mode, times
//!                    └─whiteouts                       walk: finish, remove, pack
//! ```

mod attributes;
mod entries;
mod pack;
mod place;
mod remove;
mod shown;
mod unpack;
mod walk;
mod whiteout;

pub use pack::pack;
pub use remove::remove;
pub use unpack::unpack;
