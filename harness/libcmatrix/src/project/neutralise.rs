//! Settings in a project's tree that would make the legs unequal: found, taken out, and named.
//!
//! Takes the text of `.cargo/config.toml`; gives the text that goes into the legs and what was
//! taken out. A `rust-toolchain.toml` is left out as a whole: each leg's compiler is its environment's.

use std::path::{Component, Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Value};

/// Files that choose a toolchain.
pub const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// Files, relative to the workspace root, in which cargo looks for its configuration.
pub const CONFIG_FILES: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// Keys of `[build]` that choose another compiler, target or folder than the environment's.
/// `rustflags` stays: it holds for every target alike.
const BUILD_KEYS: [&str; 7] = [
    "target",
    "target-dir",
    "build-dir",
    "rustc",
    "rustc-wrapper",
    "rustc-workspace-wrapper",
    "rustdoc",
];

/// Keys of `[build]` that may be one string or a list. A list is what further flags can be added to.
const FLAG_KEYS: [&str; 2] = ["rustflags", "rustdocflags"];

/// A configuration made harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neutralised {
    /// The text that goes into the legs.
    pub text: String,
    /// The keys that were taken out, dotted.
    pub removed: Vec<String>,
    /// Files that it includes, relative to the workspace root.
    pub includes: Vec<PathBuf>,
}

/// Takes out what would unmatch the legs. `folder` is the file's own, relative to the workspace root.
/// A text that is not TOML stays as it is: cargo will say so.
#[must_use]
pub fn neutralise(config: &str, folder: &Path) -> Neutralised {
    let unchanged = |config: &str| Neutralised {
        text: config.to_owned(),
        removed: Vec::new(),
        includes: Vec::new(),
    };
    let Ok(mut document) = config.parse::<DocumentMut>() else { return unchanged(config) };
    let mut removed = Vec::new();
    if let Some(targets) = document.remove("target") {
        removed.extend(leaves("target", &targets));
    }
    let mut has_changed = !removed.is_empty();
    if let Some(build) = document.get_mut("build").and_then(Item::as_table_like_mut) {
        for key in BUILD_KEYS {
            if build.remove(key).is_some() {
                removed.push(format!("build.{key}"));
            }
        }
        for key in FLAG_KEYS {
            if let Some(flags) = build.get(key).and_then(Item::as_str) {
                let list: Array = flags.split_whitespace().collect();
                build.insert(key, toml_edit::value(list));
                has_changed = true;
            }
        }
    }
    let (includes, outside) = includes(&document, folder);
    if !outside.is_empty() {
        document.remove("include");
        removed.extend(outside.iter().map(|path| format!("include of {path}")));
        // The rest of the list is put back.
        let kept: Array = includes.iter().map(|(given, _)| given.clone()).collect();
        document.insert("include", toml_edit::value(kept));
    }
    has_changed |= !removed.is_empty();
    Neutralised {
        text: if has_changed { document.to_string() } else { config.to_owned() },
        removed,
        includes: includes.into_iter().map(|(_, path)| path).collect(),
    }
}

/// The files that a configuration includes
/// (<https://doc.rust-lang.org/cargo/reference/config.html#include>): those inside the project as
/// given and relative to the root, and those outside as given.
fn includes(document: &DocumentMut, folder: &Path) -> (Vec<(String, PathBuf)>, Vec<String>) {
    let path = |value: &Value| match value {
        Value::String(path) => Some(path.value().clone()),
        Value::InlineTable(table) => Some(table.get("path")?.as_str()?.to_owned()),
        _ => None,
    };
    let given: Vec<String> = match document.get("include").and_then(Item::as_value) {
        Some(Value::Array(list)) => list.iter().filter_map(path).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    };
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for given in given {
        match below_root(&folder.join(&given)) {
            Some(path) => inside.push((given, path)),
            None => outside.push(given),
        }
    }
    (inside, outside)
}

/// The path without `.` and `..`; `None` if it leads out of the root.
fn below_root(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// `target.x86_64-unknown-linux-musl.linker` rather than `target`: people look for the line they wrote.
fn leaves(prefix: &str, item: &Item) -> Vec<String> {
    let Some(table) = item.as_table_like() else { return vec![prefix.to_owned()] };
    table
        .iter()
        .flat_map(|(triple, item)| {
            let at = format!("{prefix}.{triple}");
            match item.as_table_like() {
                Some(keys) => keys.iter().map(|(key, _)| format!("{at}.{key}")).collect(),
                None => vec![at],
            }
        })
        .collect()
}

/// The file that cargo's own configuration names as the trust store (`http.cainfo`).
#[must_use]
pub fn trust_store(config: &str) -> Option<String> {
    let document = config.parse::<DocumentMut>().ok()?;
    Some(document.get("http")?.get("cainfo")?.as_str()?.to_owned())
}

/// Keeps of the user's own configuration what a download needs: where registries are and how they are reached.
#[must_use]
pub fn for_downloads(config: &str) -> String {
    let Ok(document) = config.parse::<DocumentMut>() else { return String::new() };
    let mut kept = DocumentMut::new();
    for key in ["source", "registry", "registries", "net", "http"] {
        if let Some(item) = document.get(key) {
            kept.insert(key, item.clone());
        }
    }
    kept.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unmatches_goes_and_the_rest_stays() {
        let result = neutralise(
            "[build]\ntarget = \"x86_64-unknown-linux-musl\"\nrustflags = [\"--cfg\", \"x\"]\n\
             [target.x86_64-unknown-linux-musl]\nlinker = \"mold\"\n\
             [target.'cfg(unix)']\nrunner = 'sudo'\n\
             [env]\nA = \"b\"\n[source.crates-io]\nreplace-with = \"vendored\"\n",
            Path::new(".cargo"),
        );
        assert_eq!(
            result.removed,
            ["target.x86_64-unknown-linux-musl.linker", "target.cfg(unix).runner", "build.target"]
        );
        let left: toml::Table = result.text.parse().unwrap();
        assert_eq!(left["build"].as_table().unwrap().keys().collect::<Vec<_>>(), ["rustflags"]);
        assert!(left.contains_key("env") && left.contains_key("source"));
        assert!(!left.contains_key("target"));
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        let text = "# mine\n[alias]\nb = \"build\"\n";
        let result = neutralise(text, Path::new(".cargo"));
        assert_eq!((result.text.as_str(), result.removed), (text, vec![]));
    }

    #[test]
    fn flags_become_a_list_that_more_can_be_added_to() {
        let result = neutralise("[build]\nrustflags = \"--cfg a\"\n", Path::new(".cargo"));
        let left: toml::Table = result.text.parse().unwrap();
        let flags: Vec<&str> = left["build"]["rustflags"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(toml::Value::as_str)
            .collect();
        assert_eq!(flags, ["--cfg", "a"]);
        assert!(result.removed.is_empty());
    }

    #[test]
    fn includes_are_followed_inside_and_left_out_outside() {
        let text = "include = [\"more.toml\", { path = \"../a/./b.toml\" }, \"../../x.toml\", \"/y.toml\"]\n";
        let result = neutralise(text, Path::new(".cargo"));
        assert_eq!(result.includes, [Path::new(".cargo/more.toml"), Path::new("a/b.toml")]);
        assert_eq!(result.removed, ["include of ../../x.toml", "include of /y.toml"]);
        let left: toml::Table = result.text.parse().unwrap();
        assert_eq!(left["include"].as_array().unwrap().len(), 2);
        let one = neutralise("include = \"more.toml\"\n", Path::new(".cargo"));
        assert_eq!(one.includes, [Path::new(".cargo/more.toml")]);
    }

    #[test]
    fn a_trust_store_may_be_configured() {
        let found = trust_store("[http]\ncainfo = \"/etc/ca.pem\"\n");
        assert_eq!(found.as_deref(), Some("/etc/ca.pem"));
        assert_eq!(trust_store("[http]\nmultiplexing = false\n"), None);
    }

    #[test]
    fn downloads_get_registries_but_no_build_settings() {
        let kept = for_downloads(
            "[build]\njobs = 1\n[source.crates-io]\nreplace-with = \"m\"\n[registries.m]\nindex = \"sparse+https://m/\"\n",
        );
        let kept: toml::Table = kept.parse().unwrap();
        assert_eq!(kept["source"]["crates-io"]["replace-with"].as_str(), Some("m"));
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["registries", "source"]);
    }
}
