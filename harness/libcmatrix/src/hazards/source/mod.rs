//! Rust sources, read as the compiler reads them for the musl target: only what is compiled counts.
//!
//! - [`condition`]: whether a `#[cfg(..)]` holds
//! - [`parse`]: syntax trees, safe on anything
//! - [`libc_items`]: the names that the `libc` crate has for a target
//! - [`uses`], [`seen`]: what one file uses and declares
//! - [`modules`]: the files of a crate, module by module

mod attributes;
pub mod condition;
pub mod libc_items;
mod macros;
pub mod modules;
pub mod parse;
pub mod seen;
pub mod uses;
