//! Named sets of symbols (`rules/tables/*.txt`): one name a line, `#` begins a comment; what follows a
//! tab is a value.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

type Lists = HashMap<&'static str, HashSet<&'static str>>;

fn lists() -> &'static Lists {
    static LISTS: OnceLock<Lists> = OnceLock::new();
    LISTS.get_or_init(|| {
        super::rulebook::tables().map(|(name, text)| (name, entries(text).collect())).collect()
    })
}

/// A set by its name, e.g. `glibc-only`.
pub(super) fn list(name: &str) -> Option<&'static HashSet<&'static str>> {
    lists().get(name)
}

/// The name itself, if there is such a set.
pub(super) fn list_name(name: &str) -> Option<&'static str> {
    lists().get_key_value(name).map(|(name, _)| *name)
}

fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .map(|line| line.split_once('#').map_or(line, |(before, _)| before))
        .filter_map(|line| line.split('\t').next())
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_values_are_no_names() {
        let names: Vec<_> = entries("# a list\nfoo\nbar\t1.2.3\n\n  baz # why\n").collect();
        assert_eq!(names, ["foo", "bar", "baz"]);
    }
}
