//! Symbols that only glibc has. Data.

use std::{collections::HashSet, sync::LazyLock};

static NAMES: LazyLock<HashSet<&'static [u8]>> =
    LazyLock::new(|| glibc_only_symbols().map(str::as_bytes).collect());

/// The symbols that glibc exports and musl does not.
pub fn glibc_only_symbols() -> impl Iterator<Item = &'static str> {
    include_str!("glibc-only-symbols.txt").lines().filter(|line| !line.starts_with('#'))
}

/// Whether glibc exports a symbol of that name and musl does not.
pub(crate) fn has(name: &[u8]) -> bool {
    NAMES.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_libraries_are_in_no_list() {
        for name in ["__memcpy_chk", "open64", "backtrace", "__isoc23_strtol", "_dl_find_object"] {
            assert!(has(name.as_bytes()), "{name}");
        }
        for name in ["open", "malloc", "__stack_chk_fail", "__isoc99_sscanf", "# Symbols", ""] {
            assert!(!has(name.as_bytes()), "{name}");
        }
    }
}
