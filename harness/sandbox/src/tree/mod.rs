//! Trees of files on disk: unpacked from archives, packed into them, removed.
//!
//! Everything in an archive, and everything a sandbox has left in a tree, is hostile: no entry may
//! reach a file outside the tree, whatever links lie in it.
