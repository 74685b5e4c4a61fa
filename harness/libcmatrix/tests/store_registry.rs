//! The image store against a real registry: Debian's `docker-registry`, without which this fails.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use libcmatrix::engine::embedded::store::{Direct, Store};
use libcmatrix_sandbox::request::Users;
use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A registry; ended when dropped.
struct Registry {
    server: Child,
    address: String,
    _storage: TempDir,
}

impl Registry {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let storage = tempfile::tempdir().expect("a folder");
        let config = storage.path().join("config.yml");
        let data = storage.path().join("data");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            data.display()
        );
        fs::write(&config, text).expect("written");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry starts (Debian's package of that name)");
        let registry = Self { server, address, _storage: storage };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&registry.address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        registry
    }

    /// Pushes an image of these plain layers; gives the digest of its manifest.
    async fn push(&self, name: &str, layers: &[Vec<u8>]) -> String {
        let reference: Reference = format!("{}/{name}", self.address).parse().expect("a name");
        let client = Client::try_from(ClientConfig {
            protocol: ClientProtocol::Http,
            ..ClientConfig::default()
        });
        let client = client.expect("a client");
        client.store_auth_if_needed(reference.registry(), &RegistryAuth::Anonymous).await;
        let mut listed = Vec::new();
        for layer in layers {
            let fast = flate2::Compression::fast();
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), fast);
            gzip.write_all(layer).expect("written");
            let gzip = gzip.finish().expect("compressed");
            listed.push(blob(&client, &reference, gzip, "layer.v1.tar+gzip").await);
        }
        let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({ "architecture": "amd64", "os": "linux", "config": { "User": "7" },
            "rootfs": { "type": "layers", "diff_ids": digests } });
        let config = config.to_string().into_bytes();
        let config = blob(&client, &reference, config, "config.v1+json").await;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": listed });
        let manifest = manifest.to_string().into_bytes();
        let digest = digest(&manifest);
        let kind = media_type.parse().expect("a media type");
        client.push_manifest_raw(&reference, manifest, kind).await.expect("pushed");
        digest
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn blob(client: &Client, reference: &Reference, content: Vec<u8>, kind: &str) -> Value {
    let (digest, size) = (digest(&content), content.len());
    client.push_blob(reference, content, &digest).await.expect("pushed");
    let media_type = format!("application/vnd.oci.image.{kind}");
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

fn digest(content: &[u8]) -> String {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, name, content.as_bytes()).expect("added");
    }
    tar.into_inner().expect("an archive")
}

async fn open(folder: &Path) -> Store {
    let users = if rustix::process::geteuid().is_root() { Users::Real } else { Users::Single };
    Store::open(folder.to_path_buf(), Arc::new(Direct { users })).await.expect("opened")
}

#[tokio::test(flavor = "multi_thread")]
async fn pulled_from_a_real_registry() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("store")).await;
    // The provider of cryptography is the store's: its first client comes before the test's own.
    assert!(store.ask_registry("127.0.0.1:1/none").await.is_err());
    let registry = Registry::start().await;
    let layers = [layer(&[("a", "1"), ("gone", "1")]), layer(&[("a", "2"), (".wh.gone", "")])];
    let digest = registry.push("group/image:1", &layers).await;
    let name = format!("{}/group/image", registry.address);
    let tagged = format!("{name}:1");
    store.ask_registry(&tagged).await.expect("it is there");
    let failure = store.pull(&format!("{name}:2"), &|_| ()).await.expect_err("no such tag");
    assert!(failure.hint.is_some_and(|hint| hint.contains("the tag")), "{}", failure.cause);
    let failure = store.pull(&format!("{name}s:1"), &|_| ()).await.expect_err("no such name");
    assert!(failure.hint.is_some(), "{}", failure.cause);
    let image = store.pull(&tagged, &|_| ()).await.expect("pulled");
    assert_eq!(image.repo_digests, [format!("{name}@{digest}")]);
    assert_eq!(image.references, std::slice::from_ref(&tagged));
    let held = store.tree(&tagged).await.expect("a tree");
    assert_eq!(fs::read_to_string(held.path.join("a")).expect("read"), "2");
    assert!(!held.path.join("gone").exists());
    assert_eq!(held.image.config.user, "7");
    let pinned = format!("{name}@{digest}");
    assert_eq!(store.pull(&pinned, &|_| ()).await.expect("pulled").id, image.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_at_a_real_registry() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("store")).await;
    assert!(store.ask_registry("127.0.0.1:1/none").await.is_err());
    let registry = Registry::start().await;
    let content = layer(&[("a", &"content ".repeat(50_000))]);
    registry.push("image:1", std::slice::from_ref(&content)).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&content).expect("written");
    let gzip = gzip.finish().expect("compressed");
    let hash = digest(&gzip);
    let partial = folder.path().join("store/partial").join(hash.trim_start_matches("sha256:"));
    // A beginning that is not the layer's, and one that is.
    fs::write(&partial, vec![b'x'; gzip.len() / 2]).expect("written");
    let tagged = format!("{}/image:1", registry.address);
    store.pull(&tagged, &|_| ()).await.expect("it is seen, and fetched anew");
    store.remove(&tagged).await.expect("removed");
    fs::write(&partial, &gzip[..gzip.len() / 2]).expect("written");
    store.pull(&tagged, &|_| ()).await.expect("it goes on");
    let held = store.tree(&tagged).await.expect("a tree");
    assert_eq!(fs::metadata(held.path.join("a")).expect("there").len(), 400_000);
    assert!(!partial.exists());
}
