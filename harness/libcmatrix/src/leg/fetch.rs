//! The step `fetch`: the lockfile is made if there is none, dependencies are downloaded, the graph
//! is resolved. The only step with network.

use std::{env, fs, path::PathBuf};

use cargo_metadata::MetadataCommand;
use libcmatrix_agent::protocol::{Ended, Program, Stream};
use libcmatrix_schema::{AttemptStatus, StepName, StepStatus};

use super::{
    Context, Leg,
    archive::{self, Ownership},
    layout,
    session::AgentSession,
    step::{self, LastLines, RunningStep},
};
use crate::{
    failure::{Failure, Result},
    project::{host_cargo, inspect::native_libraries, neutralise},
};

/// Whether the leg may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Everything is there.
    Complete,
    /// Something cannot be had; the step says what.
    Incomplete,
}

/// Fetches for a leg. `lockfile` is the one that another leg has made, and that this one must use.
///
/// # Errors
/// The engine fails.
pub async fn fetch(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    lockfile: Option<&[u8]>,
) -> Result<Fetched> {
    let mut step = RunningStep::begin(context, leg, StepName::Fetch)?;
    let body = body(context, leg, session, lockfile, &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &mut Leg,
    session: &mut AgentSession,
    lockfile: Option<&[u8]>,
    step: &mut RunningStep<'_>,
) -> Result<Fetched> {
    let mut cargo =
        Cargo { context, working_dir: leg.working_dir(&context.project), session, step };
    if let Some(lockfile) = lockfile {
        let owner = Ownership::of(leg.spec.user.as_deref());
        let (tar, task) = archive::file("Cargo.lock", lockfile.to_vec(), owner);
        let image = &leg.images.builder.id;
        let unpacked = context.engine.write_volume(&context.owner, &leg.source, image, tar).await;
        archive::sent("the lockfile", task, unpacked).await?;
    } else if !context.project.has_lockfile {
        cargo.step.progress(0, None, "making the lockfile");
        if cargo.run(&["generate-lockfile"]).await?.0.status != AttemptStatus::Passed {
            return Ok(Fetched::Incomplete);
        }
        context.recorder.note(
            "lockfile-made",
            "the project has no Cargo.lock: one was made, and both legs use it; it is kept in the run's folder",
        );
    }
    cargo.step.progress(0, None, "downloading dependencies");
    let host = leg.toolchain.as_ref().map(|t| t.host.clone()).unwrap_or_default();
    let mut platforms = vec![host, leg.target_triple().to_owned()];
    platforms.dedup();
    let targets: Vec<&str> = platforms.iter().flat_map(|p| ["--target", p]).collect();
    let (ended, said) = cargo.run(&[&["fetch", "--locked"][..], &targets].concat()).await?;
    if ended.status != AttemptStatus::Passed {
        // Published crates carry lockfiles that their own manifest has outgrown.
        if lockfile.is_some() || !said.contains("--locked") {
            return Ok(Fetched::Incomplete);
        }
        let (ended, _) = cargo.run(&[&["fetch"][..], &targets].concat()).await?;
        if ended.status != AttemptStatus::Passed {
            return Ok(Fetched::Incomplete);
        }
        cargo.step.step().detail = None;
        context.recorder.note(
            "lockfile-updated",
            "Cargo.lock did not fit Cargo.toml any more: it was updated, and both legs use the updated one",
        );
    }
    cargo.step.progress(0, None, "resolving the dependency graph");
    let filters: Vec<&str> = platforms.iter().flat_map(|p| ["--filter-platform", p]).collect();
    let features = context.selection.feature_args();
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let head = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let (ended, said, metadata) = cargo.ask(&[&head[..], &filters, &features].concat()).await?;
    if ended.status != AttemptStatus::Passed {
        if said.contains("this feature") || said.contains("these features") {
            return Err(Failure::usage("the project does not have a feature that was asked for")
                .because(said)
                .hint("check --features; `cargo metadata` lists what each package has"));
        }
        return Ok(Fetched::Incomplete);
    }
    let metadata = MetadataCommand::parse(metadata).map_err(|e| {
        Failure::bug("the metadata of the builder's cargo is not understood").because(e)
    })?;
    leg.metadata = Some(Box::new(metadata));
    Ok(Fetched::Complete)
}

/// Cargo in the leg's builder, with network.
struct Cargo<'a, 'b> {
    context: &'a Context,
    working_dir: String,
    session: &'a mut AgentSession,
    step: &'a mut RunningStep<'b>,
}

impl Cargo<'_, '_> {
    /// How it ended, and the last it said on standard error.
    async fn run(&mut self, args: &[&str]) -> Result<(Ended, String)> {
        let (ended, said, _) = self.ask(args).await?;
        Ok((ended, said))
    }

    /// The same, with standard output.
    async fn ask(&mut self, args: &[&str]) -> Result<(Ended, String, String)> {
        self.step.log(&format!("$ cargo {}", args.join(" ")));
        let program = Program {
            argv: ["cargo"].iter().chain(args).map(|a| (*a).to_owned()).collect(),
            env: cargo_variables(),
            cwd: self.working_dir.clone(),
        };
        let limits = step::command_limits(self.context);
        let (mut said, mut answer, mut downloads) = (LastLines::default(), String::new(), 0);
        let step = &mut *self.step;
        let ended = self
            .session
            .exec(program, limits, |stream, line| match stream {
                Stream::Stdout => answer.push_str(line),
                Stream::Stderr => {
                    step.log(line);
                    said.push(stream, line);
                    if let Some(package) = line.trim().strip_prefix("Downloaded ") {
                        downloads += 1;
                        step.progress(downloads, None, package);
                    }
                }
            })
            .await?;
        self.step.take_usage(&ended);
        if self.step.step().status == StepStatus::Failed {
            let said = said.text();
            if is_network(&said) {
                return Err(Failure::environment("dependencies cannot be downloaded")
                    .because(said)
                    .hint("check the network: proxies, mirrors and certificates are taken from this machine's variables and cargo configuration"));
            }
            self.step.step().detail = Some(said);
        }
        Ok((ended, said.text(), answer))
    }
}

/// Whether cargo's words are about the way to a registry, and not about the project.
fn is_network(said: &str) -> bool {
    [
        "spurious network error",
        "Could not resolve host",
        "Couldn't resolve host",
        "Could not connect to server",
        "Couldn't connect to server",
        "Failed to connect to",
        "failed to connect",
        "SSL connect error",
        "SSL certificate",
        "SSL peer certificate",
        "Timeout was reached",
        "failed to get successful HTTP response",
        "network failure seems to have happened",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// The libraries that packages of the project link natively, now that the graph is known.
#[must_use]
pub fn describe_native(context: &Context, leg: &Leg) -> Option<libcmatrix_schema::Project> {
    let metadata = leg.metadata.as_ref()?;
    let mut project = context.project.project.clone();
    for package in &mut project.packages {
        let found = metadata.workspace_packages().into_iter().find(|p| *p.name == package.name);
        if let Some(found) = found {
            package.native = native_libraries(metadata, &found.id);
        }
    }
    Some(project)
}

/// What cargo is told by variables, in every step and on every side.
#[must_use]
pub fn cargo_variables() -> Vec<(String, String)> {
    [
        ("CARGO_HOME", layout::CARGO_HOME),
        ("CARGO_TARGET_DIR", layout::TARGET),
        ("CARGO_TERM_COLOR", "never"),
        ("CARGO_INCREMENTAL", "0"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into()
}

const TRUST_STORE: &str = "ca-certificates.pem";

/// What a download needs to know of this machine: its proxies, and where its trust store was put.
#[must_use]
pub fn network_variables() -> Vec<String> {
    let proxies = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    let mut variables: Vec<String> = proxies
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.to_uppercase()])
        .filter_map(|name| Some(format!("{name}={}", env::var(&name).ok()?)))
        .collect();
    if host_trust_store().is_some() {
        let path = layout::join(layout::CARGO_HOME, TRUST_STORE);
        for name in ["SSL_CERT_FILE", "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"] {
            variables.push(format!("{name}={path}"));
        }
    }
    variables
}

/// Fills a new CARGO_HOME with what downloads need: the machine's trust store (a company's proxy
/// may have put its own certificate there), and where registries are.
///
/// # Errors
/// The volume cannot be written.
pub async fn fill_cargo_home(context: &Context, image: &str) -> Result<()> {
    let trust_store = host_trust_store().and_then(|p| fs::read(p).ok());
    let config = user_cargo_config().map(|text| neutralise::for_downloads(&text));
    let (tar, task) = archive::stream(move |tar| {
        let owner = Ownership::default();
        // Each leg's user fetches into it.
        archive::folder_entry(tar, ".".as_ref(), 0o777, owner)?;
        if let Some(content) = trust_store {
            archive::file_entry(tar, TRUST_STORE.as_ref(), &content, 0o644, owner)?;
        }
        if let Some(content) = config.filter(|c| !c.is_empty()) {
            archive::file_entry(tar, "config.toml".as_ref(), content.as_bytes(), 0o644, owner)?;
        }
        Ok(())
    });
    let engine = &context.engine;
    let unpacked = engine.write_volume(&context.owner, &context.cargo_home, image, tar).await;
    archive::sent("cargo's configuration", task, unpacked).await.map(drop)
}

fn user_cargo_config() -> Option<String> {
    let home = host_cargo::home()?;
    ["config.toml", "config"].iter().find_map(|name| fs::read_to_string(home.join(name)).ok())
}

/// The trust store of this machine: what variables or cargo's configuration name, then the places of
/// the large distributions.
fn host_trust_store() -> Option<PathBuf> {
    env::var_os("CARGO_HTTP_CAINFO")
        .or_else(|| env::var_os("SSL_CERT_FILE"))
        .map(PathBuf::from)
        .or_else(|| {
            user_cargo_config().and_then(|text| neutralise::trust_store(&text)).map(Into::into)
        })
        .into_iter()
        .chain(
            [
                "/etc/ssl/certs/ca-certificates.crt",
                "/etc/pki/tls/certs/ca-bundle.crt",
                "/etc/ssl/ca-bundle.pem",
                "/etc/ssl/cert.pem",
            ]
            .map(PathBuf::from),
        )
        .find(|path| path.is_file())
}

/// Reads the lockfile that a leg has made or updated.
///
/// # Errors
/// The engine fails.
pub async fn read_lockfile(context: &Context, leg: &Leg) -> Result<Option<Vec<u8>>> {
    use futures_util::TryStreamExt;
    let image = &leg.images.builder.id;
    let tar = context.engine.read_volume(&context.owner, &leg.source, image, "Cargo.lock").await?;
    let Some(tar) = tar else { return Ok(None) };
    let unreadable =
        |e: std::io::Error| Failure::environment("the lockfile cannot be read back").because(e);
    let bytes: Vec<bytes::Bytes> = tar.try_collect().await.map_err(unreadable)?;
    let bytes = bytes.concat();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let Some(entry) = archive.entries().map_err(unreadable)?.next() else { return Ok(None) };
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut entry.map_err(unreadable)?, &mut content)
        .map_err(unreadable)?;
    Ok(Some(content))
}
