//! Where an image is fetched from: its registry, and mirrors of it before.
//!
//! Takes an image's name, the user's credentials and the surroundings; gives clients.
//!
//! `LIBCMATRIX_REGISTRY_MIRRORS` lists mirrors as `REGISTRY=MIRROR`, separated by commas, e.g.
//! `docker.io=mirror.example,docker.io=cache.example:5000/hub`; they are tried in that order, and then the
//! registry itself. Credentials are those that the `docker` command has for the host in question.
//! `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` count, and `SSL_CERT_FILE` and `SSL_CERT_DIR` in place
//! of the system's certificates. Without encryption only this machine itself is spoken to.

use std::{env, net::IpAddr, sync::Once, time::Duration};

use bollard::auth::DockerCredentials;
use oci_client::{
    Client,
    client::{ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    secrets::RegistryAuth,
};

use super::{fault, names};
use crate::{
    engine::registry::{credentials::credentials, reference::Reference},
    failure::{Failure, Result},
};

/// The variable that lists mirrors.
pub(super) const MIRRORS: &str = "LIBCMATRIX_REGISTRY_MIRRORS";

/// How long a registry may take to be reached.
const CONNECT: Duration = Duration::from_secs(20);

/// How long it may say nothing in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// A registry or a mirror, with the place of one repository there.
pub(super) struct Endpoint {
    pub client: Client,
    /// Its host, with a port if there is one.
    pub host: String,
    path: String,
    pub auth: RegistryAuth,
}

impl Endpoint {
    /// The name of a tag or digest there.
    pub fn at(&self, wanted: &str) -> oci_client::Reference {
        let (host, path) = (self.host.clone(), self.path.clone());
        if wanted.contains(':') {
            oci_client::Reference::with_digest(host, path, wanted.to_owned())
        } else {
            oci_client::Reference::with_tag(host, path, wanted.to_owned())
        }
    }

    async fn new(host: &str, path: String) -> Result<Self> {
        let auth = authentication(credentials(host).await);
        let client = client(host).map_err(|error| {
            Failure::environment(format!("cannot speak to {host}"))
                .because(fault::chain(&error))
                .hint("see that this machine has certificates (Debian's package ca-certificates)")
        })?;
        Ok(Self { client, host: host.to_owned(), path, auth })
    }
}

/// Where an image is looked for, in that order.
///
/// # Errors
/// The list of mirrors is malformed.
pub(super) async fn endpoints(reference: &Reference) -> Result<Vec<Endpoint>> {
    let listed = env::var(MIRRORS).unwrap_or_default();
    let path = names::path(reference);
    let mut endpoints = Vec::new();
    for mirror in mirrors(&listed, reference.registry())? {
        let (host, prefix) = mirror.split_once('/').unwrap_or((mirror, ""));
        let prefix = prefix.trim_matches('/');
        let path = if prefix.is_empty() { path.clone() } else { format!("{prefix}/{path}") };
        endpoints.push(Endpoint::new(host, path).await?);
    }
    endpoints.push(Endpoint::new(reference.registry(), path).await?);
    Ok(endpoints)
}

/// The mirrors of a registry.
fn mirrors<'a>(listed: &'a str, registry: &str) -> Result<Vec<&'a str>> {
    let mut mirrors = Vec::new();
    for pair in listed.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (of, mirror) = pair.split_once('=').unwrap_or((pair, ""));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:/[]".contains(c);
        if of.is_empty()
            || mirror.is_empty()
            || !mirror.chars().all(allowed)
            || mirror.contains("//")
        {
            return Err(Failure::usage(format!("{MIRRORS} has {pair:?}, which is no mirror"))
                .hint("write REGISTRY=HOST or REGISTRY=HOST/PATH, e.g. docker.io=mirror.example"));
        }
        if of == registry {
            mirrors.push(mirror);
        }
    }
    Ok(mirrors)
}

fn authentication(credentials: Option<DockerCredentials>) -> RegistryAuth {
    let Some(credentials) = credentials else { return RegistryAuth::Anonymous };
    match (credentials.registrytoken, credentials.username, credentials.password) {
        (Some(token), ..) => RegistryAuth::Bearer(token),
        (None, Some(user), Some(password)) => RegistryAuth::Basic(user, password),
        // An identity token is to be exchanged for another one, which the client cannot do.
        _ => RegistryAuth::Anonymous,
    }
}

fn client(host: &str) -> Result<Client, OciDistributionError> {
    static CRYPTOGRAPHY: Once = Once::new();
    CRYPTOGRAPHY.call_once(|| {
        // It fails if there is one already, which is then as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut config = ClientConfig {
        protocol: ClientProtocol::Https,
        connect_timeout: Some(CONNECT),
        read_timeout: Some(SILENCE),
        user_agent: concat!("libcmatrix/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    if is_loopback(host) {
        config.protocol = ClientProtocol::Http;
        // No proxy reaches this machine's own loopback. The client has no word for "none", but
        // one that is named and then excepted has the same effect.
        config.http_proxy = Some(format!("http://{host}"));
        config.no_proxy = Some("localhost,127.0.0.0/8,::1".to_owned());
    }
    Client::try_from(config)
}

/// Whether a host, with or without a port, is this machine itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for host in
            ["localhost", "localhost:5000", "127.0.0.1:80", "127.9.9.9", "[::1]:5000", "[::1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "docker.io",
            "localhost.example:80",
            "10.0.0.1:5000",
            "128.0.0.1",
            "[::2]:1",
            "127.0.0.1.example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn mirrors_of_a_registry() {
        let of = |listed| mirrors(listed, "docker.io").map_err(|failure| failure.to_string());
        assert_eq!(of(""), Ok(vec![]));
        let listed = "docker.io=a.example, ghcr.io=b.example,docker.io=c:5000/hub,";
        assert_eq!(of(listed), Ok(vec!["a.example", "c:5000/hub"]));
        for wrong in
            ["docker.io", "docker.io=", "=x", "docker.io=http://x", "docker.io=a b", "x=a?b"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whose_credentials_count() {
        let with = |user: Option<&str>, registry: Option<&str>, identity: Option<&str>| {
            authentication(Some(DockerCredentials {
                username: user.map(str::to_owned),
                password: user.map(|_| "p".to_owned()),
                registrytoken: registry.map(str::to_owned),
                identitytoken: identity.map(str::to_owned),
                ..DockerCredentials::default()
            }))
        };
        assert_eq!(authentication(None), RegistryAuth::Anonymous);
        assert_eq!(with(Some("u"), None, None), RegistryAuth::Basic("u".into(), "p".into()));
        assert_eq!(with(Some("u"), Some("t"), None), RegistryAuth::Bearer("t".into()));
        assert_eq!(with(None, None, Some("i")), RegistryAuth::Anonymous);
    }
}
