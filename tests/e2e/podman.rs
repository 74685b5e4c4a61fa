//! The command over Podman's socket, which speaks Docker's interface in its own way: the outcomes
//! are the same, and so is what is left behind, nothing.
//!
//! All trials share one service, which the first one starts (`ci/podman-service`) and [`end`] ends.
//! Its images are those of the Docker engine.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::{
    command::{self, Over, check, docker, libcmatrix_over},
    leftovers, samples,
};

/// Sample projects: nothing special, a crash, memory that runs out, processes that stay behind,
/// dependencies to fetch, and floods of output.
const SAMPLES: [&str; 7] = [
    "all-green",
    "thread-stack",
    "memory-hog",
    "leaves-a-daemon",
    "custom-harness",
    "noisy-output",
    "ships-programs",
];

/// The images of the pair that can be made on any machine.
const IMAGES: [&str; 3] =
    ["libcmatrix/debian-builder:trixie", "libcmatrix/debian:trixie", "libcmatrix/alpine:3.23"];

/// The service, or why there is none; nothing before the first trial.
static SERVICE: Mutex<Option<Result<Service, String>>> = Mutex::new(None);

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = SAMPLES
        .iter()
        .map(|name| {
            Trial::test(format!("podman sample {name}"), || {
                samples::run_one(Over::Daemon(&address()?), name)
            })
        })
        .collect();
    trials.extend([
        Trial::test("podman leftovers after kill -9", || {
            leftovers::killed_in_tests(Over::Daemon(&address()?))
        }),
        Trial::test("podman leftovers after Ctrl-C", || {
            leftovers::interrupted(Over::Daemon(&address()?))
        }),
        Trial::test("podman is what doctor says it is", doctor),
        Trial::test("podman has the images under their names only", images),
    ]);
    trials
}

/// Ends the service, if one was started.
pub fn end() {
    let service = SERVICE.lock().map(|mut service| service.take());
    drop(service);
}

/// Where the service is reached. A trial that fails to start it fails all.
fn address() -> Result<String, Failed> {
    let mut service = SERVICE.lock().map_err(|_| "another trial broke while it started Podman")?;
    let started = service.get_or_insert_with(|| Service::start().map_err(|e| e.to_string()));
    started.as_ref().map(Service::address).map_err(|why| why.clone().into())
}

/// A service with everything of its own. It ends when its input does, so also with this process.
struct Service {
    script: Child,
    folder: TempDir,
}

impl Service {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = TempDir::with_prefix("libcmatrix-podman-")?;
        let mut script = Command::new(command::root().join("ci/podman-service"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = script.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let service = Self { script, folder };
        if said.trim() != "ready" {
            return Err(
                "Podman does not come up (Debian's packages podman, netavark, runc; as root): \
                        what it said is above"
                    .into(),
            );
        }
        service.load()?;
        Ok(service)
    }

    fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("podman.sock").display())
    }

    /// By the command under test, from one archive of all images.
    fn load(&self) -> Result<(), Box<dyn std::error::Error>> {
        let archive = self.folder.path().join("images.tar");
        let path = archive.to_string_lossy();
        docker(&[&["save", "--output", &path][..], &IMAGES].concat())
            .map_err(|e| e.message().unwrap_or_default().to_owned())?;
        let load =
            libcmatrix_over(Over::Daemon(&self.address()), ["images", "load", &path]).output()?;
        std::fs::remove_file(&archive)?;
        let stdout = String::from_utf8_lossy(&load.stdout);
        if load.status.success() && IMAGES.iter().all(|image| stdout.contains(image)) {
            return Ok(());
        }
        Err(format!("images load: {stdout}{}", String::from_utf8_lossy(&load.stderr)).into())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// What the command prints over the service, and whether it succeeds.
fn said(args: &[&str]) -> Result<(bool, String), Failed> {
    let output = libcmatrix_over(Over::Daemon(&address()?), args).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

fn doctor() -> Result<(), Failed> {
    let (good, text) = said(&["doctor"])?;
    let version = Command::new("podman").arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version).trim().replace(" version ", " ");
    let mut complaints = Vec::new();
    check(&mut complaints, good, || "it fails".into());
    for words in [version.as_str(), "the pair debian-trixie-local and alpine-3.23-local is there"] {
        check(&mut complaints, text.contains(words), || format!("it lacks {words:?}"));
    }
    finish(complaints, &text)
}

/// Podman takes a short name for any that ends like it: `alpine:3.23`, an image of a registry, for
/// `localhost/libcmatrix/alpine:3.23`, one that was made here.
fn images() -> Result<(), Failed> {
    let (_, text) = said(&["images"])?;
    let mut complaints = Vec::new();
    for image in IMAGES {
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", image])?;
        let id: String = id.trim().chars().take(19).collect();
        let line = text.lines().find(|line| line.trim().starts_with(image)).unwrap_or_default();
        check(&mut complaints, line.contains(&id), || format!("{image} is not {id}"));
    }
    let line = text.lines().find(|line| line.trim().starts_with("alpine:3.23"));
    check(&mut complaints, line.is_some_and(|line| line.contains("not pulled")), || {
        format!("another image is taken for alpine:3.23: {line:?}")
    });
    let (removed, why) = said(&["images", "remove", "alpine:3.23"])?;
    check(&mut complaints, !removed, || format!("another image was removed: {why}"));
    finish(complaints, &text)
}

fn finish(complaints: Vec<String>, said: &str) -> Result<(), Failed> {
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{said}", complaints.join("\n")).into())
    }
}
