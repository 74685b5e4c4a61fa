//! Shows which tests have been running for a while, as long as they do: a line each below the bar, or a word in
//! a log. Events come only when something ends, so this is a thread with a clock.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{ProgressMode, running::RunningTests, stamped};
use crate::report::sanitise::sanitise_line;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);
/// A test that ends sooner is not shown: lines that flit by tell nobody anything.
const SHOWN_AFTER: Duration = Duration::from_secs(3);
/// Lines at a time.
const SHOWN: usize = 4;

/// The thread; it ends with this.
pub(super) struct Watcher {
    /// Closed to end it.
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Begins to look at `running`; `None` where nothing is to be shown. Without a thread nothing is shown, and
    /// the run goes on.
    pub(super) fn start(
        mode: ProgressMode,
        bars: MultiProgress,
        running: Arc<Mutex<RunningTests>>,
        begun: Instant,
    ) -> Option<Self> {
        if mode == ProgressMode::Quiet {
            return None;
        }
        let (alive, ended) = mpsc::channel();
        let watch = move || {
            let mut lines = Vec::new();
            while ended.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                match mode {
                    ProgressMode::Bars => show(&bars, &mut lines, &running),
                    _ => tell(&mut running, begun),
                }
            }
            lines.iter().for_each(ProgressBar::finish_and_clear);
        };
        let thread = std::thread::Builder::new().name("progress".into()).spawn(watch).ok()?;
        Some(Self { alive: Some(alive), thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// As many lines as there are slow tests, up to [`SHOWN`].
fn show(bars: &MultiProgress, lines: &mut Vec<ProgressBar>, running: &RunningTests) {
    let slow = running.longer_than(SHOWN_AFTER, Instant::now());
    let texts = slow.iter().take(SHOWN).enumerate().map(|(n, test)| {
        let (leg, id) = (sanitise_line(&test.leg), sanitise_line(&test.id));
        let more = match slow.len() - SHOWN.min(slow.len()) {
            more if more > 0 && n + 1 == SHOWN => format!("  (and {more} more)"),
            _ => String::new(),
        };
        format!("{:>8}  {leg}  {id}{more}", whole_seconds(test.since))
    });
    let texts: Vec<String> = texts.collect();
    while lines.len() > texts.len() {
        if let Some(line) = lines.pop() {
            line.finish_and_clear();
            bars.remove(&line);
        }
    }
    while lines.len() < texts.len() {
        let line = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {wide_msg}") {
            line.set_style(style);
        }
        lines.push(line);
    }
    for (line, text) in lines.iter().zip(texts) {
        line.set_message(text);
        line.tick();
    }
}

fn tell(running: &mut RunningTests, begun: Instant) {
    for test in running.due(Instant::now()) {
        let since = whole_seconds(test.since);
        let text = format!("{}: still running after {since}: {}", test.leg, test.id);
        // Nobody reads it any more where this fails; the run goes on.
        let _ = writeln!(anstream::stderr(), "{}", sanitise_line(&stamped(begun, &text)));
    }
}

/// `1m 5s`.
fn whole_seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}
