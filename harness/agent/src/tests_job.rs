//! The jobs about tests: listing them, and running each in a process of its own.

use std::{collections::VecDeque, io, time::Duration};

use libcmatrix_schema::{Attempt, AttemptStatus, Crash};

use crate::{
    capture::Capture,
    command::Command,
    input::Input,
    pool::{Happened, Pool},
    protocol::{Ended, ListedTest, ProgramLimits, Report, Stream, TestBinary, TestToRun},
    scratch::Scratch,
};

/// A listing may be long: a binary with 100,000 tests says some 10 MB.
const LISTING_BYTES: usize = 256 << 20;

struct Listing {
    /// 0: all tests; 1: the ignored ones.
    stage: usize,
    stdout: Capture,
    stderr: Capture,
    tests: Vec<ListedTest>,
}

const LIST_ARGS: [&[&str]; 2] =
    [&["--list", "--format", "terse"], &["--list", "--format", "terse", "--ignored"]];

/// Asks every binary for its tests.
pub(crate) fn list(
    pool: &mut Pool,
    input: &mut Input,
    binaries: &[TestBinary],
    threads: usize,
    limits: ProgramLimits,
    mut say: impl FnMut(&Report),
) -> io::Result<()> {
    let mut waiting: VecDeque<(usize, usize)> = (0..binaries.len()).map(|b| (b, 0)).collect();
    let mut listings: Vec<Listing> = binaries.iter().map(|_| Listing::new(limits)).collect();
    while !waiting.is_empty() || pool.len() > 0 {
        while pool.len() < threads.max(1) {
            let Some((binary, stage)) = waiting.pop_front() else { break };
            listings[binary].begin(stage, limits);
            let command = Command::new(&binaries[binary].program, LIST_ARGS[stage]);
            let time = Duration::from_millis(limits.time_ms);
            let started = command.and_then(|c| pool.start(binary, &c, false, true, time, None));
            if let Err(e) = started {
                say(&not_listed(
                    binary,
                    AttemptStatus::NotRun { reason: e.to_string() },
                    String::new(),
                    None,
                ));
            }
        }
        if pool.len() == 0 {
            continue;
        }
        pool.wait(input, |binary, happened| {
            let listing = &mut listings[binary];
            match happened {
                Happened::Output(Stream::Stdout, bytes) => listing.stdout.push(bytes),
                Happened::Output(Stream::Stderr, bytes) => listing.stderr.push(bytes),
                Happened::Ended(mut ended) => {
                    let crash = ended.crash.take();
                    match listing.end(&binaries[binary], ended) {
                        // Its second question at once, so that something is heard of it soon.
                        None => waiting.push_front((binary, listing.stage + 1)),
                        Some(Ok(tests)) => say(&Report::Listed {
                            binary,
                            status: AttemptStatus::Passed,
                            tests,
                            output: String::new(),
                            crash: None,
                        }),
                        Some(Err((status, output))) => {
                            say(&not_listed(binary, status, output, crash))
                        }
                    }
                }
            }
        })?;
    }
    say(&Report::Done);
    Ok(())
}

fn not_listed(
    binary: usize,
    status: AttemptStatus,
    output: String,
    crash: Option<Box<Crash>>,
) -> Report {
    Report::Listed { binary, status, tests: Vec::new(), output, crash }
}

impl Listing {
    fn new(limits: ProgramLimits) -> Self {
        let (stdout, stderr) = Self::captures(limits);
        Self { stage: 0, stdout, stderr, tests: Vec::new() }
    }

    fn captures(limits: ProgramLimits) -> (Capture, Capture) {
        (Capture::new(LISTING_BYTES, 0), Capture::new(limits.head_bytes, limits.tail_bytes))
    }

    fn begin(&mut self, stage: usize, limits: ProgramLimits) {
        self.stage = stage;
        (self.stdout, self.stderr) = Self::captures(limits);
    }

    /// `None`: the next stage is due.
    #[allow(clippy::type_complexity, reason = "the error is what `Listed` says")]
    fn end(
        &mut self,
        binary: &TestBinary,
        ended: Ended,
    ) -> Option<Result<Vec<ListedTest>, (AttemptStatus, String)>> {
        let (stdout, _) = self.stdout.parts();
        let text = String::from_utf8_lossy(stdout);
        let names = parse_listing(&text, binary.harness);
        let is_list = binary.harness || text.lines().any(is_summary);
        // A program left behind by listing is no reason to distrust the list.
        let ended_well = matches!(ended.status, AttemptStatus::Passed | AttemptStatus::Leaked);
        match names {
            Some(names) if ended_well && self.stage == 0 => {
                // Saying nothing may be what it does when it is asked for something else.
                if names.is_empty() && !is_list {
                    return Some(Ok(vec![ListedTest { name: None, ignored: false }]));
                }
                self.tests = names
                    .into_iter()
                    .map(|name| ListedTest { name: Some(name), ignored: false })
                    .collect();
                if self.tests.is_empty() { Some(Ok(Vec::new())) } else { None }
            }
            Some(ignored) if ended_well => {
                let ignored: std::collections::HashSet<_> = ignored.into_iter().collect();
                for test in &mut self.tests {
                    test.ignored = test.name.as_ref().is_some_and(|n| ignored.contains(n));
                }
                Some(Ok(std::mem::take(&mut self.tests)))
            }
            // It was not even asked, or died of the question.
            _ if matches!(
                ended.status,
                AttemptStatus::NotRun { .. }
                    | AttemptStatus::Crashed { .. }
                    | AttemptStatus::OomKilled
            ) =>
            {
                Some(Err((ended.status, self.stderr.text())))
            }
            // It did not understand the question, or answered it by something else.
            _ if !binary.harness => Some(Ok(vec![ListedTest { name: None, ignored: false }])),
            _ => Some(Err((ended.status, self.stderr.text()))),
        }
    }
}

/// Names from `--list --format terse`: lines `NAME: test` and `NAME: benchmark`. Libtest prints no
/// other lines, but code that runs before it may; without libtest any other line means that this
/// is no list: `None`.
fn parse_listing(text: &str, harness: bool) -> Option<Vec<String>> {
    text.lines()
        .filter(|l| !l.is_empty() && !is_summary(l))
        .map(|line| {
            let name = line.strip_suffix(": test").or_else(|| line.strip_suffix(": benchmark"));
            name.map(str::to_owned)
        })
        .filter(|name| name.is_some() || !harness)
        .collect()
}

/// The end of a list that is not terse, as libtest prints it: `2 tests, 0 benchmarks`. A harness of the
/// project's own that prints it speaks libtest's language, also where it has no test.
fn is_summary(line: &str) -> bool {
    let is_number =
        |word: Option<&str>| word.is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()));
    let mut words = line.split(' ');
    is_number(words.next())
        && matches!(words.next(), Some("test," | "tests,"))
        && is_number(words.next())
        && matches!(words.next(), Some("benchmark" | "benchmarks"))
        && words.next().is_none()
}

/// Runs every test `attempts` times: all once, then all again.
#[allow(clippy::too_many_arguments, reason = "the fields of the job, as they are")]
pub(crate) fn run(
    pool: &mut Pool,
    input: &mut Input,
    binaries: &[TestBinary],
    tests: &[TestToRun],
    attempts: u32,
    threads: usize,
    limits: ProgramLimits,
    mut say: impl FnMut(&Report),
) -> io::Result<()> {
    let mut waiting = (0..attempts).flat_map(|_| 0..tests.len());
    let mut running: Vec<Option<Running>> = tests.iter().map(|_| None).collect();
    let mut next = waiting.next();
    while next.is_some() || pool.len() > 0 {
        while pool.len() < threads.max(1) {
            let Some(test) = next else { break };
            // The same test never runs beside itself: its attempts may share a file or a port.
            if running[test].is_some() {
                break;
            }
            next = waiting.next();
            say(&Report::TestStarted { test });
            match start(pool, test, &tests[test], binaries, limits) {
                Ok(started) => running[test] = Some(started),
                Err(e) => say(&Report::TestFinished { test, attempt: not_run(e.to_string()) }),
            }
        }
        if pool.len() == 0 {
            continue;
        }
        pool.wait(input, |test, happened| match happened {
            Happened::Output(_, bytes) => {
                if let Some(running) = &mut running[test] {
                    running.output.push(bytes);
                }
            }
            Happened::Ended(ended) => {
                if let Some(Running { output, .. }) = running[test].take() {
                    let is_named = tests[test].name.is_some();
                    let binary = binaries.get(tests[test].binary);
                    let folder = binary.map_or("/", |b| b.program.cwd.as_str());
                    say(&Report::TestFinished {
                        test,
                        attempt: attempt(ended, &output, is_named, folder),
                    });
                }
            }
        })?;
    }
    say(&Report::Done);
    Ok(())
}

/// An attempt that goes on.
struct Running {
    output: Capture,
    /// Removed when the attempt has ended.
    _scratch: Option<Scratch>,
}

fn start(
    pool: &mut Pool,
    tag: usize,
    test: &TestToRun,
    binaries: &[TestBinary],
    limits: ProgramLimits,
) -> io::Result<Running> {
    let binary = binaries.get(test.binary).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the job names a binary that it does not have")
    })?;
    let mut program = binary.program.clone();
    let scratch = Scratch::give(&mut program);
    let command = Command::new(&program, &arguments(test.name.as_deref()))?;
    pool.start(tag, &command, true, true, Duration::from_millis(limits.time_ms), None)?;
    let output = Capture::new(limits.head_bytes, limits.tail_bytes);
    Ok(Running { output, _scratch: scratch })
}

/// As `cargo nextest` starts a test. A leading dash would be taken for an option.
fn arguments(name: Option<&str>) -> Vec<&str> {
    match name {
        None => vec![],
        Some(name) if name.starts_with('-') => vec!["--exact", "--nocapture", "--", name],
        Some(name) => vec!["--exact", name, "--nocapture"],
    }
}

fn attempt(ended: Ended, output: &Capture, is_named: bool, folder: &str) -> Attempt {
    let not_run = |reason: &str| AttemptStatus::NotRun { reason: reason.into() };
    let status = match ended.status {
        AttemptStatus::Passed if is_named && ran_nothing(output) => {
            not_run("its binary does not find it by the name that it listed")
        }
        AttemptStatus::Failed { .. } | AttemptStatus::Crashed { .. } if is_disk_full(folder) => {
            not_run("the disk was full")
        }
        status => status,
    };
    Attempt {
        status,
        wall_s: Some(ended.wall_s),
        cpu_s: Some(ended.user_s + ended.system_s),
        peak_rss_bytes: Some(ended.peak_rss_bytes),
        waits: Some(ended.waits),
        page_faults: Some(ended.page_faults),
        output: output.text(),
        output_cut_bytes: output.cut(),
        leaked_processes: ended.leaked,
        oom_kills: ended.oom_kills,
        crash: ended.crash,
        crash_unseen: ended.crash_unseen,
    }
}

/// Less free space than this is none: what a test wrote and removed again is no longer seen.
const NO_SPACE_BYTES: u64 = 16 << 20;

/// Whether a test's failure may be nothing but a full disk, which is the machine's fault.
fn is_disk_full(folder: &str) -> bool {
    [folder, "/"].iter().any(|path| {
        rustix::fs::statvfs(*path)
            .is_ok_and(|s| s.f_bavail.saturating_mul(s.f_frsize) < NO_SPACE_BYTES)
    })
}

/// A harness that is asked for a name it does not know runs nothing, and calls that a success.
fn ran_nothing(output: &Capture) -> bool {
    let (head, _) = output.parts();
    let head = String::from_utf8_lossy(&head[..head.len().min(200)]).into_owned();
    head.trim_start().lines().next() == Some("running 0 tests")
}

fn not_run(reason: String) -> Attempt {
    Attempt::unmeasured(AttemptStatus::NotRun { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_only_a_listing_if_every_line_is() {
        let strict = |text| parse_listing(text, false);
        let names = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(strict("a::b: test\nc: benchmark\n"), names(&["a::b", "c"]));
        assert_eq!(strict(""), names(&[]));
        assert_eq!(strict("x: y: test\n"), names(&["x: y"]));
        assert_eq!(strict("running my own tests\nall fine\n"), None);
        assert_eq!(parse_listing("a banner\na: test\n", true), names(&["a"]));
        assert_eq!(strict("a: test\n\n1 test, 0 benchmarks\n"), names(&["a"]));
    }

    #[test]
    fn a_harness_of_its_own_may_have_no_test() {
        for text in ["0 tests, 0 benchmarks", "1 test, 12 benchmarks", "3 tests, 1 benchmark"] {
            assert!(is_summary(text), "{text}");
        }
        for text in ["", "0 tests", "no tests, 0 benchmarks", "0 tests, 0 benchmarks, 1 other"] {
            assert!(!is_summary(text), "{text}");
        }
    }

    #[test]
    fn nothing_run_is_not_passed() {
        let output = |text: &str| {
            let mut capture = Capture::new(1000, 0);
            capture.push(text.as_bytes());
            capture
        };
        assert!(ran_nothing(&output("\nrunning 0 tests\n\ntest result: ok. 0 passed\n")));
        assert!(!ran_nothing(&output("\nrunning 1 test\nrunning 0 tests\ntest a ... ok\n")));
        assert!(!ran_nothing(&output("")));
    }

    #[test]
    fn a_leading_dash_is_no_option() {
        assert_eq!(arguments(Some("-x")), ["--exact", "--nocapture", "--", "-x"]);
        assert_eq!(arguments(Some("x")), ["--exact", "x", "--nocapture"]);
    }
}
