//! The way to the daemon.
//!
//! Takes an address, or looks where daemons usually are; gives a [`DockerEngine`] that speaks the
//! newest version of the interface that both sides know.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, BollardRequest, ClientVersion, Docker, models::SystemVersion};

use super::{ANSWER, DockerEngine, fault};
use crate::engine::registry::client_config;
use crate::failure::{Failure, Result};

/// How long a daemon may take to say its version.
const CONNECTING: Duration = Duration::from_secs(10);

/// The oldest version of the interface that has all that is needed: Docker 20.10.
const OLDEST: Version = Version(1, 41);

/// The daemon that never was configured.
const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";

/// Podman's for root.
const PODMANS_SOCKET: &str = "unix:///run/podman/podman.sock";

/// Connects to a daemon: the one at `address`; else the one that `DOCKER_HOST` or the `docker`
/// command's context names; else the first that answers of Docker's and Podman's usual sockets.
///
/// # Errors
/// None answers, or it is too old or too new. The failure names each that was tried, and why not.
pub async fn connect(address: Option<&str>) -> Result<DockerEngine> {
    let mut refused = Vec::new();
    for candidate in candidates(address) {
        match reach(&candidate.address).await {
            Ok(engine) => return Ok(engine),
            Err(why) => refused.push(format!("{candidate}: {why}")),
        }
    }
    Err(Failure::environment("no container engine can be reached")
        .because(refused.join("; "))
        .hint("libcmatrix doctor shows what is missing"))
}

/// An address to try.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    address: String,
    /// What names it, if it is not a usual one.
    named_by: Option<String>,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        match &self.named_by {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// The addresses to try. One that was asked for by name is the only one: another daemon than the
/// one asked for would be a surprise.
fn candidates(address: Option<&str>) -> Vec<Candidate> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let only = |address: String, named_by: Option<String>| vec![Candidate { address, named_by }];
    if let Some(address) = address {
        return only(address.to_owned(), None);
    }
    if let Some(address) = variable("DOCKER_HOST") {
        return only(address, Some("DOCKER_HOST".to_owned()));
    }
    if let Some(folder) = client_config::folder() {
        let context = variable("DOCKER_CONTEXT")
            .or_else(|| client_config::ClientConfig::read_from(&folder).current_context)
            .filter(|context| !context.is_empty() && context != "default");
        if let Some(context) = context
            && let Some(address) = client_config::context_address(&folder, &context)
        {
            return only(address, Some(format!("docker context {context}")));
        }
    }
    usual(variable("XDG_RUNTIME_DIR").as_deref())
}

/// Where daemons usually are.
fn usual(runtime_dir: Option<&str>) -> Vec<Candidate> {
    let mut addresses = vec![DEFAULT_SOCKET.to_owned()];
    if let Some(folder) = runtime_dir {
        addresses.push(format!("unix://{folder}/docker.sock"));
        addresses.push(format!("unix://{folder}/podman/podman.sock"));
    }
    addresses.push(PODMANS_SOCKET.to_owned());
    addresses.into_iter().map(|address| Candidate { address, named_by: None }).collect()
}

/// Connects to the daemon at one address; says why if that fails.
async fn reach(address: &str) -> Result<DockerEngine, String> {
    let daemon = client(address)?.with_request_modifier(|request| for_version(request, None));
    // The first request is what connects.
    let said = match tokio::time::timeout(CONNECTING, daemon.version()).await {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => return Err(reason(&error, address)),
        Err(_) => return Err(format!("no answer within {} seconds", CONNECTING.as_secs())),
    };
    let newest = Version(API_DEFAULT_VERSION.major_version, API_DEFAULT_VERSION.minor_version);
    let agreed = agree(
        (OLDEST, newest),
        said.min_api_version.as_deref().and_then(Version::parse),
        said.api_version.as_deref().and_then(Version::parse),
    )?;
    Ok(DockerEngine {
        daemon: daemon.with_request_modifier(move |request| for_version(request, Some(agreed))),
        address: address.to_owned(),
        product: product(&said),
        version: said.version.unwrap_or_default(),
        api_version: agreed.to_string(),
        created: Default::default(),
        naming: Default::default(),
    })
}

/// A client for an address. It does not connect yet.
fn client(address: &str) -> Result<Docker, String> {
    let timeout = ANSWER.as_secs();
    // What bollard itself would put into the address; `for_version` has the last word.
    let version = &ClientVersion { major_version: OLDEST.0, minor_version: OLDEST.1 };
    let tls = env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    let client = if let Some(path) = address.strip_prefix("unix://") {
        // bollard only says that the file is not there, also where it is forbidden to look.
        fs::metadata(path)
            .map_err(|error| explain(&error.kind(), address).unwrap_or(error.to_string()))?;
        Docker::connect_with_unix(address, timeout, version)
    } else if address.starts_with("https://") || (address.starts_with("tcp://") && tls) {
        let folder = certificates().ok_or("no folder with certificates: set DOCKER_CERT_PATH")?;
        let file = |name| folder.join(name);
        let [key, certificate, authority] = [file("key.pem"), file("cert.pem"), file("ca.pem")];
        // bollard reads the first two only when they are needed, and says nothing if it cannot.
        for path in [&key, &certificate, &authority] {
            readable(path)?;
        }
        Docker::connect_with_ssl(
            address.trim_end_matches('/'),
            &key,
            &certificate,
            &authority,
            timeout,
            version,
        )
    } else if address.starts_with("tcp://") || address.starts_with("http://") {
        Docker::connect_with_http(address.trim_end_matches('/'), timeout, version)
    } else if let Some(host) = address.strip_prefix("ssh://") {
        return Err(format!(
            "ssh is not supported: forward the socket with \
             `ssh -L /tmp/docker.sock:/var/run/docker.sock {host}` and set \
             DOCKER_HOST=unix:///tmp/docker.sock"
        ));
    } else {
        return Err("not an address that begins with unix:// or tcp://".to_owned());
    };
    client.map_err(|error| reason(&error, address))
}

/// The folder of the certificates that the `docker` command would use.
fn certificates() -> Option<PathBuf> {
    let named = env::var_os("DOCKER_CERT_PATH").filter(|path| !path.is_empty());
    named.map(PathBuf::from).or_else(client_config::folder)
}

fn readable(path: &Path) -> Result<(), String> {
    fs::File::open(path).map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

/// Why a daemon is not reached, and what helps where that is plain.
fn reason(error: &bollard::errors::Error, address: &str) -> String {
    fault::io_kind(error)
        .and_then(|kind| explain(&kind, address))
        .unwrap_or_else(|| fault::cause(error))
}

fn explain(kind: &io::ErrorKind, address: &str) -> Option<String> {
    // Podman has no daemon that could be forgotten to be started, but a socket that is off at first.
    let podman = address.ends_with("/podman.sock");
    let everybodys = address == PODMANS_SOCKET;
    let words = match kind {
        io::ErrorKind::NotFound if everybodys => {
            "no such file (with Podman: systemctl start podman.socket, as root)"
        }
        io::ErrorKind::NotFound if podman => {
            "no such file (with Podman: systemctl --user start podman.socket)"
        }
        io::ErrorKind::NotFound => "no such file",
        io::ErrorKind::PermissionDenied if podman => {
            "permission denied: use your own, systemctl --user start podman.socket"
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: add your user to the docker group, or run as root"
        }
        io::ErrorKind::ConnectionRefused => "connection refused: start the daemon",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The name of the product behind the interface.
fn product(said: &SystemVersion) -> &'static str {
    let components = said.components.iter().flatten().map(|component| component.name.as_str());
    let platform = said.platform.iter().map(|platform| platform.name.as_str());
    if components.chain(platform).any(|name| name.to_ascii_lowercase().contains("podman")) {
        "podman"
    } else {
        "docker"
    }
}

/// A version of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(usize, usize);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The version to speak: the newest that both sides know.
fn agree(
    ours: (Version, Version),
    oldest: Option<Version>,
    newest: Option<Version>,
) -> Result<Version, String> {
    let Some(newest) = newest else {
        return Err("something answers, but it does not speak Docker's interface".to_owned());
    };
    if newest < ours.0 {
        return Err(format!(
            "its interface is version {newest}, and at least {} is needed (Docker 20.10)",
            ours.0
        ));
    }
    if let Some(oldest) = oldest
        && oldest > ours.1
    {
        return Err(format!(
            "its interface begins with version {oldest}, and this libcmatrix knows up to {}",
            ours.1
        ));
    }
    Ok(newest.min(ours.1))
}

/// Makes a request one for that version of the interface (none: the daemon's own).
///
/// bollard leaves the version out of its addresses, so a daemon would answer in its newest version,
/// which may be one that bollard does not know. And it writes a registry's credentials in standard
/// base64 where daemons read the alphabet for addresses, and take what they cannot read for nothing.
fn for_version(mut request: BollardRequest, version: Option<Version>) -> BollardRequest {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        let path = versioned(path, version);
        if let Ok(uri) = format!("{scheme}://{authority}{path}").parse() {
            *request.uri_mut() = uri;
        }
    }
    if let Some(header) = request.headers_mut().get_mut("X-Registry-Auth")
        && let Some(text) =
            header.to_str().ok().map(|text| text.replace('+', "-").replace('/', "_"))
        && let Ok(value) = text.parse()
    {
        *header = value;
    }
    request
}

/// A path of the interface for that version, whichever version it is for now.
fn versioned(path: &str, version: Option<Version>) -> String {
    let bare = path
        .strip_prefix("/v")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(number, _)| Version::parse(number).is_some())
        .map_or(path, |(number, _)| &path["/v".len() + number.len()..]);
    match version {
        Some(version) => format!("/v{version}{bare}"),
        None => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_both_know() {
        let ours = (Version(1, 41), Version(1, 53));
        let agree = |oldest, newest| {
            agree(ours, Version::parse(oldest), Version::parse(newest)).map(|v| v.to_string())
        };
        assert_eq!(agree("1.12", "1.41").as_deref(), Ok("1.41"));
        assert_eq!(agree("1.44", "1.52").as_deref(), Ok("1.52"));
        assert_eq!(agree("", "1.99").as_deref(), Ok("1.53"));
        let old = agree("1.12", "1.40").expect_err("too old");
        assert!(old.contains("1.40") && old.contains("1.41"), "{old}");
        let new = agree("1.60", "1.99").expect_err("too new");
        assert!(new.contains("1.60") && new.contains("1.53"), "{new}");
        assert!(agree("", "").is_err());
    }

    #[test]
    fn a_path_has_one_version() {
        let to = Some(Version(1, 41));
        assert_eq!(versioned("/info", to), "/v1.41/info");
        assert_eq!(versioned("/v1.53/info?a=b", to), "/v1.41/info?a=b");
        assert_eq!(versioned("/v1.53/_ping", None), "/_ping");
        assert_eq!(versioned("/volumes/x", to), "/v1.41/volumes/x");
        assert_eq!(versioned("/volumes/x", None), "/volumes/x");
    }

    #[test]
    fn usual_places() {
        let addresses: Vec<_> =
            usual(Some("/run/user/7")).into_iter().map(|candidate| candidate.address).collect();
        assert_eq!(addresses[0], DEFAULT_SOCKET);
        assert!(addresses.contains(&"unix:///run/user/7/podman/podman.sock".to_owned()));
        assert_eq!(usual(None).len(), 2);
    }

    #[test]
    fn podmans_sockets_are_turned_on() {
        let explain = |kind, address| explain(&kind, address).unwrap_or_default();
        let roots = explain(io::ErrorKind::NotFound, PODMANS_SOCKET);
        assert!(roots.contains("systemctl start podman.socket"), "{roots}");
        let denied = explain(io::ErrorKind::PermissionDenied, PODMANS_SOCKET);
        assert!(denied.contains("systemctl --user start podman.socket"), "{denied}");
        assert!(explain(io::ErrorKind::PermissionDenied, DEFAULT_SOCKET).contains("docker group"));
        assert_eq!(explain(io::ErrorKind::NotFound, DEFAULT_SOCKET), "no such file");
    }

    #[tokio::test]
    async fn what_was_tried_is_named() {
        let why = |address| async move { connect(Some(address)).await.expect_err(address).cause };
        let gone = why("unix:///nowhere/docker.sock").await;
        assert_eq!(gone, "unix:///nowhere/docker.sock: no such file");
        let users = why("unix:///nowhere/podman/podman.sock").await;
        assert!(users.contains("systemctl --user start podman.socket"), "{users}");
        assert!(why("ssh://me@there").await.contains("ssh is not supported"));
        assert!(why("there").await.contains("unix://"));
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("tcp://{}", nobody.local_addr().expect("its address"));
        drop(nobody);
        assert!(why(&address).await.contains("start the daemon"));
    }

    #[tokio::test]
    async fn an_old_socket_is_explained() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        let address = format!("unix://{}", path.display());
        let failure = connect(Some(&address)).await.expect_err("nobody listens");
        assert!(failure.cause.contains("connection refused"), "{failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("libcmatrix doctor")));
    }
}
