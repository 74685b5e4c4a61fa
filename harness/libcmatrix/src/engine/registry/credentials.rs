//! The user's credentials for a registry, from where the `docker` command keeps them.
//!
//! Takes a registry's host; gives credentials, or none. What cannot be read is taken for nothing:
//! most images need no credentials, and a registry that wants them says so itself.

use std::{
    io::{Read, Seek, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bollard::auth::DockerCredentials;
use serde::Deserialize;

use super::{
    client_config::{Auth, ClientConfig},
    reference::DOCKER_HUB,
};

/// How long a credential helper may take. Some ask the user.
const HELPER: Duration = Duration::from_secs(30);

/// Docker Hub's name in the configuration.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The user's credentials for a registry.
pub(in crate::engine) async fn credentials(registry: &str) -> Option<DockerCredentials> {
    let registry = registry.to_owned();
    // Reads files and may run a program.
    tokio::task::spawn_blocking(move || find(&ClientConfig::read(), &registry, &ask_helper))
        .await
        .ok()
        .flatten()
}

/// Finds credentials as the `docker` command does: the registry's own helper, the helper for all,
/// the file itself.
fn find(
    config: &ClientConfig,
    registry: &str,
    ask: &dyn Fn(&str, &str) -> Option<Answer>,
) -> Option<DockerCredentials> {
    let key = if registry == DOCKER_HUB { DOCKER_HUB_KEY } else { registry };
    let helper = config
        .cred_helpers
        .get(registry)
        .or_else(|| config.cred_helpers.get(key))
        .or(config.creds_store.as_ref())
        .filter(|helper| !helper.is_empty());
    if let Some(answer) = helper.and_then(|helper| ask(helper, key)) {
        return Some(answer.into_credentials(key));
    }
    let auth = config
        .auths
        .get(key)
        .or_else(|| config.auths.iter().find(|(name, _)| host(name) == registry).map(|(_, a)| a))?;
    from_file(auth, key)
}

/// The host in a key of the configuration, which may be an address.
fn host(key: &str) -> &str {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    match bare.split_once('/').map_or(bare, |(host, _)| host) {
        "index.docker.io" => DOCKER_HUB,
        host => host,
    }
}

fn from_file(auth: &Auth, key: &str) -> Option<DockerCredentials> {
    let mut credentials = DockerCredentials {
        username: auth.username.clone(),
        password: auth.password.clone(),
        identitytoken: auth.identity_token.clone(),
        registrytoken: auth.registry_token.clone(),
        serveraddress: Some(key.to_owned()),
        ..DockerCredentials::default()
    };
    if let Some(encoded) = auth.auth.as_deref().filter(|encoded| !encoded.is_empty()) {
        let decoded = String::from_utf8(decode_base64(encoded)?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        credentials.username = Some(user.to_owned());
        credentials.password = Some(password.trim_end_matches('\0').to_owned());
    }
    let says_something = credentials.username.is_some()
        || credentials.identitytoken.is_some()
        || credentials.registrytoken.is_some();
    says_something.then_some(credentials)
}

/// What a credential helper answers.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl Answer {
    fn into_credentials(self, key: &str) -> DockerCredentials {
        let mut credentials = DockerCredentials {
            serveraddress: Some(key.to_owned()),
            ..DockerCredentials::default()
        };
        // The helpers' word for "the secret is a token".
        if self.username == "<token>" {
            credentials.identitytoken = Some(self.secret);
        } else {
            credentials.username = Some(self.username);
            credentials.password = Some(self.secret);
        }
        credentials
    }
}

/// Asks `docker-credential-NAME`. Its answer goes to a file, so that a helper that leaves a process
/// behind cannot keep us waiting for the end of a pipe.
fn ask_helper(name: &str, key: &str) -> Option<Answer> {
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return None;
    }
    let mut output = tempfile::tempfile().ok()?;
    let mut helper = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(output.try_clone().ok()?)
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    if let Some(mut input) = helper.stdin.take() {
        // A helper that does not read ends with an error, which is seen below.
        let _ = input.write_all(key.as_bytes());
    }
    let until = Instant::now() + HELPER;
    let status = loop {
        match helper.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = helper.kill();
                let _ = helper.wait();
                return None;
            }
        }
    };
    if !status.success() {
        return None;
    }
    let mut answer = String::new();
    output.rewind().ok()?;
    output.take(1 << 20).read_to_string(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}

/// Decodes base64, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for c in text.trim().trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ClientConfig {
        serde_json::from_str(text).expect("a configuration")
    }

    fn look(config: &ClientConfig, registry: &str) -> Option<(String, String)> {
        let ask = |helper: &str, key: &str| {
            (helper == "works").then(|| Answer { username: format!("u@{key}"), secret: "s".into() })
        };
        let found = find(config, registry, &ask)?;
        Some((found.username?, found.password?))
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.into(), password.into()))
    }

    #[test]
    fn the_file_has_them() {
        // "me:se:cret", "x:y"
        let config = config(
            r#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "bWU6c2U6Y3JldA=="},
                "https://r.example/v2/": {"auth": "eDp5"},
                "127.0.0.1:5000": {"username": "a", "password": "b"},
                "empty.example": {}, "broken.example": {"auth": "!"}
            }}"#,
        );
        assert_eq!(look(&config, DOCKER_HUB), pair("me", "se:cret"));
        assert_eq!(look(&config, "r.example"), pair("x", "y"));
        assert_eq!(look(&config, "127.0.0.1:5000"), pair("a", "b"));
        for nothing in ["empty.example", "broken.example", "other.example", "127.0.0.1:5001"] {
            assert_eq!(look(&config, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn helpers_come_first() {
        let own = config(r#"{"credHelpers": {"r.example": "works"}, "credsStore": "broken"}"#);
        assert_eq!(look(&own, "r.example"), pair("u@r.example", "s"));
        assert_eq!(look(&own, "other.example"), None);
        let all = config(r#"{"credsStore": "works"}"#);
        assert_eq!(look(&all, DOCKER_HUB), pair("u@https://index.docker.io/v1/", "s"));
        let fails = config(r#"{"credsStore": "broken", "auths": {"r.example": {"auth": "eDp5"}}}"#);
        assert_eq!(look(&fails, "r.example"), pair("x", "y"));
    }

    #[test]
    fn a_token_is_no_password() {
        let answer = Answer { username: "<token>".into(), secret: "t".into() };
        let credentials = answer.into_credentials("r");
        assert_eq!(credentials.identitytoken.as_deref(), Some("t"));
        assert_eq!((credentials.username, credentials.password), (None, None));
    }

    #[test]
    fn a_helper_that_is_not_there_is_no_error() {
        assert!(ask_helper("libcmatrix-has-no-such-helper", "r").is_none());
        assert!(ask_helper("../../bin/sh", "r").is_none());
    }

    #[test]
    fn base64_is_decoded() {
        let decode =
            |text| decode_base64(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(decode("").as_deref(), Some(""));
        assert_eq!(decode("YQ==").as_deref(), Some("a"));
        assert_eq!(decode("YWI=").as_deref(), Some("ab"));
        assert_eq!(decode("YWJj").as_deref(), Some("abc"));
        assert_eq!(decode_base64("//79+/8=").as_deref(), Some(&[255, 254, 253, 251, 255][..]));
        assert_eq!(decode("a b"), None);
    }
}
