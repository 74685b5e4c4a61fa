//! The configuration of the `docker` command: which daemon it uses, and what it knows about registries.
//!
//! Takes `$DOCKER_CONFIG` or `~/.docker`; gives what is read there. A file that is not there or
//! cannot be read means that nothing is configured.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The parts of `config.json` that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct ClientConfig {
    /// Credentials by registry.
    pub auths: HashMap<String, Auth>,
    /// Credential helpers by registry.
    #[serde(rename = "credHelpers")]
    pub cred_helpers: HashMap<String, String>,
    /// The credential helper of every other registry.
    #[serde(rename = "credsStore")]
    pub creds_store: Option<String>,
    /// The context in use: another address of the daemon.
    #[serde(rename = "currentContext")]
    pub current_context: Option<String>,
}

/// Credentials in the file itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct Auth {
    /// `user:password` in base64.
    pub auth: Option<String>,
    /// The user, where it is not in `auth`.
    pub username: Option<String>,
    /// The password, where it is not in `auth`.
    pub password: Option<String>,
    /// A token instead of a password.
    #[serde(rename = "identitytoken")]
    pub identity_token: Option<String>,
    /// A token for the registry itself.
    #[serde(rename = "registrytoken")]
    pub registry_token: Option<String>,
}

/// Where the `docker` command keeps its configuration.
pub(in crate::engine) fn folder() -> Option<PathBuf> {
    match env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(env::home_dir()?.join(".docker")),
    }
}

impl ClientConfig {
    /// Reads the user's.
    pub fn read() -> Self {
        folder().map(|folder| Self::read_from(&folder)).unwrap_or_default()
    }

    /// Reads the one in a folder.
    pub fn read_from(folder: &Path) -> Self {
        fs::read(folder.join("config.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

/// The daemon's address in a context. Contexts are kept in folders named by a hash, so they are
/// looked through for the one that has the name.
pub(in crate::engine) fn context_address(folder: &Path, name: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Context {
        #[serde(rename = "Name")]
        name: String,
        #[serde(rename = "Endpoints")]
        endpoints: HashMap<String, Endpoint>,
    }
    #[derive(Deserialize)]
    struct Endpoint {
        #[serde(rename = "Host")]
        host: Option<String>,
    }
    fs::read_dir(folder.join("contexts/meta"))
        .ok()?
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("meta.json")).ok())
        .filter_map(|bytes| serde_json::from_slice::<Context>(&bytes).ok())
        .find(|context| context.name == name)?
        .endpoints
        .remove("docker")?
        .host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_there_means_nothing_configured() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(ClientConfig::read_from(folder.path()).auths.is_empty());
        fs::write(folder.path().join("config.json"), "{ no json").expect("written");
        assert!(ClientConfig::read_from(folder.path()).current_context.is_none());
    }

    #[test]
    fn a_context_is_found_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for (hash, text) in [
            (
                "aa",
                r#"{"Name":"rootless","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/user/1000/docker.sock","SkipTLSVerify":false}}}"#,
            ),
            ("bb", r#"{"Name":"empty","Endpoints":{}}"#),
            ("cc", "not json"),
        ] {
            let context = folder.path().join("contexts/meta").join(hash);
            fs::create_dir_all(&context).expect("made");
            fs::write(context.join("meta.json"), text).expect("written");
        }
        let address = |name| context_address(folder.path(), name);
        assert_eq!(address("rootless").as_deref(), Some("unix:///run/user/1000/docker.sock"));
        assert_eq!(address("empty"), None);
        assert_eq!(address("other"), None);
    }
}
