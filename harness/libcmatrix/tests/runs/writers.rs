//! Many write at once, threads and processes, into a file that none of them finds: all is there
//! afterwards, once.

use std::{env, path::Path, process::Command};

use libcmatrix::history::HistoryFile;
use tempfile::tempdir;

use super::history::some;

/// The variables that make this test binary a writer.
const FILE: &str = "LIBCMATRIX_TEST_HISTORY";
const DAYS: &str = "LIBCMATRIX_TEST_DAYS";

fn write(path: &Path, days: impl Iterator<Item = u32>) {
    for day in days {
        HistoryFile::open_or_create(path).expect("a history").add(&some(day)).expect("added");
    }
}

/// Of use only as a process of the test below; run by itself it does nothing.
#[test]
fn a_writer_process() {
    let (Some(file), Ok(days)) = (env::var_os(FILE), env::var(DAYS)) else { return };
    let days: Vec<u32> = days.split(' ').map(|day| day.parse().expect("a day")).collect();
    write(Path::new(&file), days.into_iter());
}

#[test]
fn nothing_is_lost_between_many_writers() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    // Each day is written by two: a process and a thread, or two processes.
    let processes: Vec<_> = ["1 2 3 4 5 6", "4 5 6 7 8 9", "10 11 12 13 14 15", "1 8 15 22 23 24"]
        .into_iter()
        .map(|days| {
            Command::new(env::current_exe().expect("this program"))
                .args(["--exact", "writers::a_writer_process", "--nocapture"])
                .env(FILE, &path)
                .env(DAYS, days)
                .output_later()
        })
        .collect();
    std::thread::scope(|scope| {
        for first in [7_u32, 13, 19] {
            let path = &path;
            scope.spawn(move || write(path, first..first + 6));
        }
    });
    for process in processes {
        let output = process.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    let runs = HistoryFile::open(&path).expect("a history").runs().expect("runs");
    let expected: Vec<_> = (1..=24).map(some).collect();
    assert_eq!(runs, expected);
}

/// Starts a process and keeps what it says.
trait OutputLater {
    fn output_later(&mut self) -> std::process::Child;
}

impl OutputLater for Command {
    fn output_later(&mut self) -> std::process::Child {
        let piped = std::process::Stdio::piped;
        self.stdout(piped()).stderr(piped()).spawn().expect("a process")
    }
}
