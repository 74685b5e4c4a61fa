//! Images that are pulled: a real registry on loopback, by tag and by digest.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, check, docker, libcmatrix};

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("registry pulls by tag and by digest, pinned in the record", pulled)]
}

/// Debian's `docker-registry`; ended when dropped.
struct Registry {
    server: Child,
    address: String,
    _storage: TempDir,
}

impl Registry {
    fn start() -> Result<Self, Failed> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let storage = TempDir::new()?;
        let config = storage.path().join("config.yml");
        fs::write(
            &config,
            format!(
                "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
                storage.path().join("data").display()
            ),
        )?;
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("docker-registry (Debian's package of that name): {e}"))?;
        let registry = Self { server, address, _storage: storage };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&registry.address).is_err() {
            if Instant::now() > deadline {
                return Err("the registry does not come up".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(registry)
    }

    /// Pushes an image under a name of this registry; gives its digest. The name is gone from the engine then.
    fn offer(&self, image: &str, name: &str) -> Result<String, Failed> {
        let reference = format!("{}/{name}", self.address);
        docker(&["tag", image, &reference])?;
        let said = docker(&["push", &reference])?;
        docker(&["rmi", &reference])?;
        let digest = said.split_whitespace().find(|w| w.starts_with("sha256:"));
        digest.map(str::to_owned).ok_or_else(|| format!("no digest in {said}").into())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn pulled() -> Result<(), Failed> {
    let registry = Registry::start()?;
    let debian = registry.offer("libcmatrix/debian:trixie", "debian:trixie-slim")?;
    let alpine = registry.offer("libcmatrix/alpine:3.23", "alpine:3.23")?;
    // No compiler that runs on musl can be had without a registry: one builder stands for both.
    let builder = registry.offer("libcmatrix/debian-builder:trixie", "rust:1-bookworm")?;
    registry.offer("libcmatrix/debian-builder:trixie", "rust:1-alpine")?;
    let address = &registry.address;
    let by_tag = format!("{address}/debian:trixie-slim");
    let by_digest = format!("{address}/alpine@{alpine}");

    let mut complaints = Vec::new();
    let missing = libcmatrix(["images", "pull", &format!("{address}/alpine:none")]).output()?;
    let stderr = String::from_utf8_lossy(&missing.stderr).into_owned();
    check(&mut complaints, missing.status.code() == Some(3), || format!("{:?}", missing.status));
    check(&mut complaints, stderr.contains("alpine:none"), || stderr.clone());

    let arch = std::env::consts::ARCH;
    let folder = TempDir::new()?;
    let file = folder.path().join("libcmatrix.toml");
    fs::write(
        &file,
        format!(
            // The baseline compiles natively: its target is whatever its compiler runs on.
            "[environments.g]\nlibc='glibc'\ndistro='debian'\nrelease='trixie'\nbuilder='{address}/rust:1-bookworm'\nruntime='{by_tag}'\n\
             [environments.m]\nlibc='musl'\ndistro='alpine'\nrelease='3.23'\nbuilder='{address}/rust:1-alpine'\nruntime='{by_digest}'\n\
             target='{arch}-unknown-linux-musl'\n[run]\nbaseline='g'\ncandidate='m'\n"
        ),
    )?;
    let sample = command::root().join("sample-projects/all-green");
    let ran = command::run([sample.as_os_str(), "--config".as_ref(), file.as_os_str()])?;
    check(&mut complaints, ran.code() == Some(0), || "it is not go".into());
    let record = ran.record()?;
    for (leg, digest) in record.legs.iter().zip([&debian, &alpine]) {
        let runtime = leg.environment.images.iter().find(|i| i.purpose == "runtime");
        check(&mut complaints, runtime.is_some_and(|i| i.digest == *digest), || {
            format!("{}: {runtime:?}, expected {digest}", leg.name)
        });
    }
    let pinned = record.legs.iter().flat_map(|l| &l.environment.images);
    let builders: Vec<_> = pinned.filter(|i| i.purpose == "builder").map(|i| &i.digest).collect();
    check(&mut complaints, builders == [&builder, &builder], || format!("{builders:?}"));
    let rust = ["bookworm", "alpine"].map(|name| format!("{address}/rust:1-{name}"));
    for image in [by_tag, by_digest].into_iter().chain(rust) {
        docker(&["rmi", &image])?;
    }
    ran.judge(&complaints)
}
