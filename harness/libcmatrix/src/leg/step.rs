//! What every step has: a beginning and an end in the record, a clock, a log.

use std::{
    fs::File,
    io::Write,
    time::{Duration, Instant},
};

use libcmatrix_agent::protocol::{Ended, ProgramLimits, Stream};
use libcmatrix_schema::{AttemptStatus, Event, Step, StepName, StepStatus};

use super::{Context, Leg};
use crate::{
    exit::Exit,
    failure::{Failure, Result},
};

/// A step that is being done. Finish it with [`RunningStep::finish`], whatever happens.
pub struct RunningStep<'a> {
    context: &'a Context,
    leg: String,
    /// When its clock was started; `None` while it is stopped.
    started: Option<Instant>,
    /// Time until the clock was last stopped.
    before: Duration,
    log: File,
    step: Step,
}

impl<'a> RunningStep<'a> {
    /// Begins a step.
    ///
    /// # Errors
    /// Its log cannot be written.
    pub fn begin(context: &'a Context, leg: &Leg, name: StepName) -> Result<Self> {
        context.recorder.check()?;
        let (log_name, log) = context.folder.log(&leg.name, name)?;
        context.recorder.event(Event::StepStarted { leg: leg.name.clone(), step: name });
        Ok(Self {
            context,
            leg: leg.name.clone(),
            started: Some(Instant::now()),
            before: Duration::ZERO,
            log,
            step: Step {
                name,
                status: StepStatus::Passed,
                exit_code: None,
                wall_s: 0.0,
                user_s: None,
                system_s: None,
                peak_rss_bytes: None,
                log: Some(log_name),
                detail: None,
                diagnostics: Vec::new(),
                messages: Vec::new(),
                failed_targets: Vec::new(),
            },
        })
    }

    /// Stops the clock, while another leg has its turn.
    pub fn pause(&mut self) {
        self.before += self.started.take().map_or(Duration::ZERO, |started| started.elapsed());
    }

    /// Starts the clock again.
    pub fn resume(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    /// Writes a line to the step's log.
    pub fn log(&mut self, text: &str) {
        // The log is for reading; the record is what counts, and it checks the disk.
        let _ = writeln!(self.log, "{text}");
    }

    /// Shows how far it is.
    pub fn progress(&self, done: u64, total: Option<u64>, doing: &str) {
        self.context.recorder.event(Event::StepProgress {
            leg: self.leg.clone(),
            step: self.step.name,
            done,
            total,
            doing: doing.into(),
        });
    }

    /// Takes over how the step's command ended. Of several commands the last status holds, and usage adds up.
    pub fn take_usage(&mut self, ended: &Ended) {
        self.step.exit_code = match ended.status {
            AttemptStatus::Passed | AttemptStatus::Leaked => Some(0),
            AttemptStatus::Failed { exit_code } => Some(exit_code),
            _ => None,
        };
        let add = |sum: &mut Option<f64>, more: f64| *sum = Some(sum.unwrap_or(0.0) + more);
        add(&mut self.step.user_s, ended.user_s);
        add(&mut self.step.system_s, ended.system_s);
        let peak = self.step.peak_rss_bytes.unwrap_or(0).max(ended.peak_rss_bytes);
        self.step.peak_rss_bytes = Some(peak);
        let (status, detail) = status_of(ended);
        self.step.status = status;
        if detail.is_some() {
            self.step.detail = detail;
        }
    }

    /// The step as it stands.
    pub fn step(&mut self) -> &mut Step {
        &mut self.step
    }

    /// Ends the step with what its body gave. A failure of the engine or a wish to stop becomes the step's status.
    ///
    /// # Errors
    /// The body's own failure, passed on.
    pub fn finish<T>(mut self, body: Result<T>) -> Result<T> {
        self.pause();
        self.step.wall_s = self.before.as_secs_f64();
        if let Err(failure) = &body {
            self.step.status = match failure.exit {
                Exit::Interrupted => StepStatus::Interrupted,
                _ => StepStatus::EngineFault,
            };
            self.step.detail = Some(failure.to_string());
            self.log(&failure.to_string());
        }
        self.context.recorder.event(Event::StepFinished { leg: self.leg, step: self.step });
        body
    }
}

/// How a command's end counts for its step.
fn status_of(ended: &Ended) -> (StepStatus, Option<String>) {
    match &ended.status {
        // A helper process left behind by a build (a compile server, say) is no failure of the build.
        AttemptStatus::Passed | AttemptStatus::Leaked => (StepStatus::Passed, None),
        AttemptStatus::TimedOut if ended.silent => (
            StepStatus::TimedOut,
            Some("it gave no output for longer than the silence limit".into()),
        ),
        AttemptStatus::TimedOut => {
            (StepStatus::TimedOut, Some("it ran for longer than the step's time limit".into()))
        }
        AttemptStatus::OomKilled => {
            (StepStatus::OomKilled, Some("the memory limit was reached".into()))
        }
        // A compiler killed for memory makes cargo fail with an ordinary exit code.
        AttemptStatus::Failed { .. } if ended.oom_kills > 0 => {
            (StepStatus::OomKilled, Some("a process was killed at the memory limit".into()))
        }
        AttemptStatus::Failed { exit_code } => {
            (StepStatus::Failed, Some(format!("exit code {exit_code}")))
        }
        AttemptStatus::Crashed { signal } => (StepStatus::Failed, Some(format!("signal {signal}"))),
        AttemptStatus::NotRun { reason } => (StepStatus::EngineFault, Some(reason.clone())),
    }
}

/// The limits of a step's command. Compiler messages must come through whole, so much is kept.
#[must_use]
pub fn command_limits(context: &Context) -> ProgramLimits {
    let limits = &context.settings.limits;
    ProgramLimits {
        time_ms: milliseconds(limits.step_time_s),
        silence_ms: Some(milliseconds(limits.step_silence_s)),
        head_bytes: 512 << 20,
        tail_bytes: 1 << 20,
    }
}

/// Seconds as whole milliseconds.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are positive and far below 2^53 ms"
)]
pub fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).max(0.0) as u64
}

/// The last lines of what a command said, for an error message.
pub struct LastLines {
    lines: std::collections::VecDeque<String>,
    most: usize,
}

impl Default for LastLines {
    fn default() -> Self {
        Self::of(12)
    }
}

impl LastLines {
    /// The last `most` lines.
    #[must_use]
    pub fn of(most: usize) -> Self {
        Self { lines: std::collections::VecDeque::new(), most }
    }

    /// Takes a line of standard error.
    pub fn push(&mut self, stream: Stream, line: &str) {
        if stream == Stream::Stderr && !line.trim().is_empty() {
            self.lines.push_back(line.to_owned());
            if self.lines.len() > self.most {
                self.lines.pop_front();
            }
        }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// A command that must work in any builder image; if it does not, the image is at fault.
///
/// # Errors
/// Always.
pub fn image_fault<T>(leg: &Leg, what: &str, said: &str) -> Result<T> {
    Err(Failure::environment(format!("the builder image {} cannot {what}", leg.spec.builder))
        .because(said)
        .hint("name an image with rustc and cargo as `builder` in libcmatrix.toml"))
}
