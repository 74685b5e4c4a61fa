//! A sandbox with the agent in it, and the conversation with that agent.
//!
//! Takes a [`SandboxSpec`] and jobs; gives the agent's reports. An agent that falls silent or
//! speaks something else is an engine fault, never a result.

use std::time::Duration;

use libcmatrix_agent::protocol::{
    AuditRoot, Ended, Job, Program, ProgramLimits, Report, Stream, TestBinary, TestToRun,
};
use libcmatrix_schema::Libc;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Engine, Sandbox, SandboxSpec},
    exit::Exit,
    failure::{Failure, Result},
};

/// A sandbox whose agent is ready.
pub struct AgentSession {
    sandbox: Box<dyn Sandbox>,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    purpose: String,
    cancel: CancellationToken,
}

/// How long the agent may take beyond what its job may take. It keeps the limits itself; this only
/// catches an agent, or an engine, that has stopped altogether.
const PATIENCE: Duration = Duration::from_secs(120);

/// The failure that stands for the user's wish to stop.
#[must_use]
pub fn interrupted() -> Failure {
    Failure {
        exit: Exit::Interrupted,
        what: "interrupted".into(),
        cause: String::new(),
        hint: None,
    }
}

impl AgentSession {
    /// Starts a sandbox and waits for its agent.
    ///
    /// # Errors
    /// The engine refuses, or the agent does not come up.
    pub async fn start(
        engine: &dyn Engine,
        spec: &SandboxSpec,
        cancel: &CancellationToken,
    ) -> Result<Self> {
        let mut sandbox = engine.start(spec).await?;
        let streams = (sandbox.take_stdin(), sandbox.take_stdout());
        let (Some(input), Some(output)) = streams else {
            return Err(Failure::bug("a sandbox was started without standard streams"));
        };
        let mut session = Self {
            sandbox,
            input,
            output: BufReader::with_capacity(1 << 18, output),
            purpose: spec.purpose.clone(),
            cancel: cancel.clone(),
        };
        match session.report(Duration::ZERO).await? {
            Report::Ready { .. } => Ok(session),
            other => Err(session.unexpected(&other)),
        }
    }

    /// Runs one program; `line` gets its output.
    ///
    /// # Errors
    /// Engine fault, or interrupted. How the program ends is no error.
    pub async fn exec(
        &mut self,
        program: Program,
        limits: ProgramLimits,
        mut line: impl FnMut(Stream, &str),
    ) -> Result<Ended> {
        self.say(&Job::Exec { program, limits }).await?;
        loop {
            match self.report(Duration::from_millis(limits.time_ms)).await? {
                Report::Line { stream, text } => line(stream, &text),
                Report::Cut { stream, bytes } => {
                    line(stream, &format!("[... {bytes} bytes left out ...]"));
                }
                Report::ExecEnded(ended) => return Ok(ended),
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// Asks test binaries for their tests; `report` gets one [`Report::Listed`] each.
    ///
    /// # Errors
    /// Engine fault, or interrupted.
    pub async fn list(
        &mut self,
        binaries: Vec<TestBinary>,
        threads: usize,
        limits: ProgramLimits,
        report: impl FnMut(Report),
    ) -> Result<()> {
        self.say(&Job::List { binaries, threads, limits }).await?;
        self.until_done(limits, report).await
    }

    /// Runs tests; `report` gets [`Report::TestStarted`] and [`Report::TestFinished`].
    ///
    /// # Errors
    /// Engine fault, or interrupted.
    pub async fn test(
        &mut self,
        binaries: Vec<TestBinary>,
        tests: Vec<TestToRun>,
        attempts: u32,
        threads: usize,
        limits: ProgramLimits,
        report: impl FnMut(Report),
    ) -> Result<()> {
        self.say(&Job::Test { binaries, tests, attempts, threads, limits }).await?;
        self.until_done(limits, report).await
    }

    /// Copies an executable whose `PT_GNU_STACK` asks for so much stack a thread. The inner result is
    /// why that cannot be done with this file.
    ///
    /// # Errors
    /// Engine fault, or interrupted.
    pub async fn raise_stack(
        &mut self,
        from: &str,
        to: &str,
        bytes: u64,
    ) -> Result<std::result::Result<(), String>> {
        self.say(&Job::RaiseStack { from: from.into(), to: to.into(), bytes }).await?;
        match self.report(Duration::ZERO).await? {
            Report::StackRaised { refused: None } => Ok(Ok(())),
            Report::StackRaised { refused: Some(why) } => Ok(Err(why)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Reads ELF files; `report` gets one [`Report::Audited`] each, and [`Report::AuditEnded`].
    ///
    /// # Errors
    /// Engine fault, or interrupted.
    pub async fn audit(
        &mut self,
        libc: Libc,
        files: Vec<String>,
        roots: Vec<AuditRoot>,
        library_path: Vec<String>,
        time: Duration,
        mut report: impl FnMut(Report),
    ) -> Result<()> {
        let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.say(&Job::Audit { libc, files, roots, library_path, time_ms }).await?;
        loop {
            match self.report(time).await? {
                audited @ Report::Audited { .. } => report(audited),
                ended @ Report::AuditEnded { .. } => {
                    report(ended);
                    return Ok(());
                }
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// Ends the agent and removes the sandbox.
    ///
    /// # Errors
    /// The engine cannot be reached.
    pub async fn close(mut self) -> Result<()> {
        self.sandbox.remove().await
    }

    async fn until_done(
        &mut self,
        limits: ProgramLimits,
        mut each: impl FnMut(Report),
    ) -> Result<()> {
        loop {
            match self.report(Duration::from_millis(limits.time_ms)).await? {
                Report::Done => return Ok(()),
                report @ (Report::Listed { .. }
                | Report::TestStarted { .. }
                | Report::TestFinished { .. }) => each(report),
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    async fn say(&mut self, job: &Job) -> Result<()> {
        let mut line = serde_json::to_vec(job)
            .map_err(|e| Failure::bug("a job cannot be serialised").because(e))?;
        line.push(b'\n');
        let sent = async {
            self.input.write_all(&line).await?;
            self.input.flush().await
        };
        match sent.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ended_early().await),
        }
    }

    /// The next report; at most `limit` and some patience later.
    async fn report(&mut self, limit: Duration) -> Result<Report> {
        let mut line = Vec::new();
        let cancel = self.cancel.clone();
        let read = timeout(limit + PATIENCE, self.output.read_until(b'\n', &mut line));
        let read = tokio::select! {
            () = cancel.cancelled() => return Err(interrupted()),
            read = read => read,
        };
        match read {
            Err(_) => {
                Err(Failure::environment(format!("the agent in {} does not answer", self.purpose))
                    .because("nothing was heard of it for longer than its job may take")
                    .hint("see whether the engine is overloaded: `libcmatrix doctor`"))
            }
            Ok(Ok(n)) if n > 0 && line.ends_with(b"\n") => {
                serde_json::from_slice(&line).map_err(|e| {
                    Failure::bug(format!("the agent in {} is not understood", self.purpose))
                        .because(e)
                })
            }
            Ok(_) => Err(self.ended_early().await),
        }
    }

    async fn ended_early(&mut self) -> Failure {
        let exit = timeout(Duration::from_secs(10), self.sandbox.wait()).await;
        let mut causes = Vec::new();
        if let Ok(Ok(exit)) = exit {
            causes.push(format!("its first process ended with exit code {}", exit.exit_code));
            if exit.oom_killed {
                causes.push("memory ran out".into());
            }
            causes.extend(exit.error);
        }
        let said = self.sandbox.stderr_so_far();
        if !said.trim().is_empty() {
            causes.push(format!("it said: {}", said.trim()));
        }
        Failure::environment(format!("the sandbox for {} ended too early", self.purpose))
            .because(causes.join("; "))
            .hint("run again; if it happens again, `libcmatrix doctor` looks at the engine")
    }

    fn unexpected(&self, report: &Report) -> Failure {
        match report {
            Report::Fatal { message } => {
                Failure::environment(format!("the agent in {} gave up", self.purpose))
                    .because(message)
            }
            other => {
                Failure::bug(format!("the agent in {} said something unexpected", self.purpose))
                    .because(format!("{other:?}").chars().take(300).collect::<String>())
            }
        }
    }
}
