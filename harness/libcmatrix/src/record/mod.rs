//! Where observations go as they are made: onto disk, into memory, before the eyes.
//!
//! Takes [`Event`]s from any task; gives `events.ndjson`, and on demand the record of all so far.

mod folder;

use std::{
    fs::File,
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use libcmatrix_schema::{Event, EventLine, Note, RunRecord};

pub use folder::{RunFolder, read_record};

use crate::{
    failure::{Failure, Result},
    progress::Progress,
};

/// Takes events and keeps them.
pub struct Recorder {
    state: Mutex<State>,
}

struct State {
    file: File,
    progress: Progress,
    kept: Vec<EventLine>,
    write_error: Option<std::io::Error>,
}

impl Recorder {
    /// Writes to `file` and shows on `progress`.
    #[must_use]
    pub fn new(file: File, progress: Progress) -> Self {
        let state = State { file, progress, kept: Vec::new(), write_error: None };
        Self { state: Mutex::new(state) }
    }

    /// Takes one event. A disk that is full is reported by [`Recorder::check`], not here: events come from everywhere.
    pub fn event(&self, event: Event) {
        let mut state = self.lock();
        state.progress.event(&event);
        if matches!(event, Event::StepProgress { .. } | Event::TestStarted { .. }) {
            return;
        }
        let line = EventLine { at: now(), event };
        let written =
            serde_json::to_vec(&line).map_err(std::io::Error::other).and_then(|mut text| {
                text.push(b'\n');
                state.file.write_all(&text)
            });
        if let (Err(e), None) = (written, &state.write_error) {
            state.write_error = Some(e);
        }
        state.kept.push(line);
    }

    /// Notes something the reader should know.
    pub fn note(&self, code: &str, text: impl Into<String>) {
        self.event(Event::Noted(Note { code: code.into(), text: text.into() }));
    }

    /// Takes the progress off the screen.
    pub fn finish_progress(&self) {
        self.lock().progress.finish();
    }

    /// The record of all so far; `None` before the first event.
    #[must_use]
    pub fn record(&self) -> Option<RunRecord> {
        RunRecord::from_events(self.lock().kept.iter().cloned())
    }

    /// Whether everything could be written so far.
    ///
    /// # Errors
    /// It could not: most likely the disk is full.
    pub fn check(&self) -> Result<()> {
        match self.lock().write_error.take() {
            None => Ok(()),
            Some(e) => Err(Failure::environment("events.ndjson cannot be written")
                .because(e)
                .hint("free some disk space, or choose another place with --out")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not keep us from recording how the run ended.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now, as it stands in the documents.
#[must_use]
pub fn now() -> String {
    Timestamp::now().round(jiff::Unit::Millisecond).unwrap_or_else(|_| Timestamp::now()).to_string()
}
