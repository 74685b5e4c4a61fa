//! What the daemon says about containers, which there are and how one ended, and about its rights.
//!
//! Takes a label or an id; gives the few fields that are needed, and reads no other. bollard reads
//! those that Docker has, and refuses an answer with a state that Docker does not have, such as
//! Podman's `stopped`, which any container is in for a moment after its end.

use std::collections::HashMap;

use bollard::{Docker, errors::Error};
use futures_util::TryStreamExt;
use serde::{Deserialize, de::DeserializeOwned};

/// A container in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    /// Its id.
    pub id: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Option<HashMap<String, String>>,
}

/// How a container is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    /// Whether it runs.
    pub running: Option<bool>,
    /// How its first process ended.
    pub exit_code: Option<i64>,
    /// Its first process, as the daemon's machine numbers it.
    pub pid: Option<i32>,
    /// Whether memory ran out in it.
    #[serde(rename = "OOMKilled")]
    pub oom_killed: Option<bool>,
    /// What went wrong at its start or end.
    pub error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    #[serde(default)]
    state: Option<State>,
}

/// All containers that carry a label (`NAME` or `NAME=VALUE`), whatever their state.
///
/// # Errors
/// The daemon cannot be reached, or does not answer with a list.
pub(super) async fn list(daemon: &Docker, label: &str) -> Result<Vec<Listed>, Error> {
    let filters = serde_json::to_string(&HashMap::from([("label", [label])]))?;
    get(daemon, &format!("/containers/json?all=true&filters={}", escaped(&filters))).await
}

/// How a container is.
///
/// # Errors
/// The daemon cannot be reached, or the container does not exist.
pub(super) async fn inspect(daemon: &Docker, id: &str) -> Result<State, Error> {
    let inspected: Inspected = get(daemon, &format!("/containers/{}/json?", escaped(id))).await?;
    Ok(inspected.state.unwrap_or_default())
}

/// Whether it is a Podman that an ordinary user runs. Docker says so elsewhere.
///
/// # Errors
/// The daemon cannot be reached.
pub(super) async fn is_rootless_podman(daemon: &Docker) -> Result<bool, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Info {
        rootless: Option<bool>,
    }
    let info: Info = get(daemon, "/info?").await?;
    Ok(info.rootless == Some(true))
}

/// The answer to `GET PATH`, where the path has a query. bollard has no request of one's own; but the
/// answer to an export it hands on as bytes. What it puts before a container's name is left again by
/// `..`, and what it appends becomes a parameter that no daemon knows.
async fn get<T: DeserializeOwned>(daemon: &Docker, path: &str) -> Result<T, Error> {
    let answer = daemon.export_container(&format!("..{path}&unused="));
    let bytes = answer
        .try_fold(Vec::new(), |mut bytes, more| async move {
            bytes.extend_from_slice(&more);
            Ok(bytes)
        })
        .await?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Text as a part of an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_docker_does_not_have_are_read() {
        let text = r#"[{"Id":"a","State":"stopped","Labels":{"x":"y"}},{"Id":"b","Labels":null}]"#;
        let listed: Vec<Listed> = serde_json::from_str(text).expect("a list");
        assert_eq!(listed[0].id, "a");
        assert_eq!(listed[0].labels.as_ref().map(|labels| labels["x"].as_str()), Some("y"));
        assert!(listed[1].labels.is_none());
        let text = r#"{"Id":"a","State":{"Status":"stopped","Running":false,"OOMKilled":true,"ExitCode":137,"Error":""}}"#;
        let inspected: Inspected = serde_json::from_str(text).expect("a container");
        let state = inspected.state.expect("a state");
        assert_eq!((state.running, state.exit_code), (Some(false), Some(137)));
        assert_eq!((state.oom_killed, state.error.as_deref()), (Some(true), Some("")));
    }

    #[test]
    fn an_address_has_no_other_characters() {
        assert_eq!(
            escaped(r#"{"label":["a.b=c-1"]}"#),
            "%7B%22label%22%3A%5B%22a.b%3Dc-1%22%5D%7D"
        );
    }
}
