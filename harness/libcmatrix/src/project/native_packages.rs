//! The packages that a native dependency needs to be built, by whatever of it is known: the crate, the
//! name by which pkg-config or a linker asks, a header, a library, a program. Data with lookups.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

/// The data. It is a part of the program, and a test reads it.
const TEXT: &str = include_str!("native_packages.toml");

static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(TEXT).unwrap_or_default());

/// What is to be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Names for `apt-get install`, of Debian 12 and 13.
    #[serde(default)]
    pub debian: Vec<String>,
    /// Names for `apk add`.
    #[serde(default)]
    pub alpine: Vec<String>,
    /// What Alpine needs on top to link statically.
    #[serde(default)]
    pub alpine_static: Vec<String>,
    /// Packages of Debian that hold a part of it, as its own images do: `perl-base` of perl.
    #[serde(default)]
    pub debian_also: Vec<String>,
    /// What to know besides, in one line.
    #[serde(default)]
    pub note: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    library: Vec<Entry>,
    #[serde(default)]
    tool: BTreeMap<String, Packages>,
}

/// One native library, with the names that lead to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Crates that link it.
    #[serde(default)]
    crates: Vec<String>,
    /// Names of its `.pc` files, without the ending. A crate's `links` is often the same.
    #[serde(default)]
    pkg_config: Vec<String>,
    /// Headers as they are included; one that ends with a slash stands for all in that folder.
    #[serde(default)]
    headers: Vec<String>,
    /// Libraries without `lib` and what follows the name: `ssl` for `libssl.so.3` and `-lssl`.
    #[serde(default)]
    libraries: Vec<String>,
    packages: Packages,
}

/// What a crate needs that links a native library, or builds one.
#[must_use]
pub fn for_crate(name: &str) -> Option<&'static Packages> {
    find(|entry| entry.crates.iter().any(|known| same_crate(known, name)))
}

/// What has a module of pkg-config: `openssl`, also `openssl.pc`. A crate's `links` may be given, too.
#[must_use]
pub fn for_pkg_config(name: &str) -> Option<&'static Packages> {
    let name = name.strip_suffix(".pc").unwrap_or(name);
    find(|entry| entry.pkg_config.iter().any(|known| known == name))
}

/// What has a header, as a source includes it: `openssl/ssl.h`.
#[must_use]
pub fn for_header(path: &str) -> Option<&'static Packages> {
    let is_it = |known: &String| match known.ends_with('/') {
        true => path.starts_with(known.as_str()),
        false => path == known,
    };
    find(|entry| entry.headers.iter().any(is_it))
}

/// What has a library for a linker: `libssl.so.3`, `libssl.a`, or `ssl` as in `-lssl`.
#[must_use]
pub fn for_library(name: &str) -> Option<&'static Packages> {
    let name = name.strip_prefix("lib").unwrap_or(name);
    let end = [".so", ".a"].iter().filter_map(|ending| name.find(ending)).min();
    let name = &name[..end.unwrap_or(name.len())];
    find(|entry| entry.libraries.iter().any(|known| known == name))
}

/// What has a program that builds need: `cmake`, also with its folder.
#[must_use]
pub fn for_tool(program: &str) -> Option<&'static Packages> {
    TABLE.tool.get(program.rsplit('/').next().unwrap_or(program))
}

/// What has the programs of one of Debian's packages: `git`, also `perl-base` for those of perl.
#[must_use]
pub fn for_debian_package(name: &str) -> Option<&'static Packages> {
    let is_it = |packages: &&Packages| {
        packages.debian == [name] || packages.debian_also.iter().any(|also| also == name)
    };
    TABLE.tool.values().find(is_it)
}

fn find(is_it: impl Fn(&Entry) -> bool) -> Option<&'static Packages> {
    TABLE.library.iter().find(|entry| is_it(entry)).map(|entry| &entry.packages)
}

/// Cargo takes `-` and `_` for the same.
fn same_crate(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes().zip(b.bytes()).all(|(a, b)| a == b || [a, b] == *b"-_" || [a, b] == *b"_-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_way_leads_to_the_packages() {
        let openssl = for_crate("openssl-sys").expect("openssl");
        assert_eq!(openssl.debian, ["libssl-dev"]);
        assert_eq!(openssl.alpine, ["openssl-dev"]);
        assert_eq!(openssl.alpine_static, ["openssl-libs-static"]);
        for other in [
            for_crate("openssl_sys"),
            for_pkg_config("openssl"),
            for_pkg_config("libssl.pc"),
            for_header("openssl/ssl.h"),
            for_library("libssl.so.3"),
            for_library("libcrypto.a"),
            for_library("ssl"),
        ] {
            assert_eq!(other, Some(openssl));
        }
        assert_eq!(for_tool("/usr/bin/protoc").expect("protoc").alpine, ["protoc"]);
        assert_eq!(for_debian_package("perl-base").expect("perl").alpine, ["perl"]);
        assert_eq!(for_debian_package("procps").expect("ps").alpine, ["procps-ng"]);
        assert_eq!(for_pkg_config("alsa.pc").expect("alsa").alpine, ["alsa-lib-dev"]);
        assert_eq!(for_header("alsa/asoundlib.h"), for_library("libasound.so.2"));
    }

    #[test]
    fn nothing_is_made_up() {
        for none in ["", "serde", "lib", ".so", "/", "no-such"] {
            assert_eq!(for_crate(none), None, "{none}");
            assert_eq!(for_pkg_config(none), None, "{none}");
            assert_eq!(for_header(none), None, "{none}");
            assert_eq!(for_library(none), None, "{none}");
            assert_eq!(for_tool(none), None, "{none}");
            assert_eq!(for_debian_package(none), None, "{none}");
        }
    }

    /// A name in two places would have two answers, of which one is never given.
    #[test]
    fn every_name_is_there_once_and_says_something() {
        let table: Table = toml::from_str(TEXT).expect("the data");
        assert!(table.library.len() > 60 && table.tool.len() > 15);
        let mut seen = BTreeSet::new();
        for entry in &table.library {
            let all = [&entry.crates, &entry.pkg_config, &entry.headers, &entry.libraries];
            for (kind, names) in all.into_iter().enumerate() {
                for name in names {
                    assert!(seen.insert((kind, name.clone())), "{name} is there twice");
                }
            }
            let packages = &entry.packages;
            let says = !packages.debian.is_empty() || packages.note.is_some();
            assert!(says && all_names(entry).count() > 0, "{:?}", entry.crates);
        }
        let packages = table.library.iter().map(|e| &e.packages).chain(table.tool.values());
        for name in packages
            .flat_map(|p| [&p.debian, &p.debian_also, &p.alpine, &p.alpine_static])
            .flatten()
        {
            let is_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-._".contains(c);
            assert!(!name.is_empty() && name.chars().all(is_name), "{name}");
        }
    }

    fn all_names(entry: &Entry) -> impl Iterator<Item = &String> {
        [&entry.crates, &entry.pkg_config, &entry.headers, &entry.libraries].into_iter().flatten()
    }
}
