//! How far a run is, on standard error: which leg, which step, how much of how much, how long, and which
//! tests have been running for a while.
//!
//! Takes the events of a run; on a terminal one line is drawn anew, elsewhere plain lines are
//! written, few enough for a log. Test names and what compilers say are hostile, so nothing of them
//! is shown as it is.

mod running;
mod watcher;

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use libcmatrix_schema::{Attempt, Event, Outcome, Step, StepName, StepStatus};

use self::{running::RunningTests, watcher::Watcher};
use crate::report::{amount, sanitise::sanitise_line};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// Not at all.
    Quiet,
    /// As plain lines.
    Plain,
    /// As a line that is drawn anew.
    Bars,
}

/// Time between two plain lines about the same step.
const PLAIN_INTERVAL: Duration = Duration::from_secs(15);

/// Shows progress.
pub struct Progress {
    mode: ProgressMode,
    verbose: bool,
    /// The bar, and below it a line for each slow test.
    bars: MultiProgress,
    bar: ProgressBar,
    running: Arc<Mutex<RunningTests>>,
    watcher: Option<Watcher>,
    begun: Instant,
    /// Tests found, by leg.
    found: HashMap<String, u64>,
    attempts: u64,
    /// What is under way of each leg: legs take turns in a step.
    steps: HashMap<String, Running>,
    last_line: Instant,
}

/// A step of a leg that is under way.
#[derive(Clone, Copy)]
struct Running {
    step: StepName,
    /// Tests that have finished in it, and how many of them did not pass.
    finished: u64,
    bad: u64,
}

impl Progress {
    /// Begins to show; `verbose`: every test as it finishes.
    #[must_use]
    pub fn new(mode: ProgressMode, verbose: bool) -> Self {
        let target = match mode {
            ProgressMode::Bars => ProgressDrawTarget::stderr_with_hz(8),
            _ => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        let bar = bars.add(ProgressBar::no_length());
        if mode == ProgressMode::Bars {
            bar.enable_steady_tick(Duration::from_millis(125));
        }
        let now = Instant::now();
        let running = Arc::default();
        let watcher = Watcher::start(mode, bars.clone(), Arc::clone(&running), now);
        Self {
            mode,
            verbose,
            bars,
            bar,
            running,
            watcher,
            begun: now,
            found: HashMap::new(),
            attempts: 1,
            steps: HashMap::new(),
            last_line: now,
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { settings, .. } => self.attempts = settings.attempts.into(),
            Event::TestFound { leg, .. } => *self.found.entry(leg.clone()).or_default() += 1,
            Event::StepStarted { leg, step } => self.step_started(leg, *step),
            Event::StepProgress { leg, step, done, total, doing } => {
                self.step_progress(leg, *step, *done, *total, doing);
            }
            Event::TestStarted { leg, id } => self.running().begin(leg, id, Instant::now()),
            Event::TestFinished { leg, id, attempt } => self.test_finished(leg, id, attempt),
            Event::StepFinished { leg, step } => self.step_finished(leg, step),
            Event::Noted(note) => self.message(&format!("note: {}", note.text)),
            _ => {}
        }
    }

    /// Shows a line beside the progress.
    pub fn message(&mut self, text: &str) {
        if self.mode != ProgressMode::Quiet {
            self.line(text);
        }
    }

    /// Takes the progress off the screen.
    pub fn finish(&mut self) {
        self.watcher = None;
        self.bar.finish_and_clear();
    }

    fn running(&self) -> MutexGuard<'_, RunningTests> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&mut self, text: &str) {
        let text = sanitise_line(text);
        self.bars.suspend(|| {
            // Nobody reads it any more where this fails; the run goes on.
            let _ = writeln!(anstream::stderr(), "{text}");
        });
        self.last_line = Instant::now();
    }

    fn plain(&mut self, text: &str) {
        if self.mode == ProgressMode::Plain {
            self.line(&stamped(self.begun, text));
        }
    }

    fn step_started(&mut self, leg: &str, step: StepName) {
        self.steps.insert(leg.to_owned(), Running { step, finished: 0, bad: 0 });
        self.draw(leg, step, 0, self.total_tests(leg, step), "");
        self.plain(&format!("{leg}: {step}"));
    }

    fn step_progress(
        &mut self,
        leg: &str,
        step: StepName,
        done: u64,
        total: Option<u64>,
        doing: &str,
    ) {
        self.draw(leg, step, done, total, doing);
        if self.mode == ProgressMode::Plain && self.last_line.elapsed() >= PLAIN_INTERVAL {
            let mut text = format!("{leg}: {step}, {done}");
            if let Some(total) = total {
                let _ = write!(text, " of {total}");
            }
            if !doing.is_empty() {
                let _ = write!(text, ", {doing}");
            }
            self.plain(&text);
        }
    }

    fn test_finished(&mut self, leg: &str, id: &str, attempt: &Attempt) {
        self.running().end(leg, id);
        let outcome = Outcome::from(&attempt.status);
        if self.verbose {
            let time = attempt.wall_s.map(amount::seconds).unwrap_or_default();
            self.message(&format!("{leg}: {outcome} {id} {time}"));
        }
        let Some(running) = self.steps.get_mut(leg) else { return };
        running.finished += 1;
        running.bad += u64::from(!matches!(outcome, Outcome::Passed | Outcome::Leaked));
        let Running { step, finished, bad } = *running;
        let total = self.total_tests(leg, step);
        let doing = match bad {
            0 => id.to_owned(),
            n => format!("({n} did not pass) {id}"),
        };
        self.step_progress(leg, step, finished, total, &doing);
    }

    fn total_tests(&self, leg: &str, step: StepName) -> Option<u64> {
        (step == StepName::Test).then(|| self.found.get(leg).copied().unwrap_or(0) * self.attempts)
    }

    fn step_finished(&mut self, leg: &str, step: &Step) {
        self.running().end_all(leg);
        let (finished, bad) =
            self.steps.remove(leg).map_or((0, 0), |running| (running.finished, running.bad));
        let mut text = format!("{leg}: {}", step.name);
        match step.status {
            StepStatus::Passed => text.push_str(" done"),
            StepStatus::Skipped => text.push_str(" skipped"),
            status => {
                let _ = write!(text, " {status}");
            }
        }
        if finished > 0 {
            let plural = if finished == 1 { "" } else { "s" };
            let _ = write!(text, ", {finished} test{plural}");
            if bad > 0 {
                let _ = write!(text, ", {bad} did not pass");
            }
        }
        let _ = write!(text, " in {}", amount::seconds(step.wall_s));
        if let Some(detail) = step.detail.as_ref().and_then(|d| d.lines().next()) {
            let _ = write!(text, ": {detail}");
        }
        match self.mode {
            ProgressMode::Quiet => {}
            ProgressMode::Plain => self.plain(&text),
            ProgressMode::Bars => self.line(&text),
        }
    }

    fn draw(&self, leg: &str, step: StepName, done: u64, total: Option<u64>, doing: &str) {
        if self.mode != ProgressMode::Bars {
            return;
        }
        let template = match (total, step) {
            (Some(_), _) => "{spinner} {prefix} {bar:24} {pos}/{len} {elapsed} {wide_msg}",
            (None, _) => "{spinner} {prefix} {elapsed} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_prefix(format!("{}: {step}", sanitise_line(leg)));
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_position(done);
        self.bar.set_message(sanitise_line(doing));
    }
}

/// A line of a log, with the time since the beginning.
fn stamped(begun: Instant, text: &str) -> String {
    let at = amount::seconds(begun.elapsed().as_secs_f64());
    format!("[{at:>8}] {text}")
}
