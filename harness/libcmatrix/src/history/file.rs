//! The file itself: opened, and told from what is none.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrate::{Form, STEPS, bring_up};
use crate::failure::{Failure, Result};

/// How long a writer waits for others.
const PATIENCE: Duration = Duration::from_secs(60);

/// A history, open.
#[derive(Debug)]
pub struct HistoryFile {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl HistoryFile {
    /// Opens a history; one that is not there is made.
    ///
    /// # Errors
    /// The file is no history, is damaged, is of a newer libcmatrix, or cannot be written.
    pub fn open_or_create(path: &Path) -> Result<Self> {
        let history = Self::open_with(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        history.let_many_write()?;
        Ok(history)
    }

    /// Opens a history that is there.
    ///
    /// # Errors
    /// There is no such file, it is no history, is damaged, or is of a newer libcmatrix.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Failure::usage(format!("there is no history {}", path.display())).hint(
                "`libcmatrix run --history FILE` and `libcmatrix history add DIR` make one",
            ));
        }
        Self::open_with(path, OpenFlags::empty())
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self> {
        let told = |e: rusqlite::Error| explain(path, &e);
        // Nothing looks into the file but SQLite: closing it would end the locks that this process holds on
        // it (https://sqlite.org/howtocorrupt.html, 2.2).
        // Where the file may not be written, SQLite opens it for reading.
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(told)?;
        connection.busy_timeout(PATIENCE).map_err(told)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(told)?;
        match bring_up(&mut connection, &STEPS).map_err(told)? {
            Form::Ours => Ok(Self { connection, path: path.to_owned() }),
            Form::Newer(version) => Err(Failure::usage(format!(
                "the history {} was written by a newer libcmatrix",
                path.display()
            ))
            .because(format!("its form is {version}, this one knows {}", STEPS.len()))
            .hint("install a newer libcmatrix, or name another file with --history")),
            Form::Foreign => Err(foreign(path, "it is the database of something else")),
        }
    }

    /// Readers do not wait for a writer, nor a writer for readers (write-ahead log). SQLite does not wait
    /// for others when it changes to that, whatever its time limit says, so it is asked again.
    fn let_many_write(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            // A file system that has no shared memory keeps the old way, which is right as well.
            match self.connection.pragma_update(None, "journal_mode", "wal") {
                Err(e) if is_busy(&e) && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(e) => return Err(self.failure(&e)),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says what went wrong with this file.
    pub(super) fn failure(&self, e: &rusqlite::Error) -> Failure {
        explain(&self.path, e)
    }
}

fn foreign(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("{} is no history of libcmatrix", path.display()))
        .because(why)
        .hint("name another file with --history; this one was left as it is")
}

fn explain(path: &Path, e: &rusqlite::Error) -> Failure {
    let (what, hint) = match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            return foreign(path, "it is no SQLite file, or its beginning is damaged");
        }
        Some(ErrorCode::DatabaseCorrupt) => (
            "is damaged",
            "nothing of it was changed; `sqlite3 FILE .recover` saves what can be read, \
             `libcmatrix history add` makes a new one of the folders of runs",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("is in use", "another program holds it for more than a minute; try again later")
        }
        Some(ErrorCode::DiskFull) => ("cannot be written", "free some disk space"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ("cannot be written", "name a file in a folder that can be written with --history")
        }
        _ => ("cannot be used", "name another file with --history"),
    };
    Failure::environment(format!("the history {} {what}", path.display())).because(e).hint(hint)
}

fn is_busy(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
