//! Sandboxes: a container each, attached to before it starts.
//!
//! Takes a [`SandboxSpec`]; gives a running [`DockerSandbox`].

use std::time::Duration;

use async_trait::async_trait;
use bollard::{
    Docker,
    errors::Error,
    models::{
        ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits,
    },
    query_parameters::{
        AttachContainerOptionsBuilder, KillContainerOptionsBuilder, StartContainerOptions,
        WaitContainerOptionsBuilder,
    },
};
use futures_util::StreamExt;
use libcmatrix_sandbox::unreaped::{Unreaped, unreaped};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

use super::{
    DockerEngine,
    container::{self, Created},
    fault, labels, state, streams, sweep,
};
use crate::{
    engine::{HOST_NAME, Sandbox, SandboxExit, SandboxSpec, tail::Tail},
    failure::{Failure, Result},
};

/// How long the last outputs may take after the end. Longer only where nobody reads them.
const LAST_OUTPUTS: Duration = Duration::from_millis(500);

/// A running container.
pub(super) struct DockerSandbox {
    daemon: Docker,
    patient: Docker,
    id: String,
    purpose: String,
    stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    stderr: Tail,
    handing_over: Option<JoinHandle<()>>,
    exit: Option<SandboxExit>,
}

/// Starts a sandbox.
///
/// # Errors
/// The daemon refuses, or the program cannot be started.
pub(super) async fn start(engine: &DockerEngine, spec: &SandboxSpec) -> Result<DockerSandbox> {
    let what = || {
        let program = spec.argv.first().map_or("nothing", String::as_str);
        format!("cannot start `{program}` in a container ({})", spec.purpose)
    };
    if spec.argv.is_empty() {
        return Err(Failure::bug(what()).because("no program is named"));
    }
    let volumes = spec.mounts.iter().map(|mount| mount.volume.clone()).collect();
    container::must_exist(&engine.daemon, volumes).await?;

    let name = engine.container_name(&spec.owner, &spec.purpose);
    let created = match Created::new(&engine.daemon, &name, body(spec)).await {
        Ok(created) => created,
        Err(error) if fault::status(&error) == Some(404) => {
            return Err(Failure::environment(what())
                .because(fault::cause(&error))
                .hint("the image was removed; run again to fetch it"));
        }
        Err(error) => return Err(fault::failure(what(), &error)),
    };
    let attach = AttachContainerOptionsBuilder::new()
        .stream(true)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .build();
    // Attached before it starts, so that no byte is lost.
    let started = match engine.daemon.attach_container(created.id(), Some(attach)).await {
        Ok(attached) => engine
            .daemon
            .start_container(created.id(), None::<StartContainerOptions>)
            .await
            .map(|()| attached),
        Err(error) => Err(error),
    };
    let attached = match started {
        Ok(attached) => attached,
        Err(error) => {
            created.remove().await;
            return Err(start_failure(what(), &error));
        }
    };
    let streams = streams::take_apart(attached);
    Ok(DockerSandbox {
        daemon: engine.daemon.clone(),
        patient: engine.patient(),
        id: created.keep(),
        purpose: spec.purpose.clone(),
        stdin: Some(streams.stdin),
        stdout: Some(streams.stdout),
        stderr: streams.stderr,
        handing_over: Some(streams.handing_over),
        exit: None,
    })
}

/// A failure to start, without the layers that the runtime's message passed through.
fn start_failure(what: String, error: &Error) -> Failure {
    let mut failure = fault::failure(what, error);
    let cause = failure.cause.trim_end_matches(": unknown");
    if let Some((_, reason)) = cause.split_once("container process: ") {
        failure.cause = reason.trim().trim_end_matches('.').to_owned();
    }
    if failure.cause.contains("setting rlimit") {
        return failure.hint(
            "the engine asks for higher limits than it may set: for Podman, lower default_ulimits \
             (nofile, nproc) in containers.conf",
        );
    }
    if failure.cause.contains("failed to create endpoint") {
        return failure.hint("the engine's own network is broken: restart the engine");
    }
    failure
}

/// The container that a specification means.
fn body(spec: &SandboxSpec) -> ContainerCreateBody {
    let limit = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mounts = spec
        .mounts
        .iter()
        .map(|mount| container::mount(&spec.owner, &mount.volume, &mount.at, mount.read_only))
        .collect();
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: Some(HOST_NAME.to_owned()),
        // Replaces the image's own; its command is left out with it.
        entrypoint: Some(spec.argv.clone()),
        cmd: Some(Vec::new()),
        env: Some(spec.env.clone()),
        working_dir: Some(spec.working_dir.clone()),
        user: spec.user.clone(),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        // The daemon closes the input when we are gone, however we went; the agent ends then.
        stdin_once: Some(true),
        tty: Some(false),
        // Nothing in it has anything to tidy up, and PID 1 takes no signal that it does not ask for.
        // Docker removes with SIGKILL anyhow; Podman would first wait this long after a SIGTERM.
        stop_timeout: Some(0),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        labels: Some(labels::labels(&spec.owner, &spec.purpose)),
        host_config: Some(HostConfig {
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            memory: Some(limit(spec.memory_bytes)),
            // With the same number for both there is no swap.
            memory_swap: Some(limit(spec.memory_bytes)),
            pids_limit: Some(limit(spec.pids)),
            network_mode: Some(if spec.network { "default" } else { "none" }.to_owned()),
            readonly_rootfs: Some(spec.read_only_root),
            // The program is PID 1 itself; the daemon's own would only stand between.
            init: Some(false),
            // Outputs may be huge, and are read as they come.
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            nano_cpus: spec.cpus.map(nano_cpus),
            // Only what was asked for: the agent keeps core files off each program itself, and with a
            // single limit named here Podman forgets its own configured ones.
            ulimits: spec.file_bytes.map(file_limit),
            mounts: Some(mounts),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Processors as the daemon takes them.
#[allow(clippy::cast_possible_truncation, reason = "no machine has 2^33 processors")]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}

/// The limit on the size of a file, of each process.
fn file_limit(bytes: u64) -> Vec<ResourcesUlimits> {
    let bytes = i64::try_from(bytes).ok();
    vec![ResourcesUlimits { name: Some("fsize".to_owned()), soft: bytes, hard: bytes }]
}

#[async_trait]
impl Sandbox for DockerSandbox {
    fn take_stdin(&mut self) -> Option<Box<dyn AsyncWrite + Send + Unpin>> {
        self.stdin.take()
    }

    fn take_stdout(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>> {
        self.stdout.take()
    }

    fn stderr_so_far(&self) -> String {
        self.stderr.text()
    }

    async fn terminate(&mut self) -> Result<()> {
        let options = KillContainerOptionsBuilder::new().signal("SIGTERM").build();
        match self.daemon.kill_container(&self.id, Some(options)).await {
            Ok(()) => Ok(()),
            // It does not run, or is gone.
            Err(error) if matches!(fault::status(&error), Some(404 | 409 | 500)) => Ok(()),
            Err(error) => {
                let what = format!("cannot end a container ({})", self.purpose);
                Err(fault::failure(what, &error))
            }
        }
    }

    async fn unreaped(&mut self) -> Result<Option<Vec<Unreaped>>> {
        let state = state::inspect(&self.daemon, &self.id).await.map_err(|error| {
            fault::failure(format!("lost sight of a container ({})", self.purpose), &error)
        })?;
        // The daemon itself does not tell of processes that have ended (`docker top` goes by control
        // groups, which they have left). Another machine's cannot be looked at.
        let Some(pid) = state.pid.filter(|pid| *pid > 0) else { return Ok(None) };
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        Ok(groups.contains(&self.id).then(|| unreaped(pid)))
    }

    async fn wait(&mut self) -> Result<SandboxExit> {
        // Streams that nobody took keep nobody waiting: there is no input, and the output is let go.
        self.stdin = None;
        self.stdout = None;
        if let Some(exit) = &self.exit {
            return Ok(exit.clone());
        }
        let exit = match end(&self.daemon, &self.patient, &self.id).await {
            Ok(exit) => exit,
            Err(error) => {
                let what = format!("lost sight of a container ({})", self.purpose);
                return Err(fault::failure(what, &error));
            }
        };
        if let Some(handing_over) = self.handing_over.take() {
            let _ = tokio::time::timeout(LAST_OUTPUTS, handing_over).await;
        }
        Ok(self.exit.insert(exit).clone())
    }

    async fn remove(&mut self) -> Result<()> {
        match sweep::remove_container(&self.daemon, &self.id).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = format!("cannot remove a container ({})", self.purpose);
                Err(fault::failure(what, &error).hint("libcmatrix clean removes what is left"))
            }
        }
    }
}

/// Waits for the end of a container that was started.
async fn end(daemon: &Docker, patient: &Docker, id: &str) -> Result<SandboxExit, Error> {
    // It was started, so "does not run" means that it has ended; one that ended before this
    // question is answered at once.
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut ends = Box::pin(patient.wait_container(id, Some(options)));
    let (code, said) = match ends.next().await {
        Some(Ok(end)) => (Some(end.status_code), end.error.and_then(|error| error.message)),
        // bollard's way to say an exit code above 0.
        Some(Err(Error::DockerContainerWaitError { error, code })) => (Some(code), Some(error)),
        Some(Err(error)) => return Err(error),
        None => (None, None),
    };
    let state = state::inspect(daemon, id).await?;
    let Some(exit_code) = code.or(state.exit_code.filter(|_| state.running == Some(false))) else {
        // The connection ended, and the container did not.
        return Err(Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)));
    };
    let error = [said, state.error].into_iter().flatten().find(|error| !error.is_empty());
    Ok(SandboxExit { exit_code, oom_killed: state.oom_killed == Some(true), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Mount, Volume};

    fn spec() -> SandboxSpec {
        SandboxSpec {
            owner: crate::engine::current_owner("r"),
            purpose: "baseline test".into(),
            image: "sha256:1".into(),
            argv: vec!["/bin/x".into(), "y".into()],
            env: vec!["A=b".into()],
            working_dir: "/work".into(),
            user: None,
            mounts: vec![Mount { volume: Volume("v".into()), at: "/work".into(), read_only: true }],
            network: false,
            read_only_root: true,
            memory_bytes: 1 << 30,
            pids: 99,
            cpus: Some(1.5),
            file_bytes: Some(1 << 20),
        }
    }

    #[test]
    fn a_sandbox_is_shut() {
        let body = body(&spec());
        let host = body.host_config.expect("limits");
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
        assert_eq!(host.nano_cpus, Some(1_500_000_000));
        assert!(host.ulimits.is_some_and(|limits| limits.iter().any(|l| l.soft == Some(1 << 20))));
        assert_eq!((host.memory, host.memory_swap), (Some(1 << 30), Some(1 << 30)));
        assert_eq!(host.pids_limit, Some(99));
        assert_eq!(host.network_mode.as_deref(), Some("none"));
        assert_eq!(host.readonly_rootfs, Some(true));
        let mount = host.mounts.and_then(|mut mounts| mounts.pop()).expect("a mount");
        assert_eq!(mount.read_only, Some(true));
        assert_eq!(mount.volume_options.and_then(|options| options.no_copy), Some(true));
        assert_eq!(body.stdin_once, Some(true));
        assert!(body.labels.is_some_and(|labels| labels.contains_key(labels::RUN)));
    }

    #[test]
    fn limits_beyond_every_number() {
        let host = body(&SandboxSpec { memory_bytes: u64::MAX, ..spec() }).host_config;
        assert_eq!(host.and_then(|host| host.memory), Some(i64::MAX));
    }

    #[test]
    fn the_runtimes_layers_are_cut() {
        let error = Error::DockerResponseServerError {
            status_code: 400,
            message: "failed to create shim task: OCI runtime create failed: runc create failed: \
                      unable to start container process: exec: \"/x\": stat /x: no such file or \
                      directory: unknown"
                .into(),
        };
        let failure = start_failure("cannot start".into(), &error);
        assert_eq!(failure.cause, "exec: \"/x\": stat /x: no such file or directory");
        let error = Error::DockerResponseServerError {
            status_code: 409,
            message: "preparing container 1 for attach: runc: runc create failed: unable to start \
                      container process: error during container init: error setting rlimits for \
                      ready process: error setting rlimit type 7: operation not permitted: OCI \
                      permission denied"
                .into(),
        };
        let hint = start_failure("cannot start".into(), &error).hint;
        assert!(hint.is_some_and(|hint| hint.contains("default_ulimits")));
        let error = Error::DockerResponseServerError {
            status_code: 500,
            message: "failed to create endpoint x on network bridge: no such interface".into(),
        };
        let hint = start_failure("cannot start".into(), &error).hint;
        assert!(hint.is_some_and(|hint| hint.contains("restart the engine")));
    }
}
