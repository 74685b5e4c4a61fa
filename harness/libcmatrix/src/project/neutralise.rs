//! Settings in a project's tree that would make the legs unequal: found, taken out, and named.
//!
//! Takes the text of `.cargo/config.toml`; gives the text that goes into the legs and what was
//! taken out. A `rust-toolchain.toml` is left out as a whole: each leg's compiler is its environment's.

use toml_edit::{DocumentMut, Item};

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

/// A configuration made harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neutralised {
    /// The text that goes into the legs.
    pub text: String,
    /// The keys that were taken out, dotted.
    pub removed: Vec<String>,
}

/// Takes out what would unmatch the legs. A text that is not TOML stays as it is: cargo will say so.
#[must_use]
pub fn neutralise(config: &str) -> Neutralised {
    let Ok(mut document) = config.parse::<DocumentMut>() else {
        return Neutralised { text: config.to_owned(), removed: Vec::new() };
    };
    let mut removed = Vec::new();
    if let Some(targets) = document.remove("target") {
        removed.extend(leaves("target", &targets));
    }
    if let Some(build) = document.get_mut("build").and_then(Item::as_table_like_mut) {
        for key in BUILD_KEYS {
            if build.remove(key).is_some() {
                removed.push(format!("build.{key}"));
            }
        }
    }
    let text = if removed.is_empty() { config.to_owned() } else { document.to_string() };
    Neutralised { text, removed }
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
        assert_eq!(neutralise(text), Neutralised { text: text.into(), removed: vec![] });
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
