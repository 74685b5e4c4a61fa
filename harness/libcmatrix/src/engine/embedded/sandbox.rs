//! Sandboxes: a helper each.
//!
//! Takes a [`SandboxSpec`]; gives a running [`EmbeddedSandbox`].

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use libcmatrix_sandbox::request::{
    Answer, Bind, Group, Hierarchy, Limits, Program, Request, Run, Word,
};
use libcmatrix_sandbox::unreaped::Unreaped;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::unix::pipe,
    task::JoinHandle,
};

use super::{
    EngineParts,
    helper::{self, Helper},
    resolver,
    spares::Spare,
    store::Held,
    sweep, volume,
};
use crate::{
    engine::{HOST_NAME, Sandbox, SandboxExit, SandboxSpec, tail::Tail},
    failure::{Failure, Result},
};

/// Where programs are looked for when an image does not say: Docker's choice.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A running sandbox.
pub(super) struct EmbeddedSandbox {
    engine: Arc<EngineParts>,
    purpose: String,
    folder: PathBuf,
    helper: Option<Helper>,
    stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    stderr: Tail,
    reading_stderr: Option<JoinHandle<()>>,
    exit: Option<SandboxExit>,
    /// Keeps the image from being removed.
    _image: Held,
}

/// Starts a sandbox.
///
/// # Errors
/// The kernel refuses, or the program cannot be started.
pub(super) async fn start(
    engine: &Arc<EngineParts>,
    spec: &SandboxSpec,
) -> Result<EmbeddedSandbox> {
    let what = || {
        let program = spec.argv.first().map_or("nothing", String::as_str);
        format!("cannot start `{program}` in a sandbox ({})", spec.purpose)
    };
    let image = engine.store.tree(&spec.image).await?;
    let run = engine.run(&spec.owner.run_id)?;
    let Spare { helper, number, folder, etc } =
        engine.spares.take(&engine.executable, &spec.owner.run_id, &run)?;
    let request = request(engine, spec, &image, number, &folder, etc)?;
    let pipes = pipe::pipe().and_then(|(writer, reader)| Ok((writer, reader.into_blocking_fd()?)));
    let (writer, reader) = pipes.map_err(|e| Failure::environment(what()).because(e))?;
    let request = Request::Run(Box::new(request));
    let mut helper = helper.ask(request, Some(reader)).await?;
    let (stdout, stderr) = (helper.take_stdout(), helper.take_stderr());
    let tail = Tail::default();
    let reading_stderr = stderr.map(|mut stderr| {
        let tail = tail.clone();
        tokio::spawn(async move {
            let mut chunk = vec![0; 16 << 10];
            while let Ok(n @ 1..) = stderr.read(&mut chunk).await {
                tail.push(&chunk[..n]);
            }
        })
    });
    let mut sandbox = EmbeddedSandbox {
        engine: engine.clone(),
        purpose: spec.purpose.clone(),
        folder,
        helper: Some(helper),
        stdin: Some(Box::new(writer)),
        stdout: stdout.map(|stdout| Box::new(stdout) as Box<dyn AsyncRead + Send + Unpin>),
        stderr: tail,
        reading_stderr,
        exit: None,
        _image: image,
    };
    let answer = match &mut sandbox.helper {
        Some(helper) => helper.answer().await,
        None => return Err(Failure::bug(what())),
    };
    match answer {
        Ok(Answer::Started { .. }) => {
            let (engine, run_id) = (engine.clone(), spec.owner.run_id.clone());
            // While the program runs. The end of the run waits for this, and ends the helper.
            sandbox.engine.background.begin(async move {
                engine.spares.refill(&engine.executable, &run_id, &run);
            });
            Ok(sandbox)
        }
        Ok(other) => {
            sandbox.remove().await?;
            Err(Failure::bug(what()).because(format!("{other:?}")))
        }
        Err(failed) => {
            let _ = sandbox.remove().await;
            Err(helper::failure(what(), &failed))
        }
    }
}

/// What the helper is asked for.
fn request(
    engine: &Arc<EngineParts>,
    spec: &SandboxSpec,
    image: &Held,
    number: u64,
    folder: &Path,
    etc: Vec<Bind>,
) -> Result<Run> {
    let mut binds = etc;
    if spec.network {
        binds = resolver::files(&folder.join("network"), true).map_err(|e| {
            Failure::environment("the files of a sandbox cannot be written").because(e)
        })?;
    }
    for mount in &spec.mounts {
        binds.push(Bind {
            source: volume::folder(engine, &mount.volume)?,
            at: mount.at.clone(),
            read_only: mount.read_only,
        });
    }
    let name = format!("{}-{number}", sweep::group_name(&spec.owner.run_id));
    let parents = engine.groups.parents.iter();
    // A group for a limit that is not set would only take time.
    let parents = parents.filter(|p| spec.cpus.is_some() || p.hierarchy != Hierarchy::Cpu);
    let groups =
        parents.map(|parent| Group { path: parent.path.join(&name), hierarchy: parent.hierarchy });
    let mut env = vec![PATH.to_owned(), format!("HOSTNAME={HOST_NAME}")];
    env.extend(image.image.config.env.iter().cloned());
    env.extend(spec.env.iter().cloned());
    Ok(Run {
        users: engine.users,
        image: image.path.clone(),
        folder: folder.to_owned(),
        read_only_root: spec.read_only_root,
        binds,
        network: spec.network,
        host_name: HOST_NAME.to_owned(),
        groups: groups.collect(),
        limits: Limits {
            memory_bytes: spec.memory_bytes,
            pids: spec.pids,
            cpus: spec.cpus,
            file_bytes: spec.file_bytes,
        },
        program: Some(Program {
            argv: spec.argv.clone(),
            env,
            working_dir: spec.working_dir.clone(),
            user: spec.user.clone().or_else(|| user_of(image)),
        }),
    })
}

/// Whom the image itself wants to be.
fn user_of(image: &Held) -> Option<String> {
    Some(image.image.config.user.clone()).filter(|user| !user.is_empty())
}

impl EmbeddedSandbox {
    fn lost(&self) -> Failure {
        Failure::environment(format!("lost sight of a sandbox ({})", self.purpose))
    }
}

fn ended(code: i32, oom_kills: u64) -> SandboxExit {
    SandboxExit { exit_code: code.into(), oom_killed: oom_kills > 0, error: None }
}

#[async_trait]
impl Sandbox for EmbeddedSandbox {
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
        if let (Some(helper), None) = (&mut self.helper, &self.exit) {
            helper.say(Word::Terminate).await;
        }
        Ok(())
    }

    async fn unreaped(&mut self) -> Result<Option<Vec<Unreaped>>> {
        let (Some(helper), None) = (&mut self.helper, &self.exit) else { return Ok(None) };
        helper.say(Word::Unreaped).await;
        match helper.answer().await {
            Ok(Answer::Unreaped { children }) => Ok(Some(children)),
            // It ended before it heard that.
            Ok(Answer::Ended { code, oom_kills }) => {
                self.exit = Some(ended(code, oom_kills));
                Ok(None)
            }
            Ok(other) => Err(self.lost().because(format!("{other:?}"))),
            Err(failed) => Err(self.lost().because(failed)),
        }
    }

    async fn wait(&mut self) -> Result<SandboxExit> {
        // Streams that nobody took keep nobody waiting.
        self.stdin = None;
        self.stdout = None;
        if let Some(exit) = &self.exit {
            return Ok(exit.clone());
        }
        let Some(helper) = &mut self.helper else {
            return Err(self.lost().because("it was removed"));
        };
        let exit = match helper.answer().await {
            Ok(Answer::Ended { code, oom_kills }) => ended(code, oom_kills),
            Ok(other) => return Err(self.lost().because(format!("{other:?}"))),
            Err(failed) => return Err(self.lost().because(failed)),
        };
        if let Some(reading) = self.reading_stderr.take() {
            let _ = reading.await;
        }
        Ok(self.exit.insert(exit).clone())
    }

    async fn remove(&mut self) -> Result<()> {
        let Some(helper) = self.helper.take() else { return Ok(()) };
        let (engine, folder) = (self.engine.clone(), self.folder.clone());
        let removal = async move {
            // Where this fails, so does the removal of the run, which says it.
            let _ = engine.remove_trees(vec![folder]).await;
        };
        if self.exit.is_none() {
            // It is killed only now, and may use volumes until then.
            helper.end().await;
            self.engine.background.begin(removal);
        } else {
            self.engine.background.begin(async move {
                helper.end().await;
                removal.await;
            });
        }
        Ok(())
    }
}
