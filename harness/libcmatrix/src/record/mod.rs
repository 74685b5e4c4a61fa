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

pub use folder::{RunFolder, ScratchFile, read_record};

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
    /// Where the same lines go as well.
    copy: Option<Box<dyn Write + Send>>,
    kept: Vec<EventLine>,
    write_error: Option<std::io::Error>,
}

impl Recorder {
    /// Writes to `file` and shows on `progress`.
    #[must_use]
    pub fn new(file: File, progress: Progress) -> Self {
        let state = State { file, progress, copy: None, kept: Vec::new(), write_error: None };
        Self { state: Mutex::new(state) }
    }

    /// Writes every line to `copy`, too. A reader of it that goes away does not matter.
    #[must_use]
    pub fn with_copy(self, copy: Option<Box<dyn Write + Send>>) -> Self {
        self.lock().copy = copy;
        self
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
                if let Some(copy) = &mut state.copy {
                    let _ = copy.write_all(&text).and_then(|()| copy.flush());
                }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::progress::ProgressMode;

    #[derive(Clone, Default)]
    struct Reader(Arc<Mutex<Vec<u8>>>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A reader that is gone.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn recorded(copy: Box<dyn Write + Send>) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let progress = Progress::new(ProgressMode::Quiet, false);
        let recorder =
            Recorder::new(file.reopen().expect("a file"), progress).with_copy(Some(copy));
        recorder.note("a", "first");
        recorder.event(Event::TestStarted { leg: "l".into(), id: "t".into() });
        recorder.event(Event::RunFinished { interrupted: false });
        recorder.check().expect("written");
        std::fs::read_to_string(file.path()).expect("text")
    }

    #[test]
    fn a_copy_has_the_lines_of_the_file() {
        let reader = Reader::default();
        let file = recorded(Box::new(reader.clone()));
        assert_eq!(file.lines().count(), 2);
        assert_eq!(reader.0.lock().expect("not poisoned").as_slice(), file.as_bytes());
    }

    #[test]
    fn a_reader_that_goes_away_does_not_matter() {
        assert_eq!(recorded(Box::new(Gone)).lines().count(), 2);
    }
}
