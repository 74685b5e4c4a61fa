//! The crate that the project beside this directory depends on by path.

pub fn answer() -> u32 {
    42
}
