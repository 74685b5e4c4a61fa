//! What is said to the agent and what it answers: one JSON object a line.

use libcmatrix_schema::{Attempt, AttemptStatus, Crash, Elf, Libc};
use serde::{Deserialize, Serialize};

/// A program to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The executable and its arguments. A bare name is looked up in the environment's `PATH`.
    pub argv: Vec<String>,
    /// Variables set on top of the environment's own.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub cwd: String,
}

/// A test binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestBinary {
    /// Its binary id.
    pub id: String,
    /// How it is started, without a test runner's arguments.
    pub program: Program,
    /// Whether it has libtest's harness. Without, it may not understand `--list`.
    pub harness: bool,
}

/// A test to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestToRun {
    /// Position of its binary in [`Job::Test`].
    pub binary: usize,
    /// Its name; `None` where the binary as a whole is the test.
    pub name: Option<String>,
}

/// Limits of one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramLimits {
    /// Wall-clock time.
    pub time_ms: u64,
    /// Time without output.
    pub silence_ms: Option<u64>,
    /// Bytes kept of the beginning of each output stream.
    pub head_bytes: usize,
    /// Bytes kept of its end.
    pub tail_bytes: usize,
}

/// A folder in which ELF objects are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRoot {
    /// Where it is.
    pub path: String,
    /// Whether only objects are told that miss something.
    pub only_faulty: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub enum Job {
    /// Run one program and report its output line by line.
    Exec {
        /// The program.
        program: Program,
        /// Its limits.
        limits: ProgramLimits,
    },
    /// Ask test binaries for their tests.
    List {
        /// The binaries.
        binaries: Vec<TestBinary>,
        /// How many at a time.
        threads: usize,
        /// Limits of each.
        limits: ProgramLimits,
    },
    /// Run tests, each in a process of its own.
    Test {
        /// The binaries that hold them.
        binaries: Vec<TestBinary>,
        /// The tests.
        tests: Vec<TestToRun>,
        /// How often each is run: all once, then all again.
        attempts: u32,
        /// How many at a time.
        threads: usize,
        /// Limits of each.
        limits: ProgramLimits,
    },
    /// Copy an executable, and let the copy ask for larger thread stacks.
    RaiseStack {
        /// The executable.
        from: String,
        /// The copy.
        to: String,
        /// Bytes of stack of a thread.
        bytes: u64,
    },
    /// Read ELF files, and say what of what they need this environment does not have.
    Audit {
        /// The C library whose loader loads them.
        libc: Libc,
        /// Files that were built.
        files: Vec<String>,
        /// Folders that may hold others.
        roots: Vec<AuditRoot>,
        /// Folders in which libraries are looked for first, as by `LD_LIBRARY_PATH`.
        library_path: Vec<String>,
        /// Time after which the rest is left out.
        time_ms: u64,
    },
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A listed test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedTest {
    /// Its name; `None` where the binary as a whole is the test.
    pub name: Option<String>,
    /// Whether it is marked `#[ignore]`.
    pub ignored: bool,
}

/// How a program ended and what it used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub status: AttemptStatus,
    /// Whether it was silent for longer than it may be, and ended for that.
    #[serde(default)]
    pub silent: bool,
    /// Wall-clock seconds.
    pub wall_s: f64,
    /// User seconds, of it and the children it waited for.
    pub user_s: f64,
    /// System seconds, likewise.
    pub system_s: f64,
    /// Largest resident set of any one of these processes, in bytes.
    pub peak_rss_bytes: u64,
    /// How often they gave the processor up to wait.
    #[serde(default)]
    pub waits: u64,
    /// How often memory was brought in for them without a disk.
    #[serde(default)]
    pub page_faults: u64,
    /// Kills by the memory limit while it ran.
    pub oom_kills: u64,
    /// Names of the processes it left behind.
    #[serde(default)]
    pub leaked: Vec<String>,
    /// What was seen when it crashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Box<Crash>>,
    /// Why nothing was seen, where it crashed by a signal that would have been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash_unseen: Option<String>,
}

impl Ended {
    /// A program of which nothing is known but how it ended.
    #[must_use]
    pub fn unmeasured(status: AttemptStatus) -> Self {
        Self {
            status,
            silent: false,
            wall_s: 0.0,
            user_s: 0.0,
            system_s: 0.0,
            peak_rss_bytes: 0,
            waits: 0,
            page_faults: 0,
            oom_kills: 0,
            leaked: Vec::new(),
            crash: None,
            crash_unseen: None,
        }
    }
}

/// What the agent says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// The agent is ready for a job.
    Ready {
        /// Version of the executable.
        version: String,
        /// Whether kills by the memory limit can be counted here.
        counts_oom_kills: bool,
    },
    /// A line of the program's output, without its newline. Bytes that are not UTF-8 are replaced.
    Line {
        /// Which stream.
        stream: Stream,
        /// The text. Hostile.
        text: String,
    },
    /// Output was left out here.
    Cut {
        /// Which stream.
        stream: Stream,
        /// How much.
        bytes: u64,
    },
    /// The program of an `exec` job ended.
    ExecEnded(Ended),
    /// A binary said which tests it has, or failed to.
    Listed {
        /// Position of the binary in the job.
        binary: usize,
        /// Passed, or how it failed.
        status: AttemptStatus,
        /// Its tests.
        tests: Vec<ListedTest>,
        /// What it said, if it failed.
        output: String,
        /// What was seen when it crashed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        crash: Option<Box<Crash>>,
    },
    /// An attempt begins.
    TestStarted {
        /// Position of the test in the job.
        test: usize,
    },
    /// An attempt is done.
    TestFinished {
        /// Position of the test in the job.
        test: usize,
        /// What it did.
        attempt: Attempt,
    },
    /// A `raise-stack` job is done.
    StackRaised {
        /// Why it was not done, if so.
        refused: Option<String>,
    },
    /// An ELF file, read.
    Audited {
        /// Where it is. Hostile text.
        path: String,
        /// Position of its folder in the job; `None` for a file that was named.
        root: Option<usize>,
        /// Its size.
        bytes: u64,
        /// What it says, and what it misses.
        elf: Box<Elf>,
    },
    /// An `audit` job is done.
    AuditEnded {
        /// Whether the environment has the C library that was named; if not, all its symbols are missing.
        c_library_found: bool,
        /// Files that were not read, or not told for their number.
        left_out: u64,
        /// Whether all that is in the folders was looked at.
        is_complete: bool,
    },
    /// A `list` or `test` job is done.
    Done,
    /// The agent cannot go on.
    Fatal {
        /// Why.
        message: String,
    },
}
