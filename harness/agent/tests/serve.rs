//! The agent as a process: jobs in, reports out. This executable is both: started with the agent's
//! argument it is the agent, else it runs the trials, each against an agent of its own.

mod support;

use std::{fs, path::Path, process::Command};

use libcmatrix_agent::protocol::{
    Job, ListedTest, Program, ProgramLimits, Report, Stream, TestToRun,
};
use libcmatrix_schema::{Attempt, AttemptStatus};
use support::{Agent, binary, limits, shell};

fn main() {
    let trials: [(&str, fn()); 18] = [
        ("output comes line by line, each stream for itself", output_comes_line_by_line),
        ("variables, arguments and working folder arrive", surroundings_arrive),
        ("exit codes and signals are told apart", exit_codes_and_signals),
        ("a program that cannot be started was not run", cannot_be_started),
        ("a test binary that the kernel refuses was not run", refused_test_binary),
        ("a time limit ends a willing program", time_limit_willing),
        ("a time limit ends an unwilling program and its children", time_limit_unwilling),
        ("silence has a limit of its own", silence),
        ("long output is cut in the middle, and counted", long_output),
        ("processes left behind are named and ended", leftovers),
        ("a short-lived child is not left behind", short_lived_child),
        ("standard input is empty and descriptors are few", nothing_is_inherited),
        ("tests run each in a process of its own", one_process_each),
        ("attempts are made, and never beside each other", attempts),
        ("a list without harness is one test", list_without_harness),
        ("ignored tests are listed as such", list_ignored),
        ("peak memory is the program's, not the agent's", peak_memory),
        ("the end of input ends the agent", end_of_input),
    ];
    support::main(&trials);
}

fn status_of(script: &str) -> AttemptStatus {
    Agent::start().exec(shell(script), limits()).1.status
}

fn texts(lines: &[(Stream, String)], of: Stream) -> Vec<&str> {
    lines.iter().filter(|(stream, _)| *stream == of).map(|(_, text)| text.as_str()).collect()
}

fn output_comes_line_by_line() {
    let mut agent = Agent::start();
    let (lines, ended) =
        agent.exec(shell("echo a; echo x >&2; printf b; printf '\\377' >&2"), limits());
    assert_eq!(texts(&lines, Stream::Stdout), ["a", "b"]);
    assert_eq!(texts(&lines, Stream::Stderr), ["x", "\u{fffd}"]);
    assert_eq!(ended.status, AttemptStatus::Passed);
    assert!(ended.peak_rss_bytes > 0);
    let (lines, _) = agent.exec(shell("echo again"), limits());
    assert_eq!(texts(&lines, Stream::Stdout), ["again"]);
}

/// The kernel also counts what a program's process was before its `exec`: a fork of the agent.
fn peak_memory() {
    const AGENT_BYTES: u64 = 8 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let mut binary = binary(folder.path(), "exit 0", false);
    // What makes the agent large is of no use to the program.
    binary.id = "x".repeat(AGENT_BYTES as usize);
    let mut agent = Agent::start();
    agent.say(&Job::Test {
        binaries: vec![binary],
        tests: vec![TestToRun { binary: 0, name: None }],
        attempts: 1,
        threads: 1,
        limits: limits(),
    });
    let attempt = agent.until_done().into_iter().find_map(|report| match report {
        Report::TestFinished { attempt, .. } => Some(attempt),
        _ => None,
    });
    let peak = attempt.expect("an attempt").peak_rss_bytes.expect("measured");
    assert!((1..AGENT_BYTES / 2).contains(&peak), "{peak} bytes");
}

fn surroundings_arrive() {
    let mut program = shell("echo \"$A|$PATH|$(pwd)\"");
    program.env = vec![("A".into(), "b c".into())];
    program.cwd = "/usr".into();
    let (lines, _) = Agent::start().exec(program, limits());
    let path = std::env::var("PATH").expect("a path");
    assert_eq!(lines[0].1, format!("b c|{path}|/usr"));
}

fn exit_codes_and_signals() {
    assert_eq!(status_of("exit 7"), AttemptStatus::Failed { exit_code: 7 });
    assert_eq!(status_of("exit 139"), AttemptStatus::Failed { exit_code: 139 });
    for signal in [6, 9, 11, 15] {
        assert_eq!(status_of(&format!("kill -{signal} $$")), AttemptStatus::Crashed { signal });
    }
}

fn cannot_be_started() {
    let mut program = shell("");
    program.argv[0] = "/nonexistent/program".into();
    let not_run = |program: Program| match Agent::start().exec(program, limits()).1.status {
        AttemptStatus::NotRun { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert!(not_run(program).contains("/nonexistent/program"));
    let program = Program { cwd: "/nonexistent/folder".into(), ..shell("") };
    assert!(not_run(program).contains("/nonexistent/folder"));
}

/// As a binary of another libc, whose loader the image lacks. Test binaries are traced, so the kernel
/// stops the process that could not become one at its end.
fn refused_test_binary() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = || {
        let binary = binary(folder.path(), "", true);
        fs::write(&binary.program.argv[0], "#!/nonexistent/loader\n").expect("written");
        vec![binary]
    };
    let mut agent = Agent::start();
    let mut check = |job: Job| {
        agent.say(&job);
        let status = agent.until_done().into_iter().find_map(|report| match report {
            Report::Listed { status, .. } => Some(status),
            Report::TestFinished { attempt, .. } => Some(attempt.status),
            _ => None,
        });
        match status {
            Some(AttemptStatus::NotRun { reason }) => {
                assert!(reason.contains("No such file"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    };
    check(Job::List { binaries: refused(), threads: 1, limits: limits() });
    let tests = vec![TestToRun { binary: 0, name: None }];
    check(Job::Test { binaries: refused(), tests, attempts: 1, threads: 1, limits: limits() });
}

fn time_limit_willing() {
    let limits = ProgramLimits { time_ms: 200, ..limits() };
    let (lines, ended) = Agent::start()
        .exec(shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"), limits);
    assert_eq!(ended.status, AttemptStatus::TimedOut);
    assert_eq!(texts(&lines, Stream::Stdout), ["bye"]);
    assert!(!ended.silent);
}

/// Whether a process whose arguments hold this text runs.
fn runs(text: &str) -> bool {
    fs::read_dir("/proc").expect("processes").flatten().any(|process| {
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(text)
    })
}

fn time_limit_unwilling() {
    let limits = ProgramLimits { time_ms: 200, ..limits() };
    let script = "trap '' TERM; (setsid sleep 71.25 &) ; while :; do sleep 0.05; done";
    let (_, ended) = Agent::start().exec(shell(script), limits);
    assert_eq!(ended.status, AttemptStatus::TimedOut);
    assert!(!runs("sleep\u{0}71.25"), "its child still runs");
}

fn silence() {
    let limits = ProgramLimits { silence_ms: Some(300), ..limits() };
    let (_, ended) = Agent::start().exec(shell("echo a; sleep 50"), limits);
    assert_eq!((ended.status, ended.silent), (AttemptStatus::TimedOut, true));
}

fn long_output() {
    let limits = ProgramLimits { head_bytes: 8, tail_bytes: 4, ..limits() };
    let script = "printf '12345678\\n'; i=0; while [ $i -lt 1000 ]; do printf x; i=$((i+1)); done; printf end";
    let (lines, _) = Agent::start().exec(shell(script), limits);
    assert_eq!(texts(&lines, Stream::Stdout), ["12345678", "cut 1000", "xend"]);
}

fn leftovers() {
    let (_, ended) = Agent::start().exec(shell("setsid sleep 72.25 & exit 0"), limits());
    assert_eq!(ended.status, AttemptStatus::Leaked);
    assert_eq!(ended.leaked, ["sleep"]);
    assert!(!runs("sleep\u{0}72.25"), "it still runs");
    let (_, ended) = Agent::start().exec(shell("sleep 73.25 & exit 3"), limits());
    assert_eq!(ended.status, AttemptStatus::Failed { exit_code: 3 });
    assert!(!runs("sleep\u{0}73.25"), "it still runs");
}

fn short_lived_child() {
    assert_eq!(status_of("sleep 0.2 & exit 0"), AttemptStatus::Passed);
}

fn nothing_is_inherited() {
    let (lines, _) = Agent::start().exec(shell("wc -c; ls /proc/self/fd | wc -l"), limits());
    // 0, 1, 2, and the folder that `ls` reads.
    assert_eq!(texts(&lines, Stream::Stdout), ["0", "4"]);
}

fn run(folder: &Path, script: &str, names: &[&str], attempts: u32) -> Vec<(usize, Attempt)> {
    let mut agent = Agent::start();
    let tests =
        names.iter().map(|n| TestToRun { binary: 0, name: Some((*n).to_owned()) }).collect();
    let binaries = vec![binary(folder, script, true)];
    agent.say(&Job::Test { binaries, tests, attempts, threads: 4, limits: limits() });
    let finished = agent.until_done().into_iter().filter_map(|report| match report {
        Report::TestFinished { test, attempt } => Some((test, attempt)),
        _ => None,
    });
    finished.collect()
}

fn one_process_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "case \"$*\" in *crash*) kill -11 $$;; *) echo \"$*\";; esac";
    let mut seen = run(folder.path(), script, &["a", "crash", "-b"], 1);
    seen.sort_by_key(|(test, _)| *test);
    let statuses: Vec<_> = seen.iter().map(|(_, attempt)| attempt.status.clone()).collect();
    let crashed = AttemptStatus::Crashed { signal: 11 };
    assert_eq!(statuses, [AttemptStatus::Passed, crashed, AttemptStatus::Passed]);
    assert_eq!(seen[0].1.output, "--exact a --nocapture\n");
    assert_eq!(seen[2].1.output, "--exact --nocapture -- -b\n");
}

fn attempts() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "mkdir running-$2 || exit 1; sleep 0.1; rmdir running-$2";
    let seen = run(folder.path(), script, &["a", "b"], 3);
    assert_eq!(seen.len(), 6);
    assert!(seen.iter().all(|(_, attempt)| attempt.status == AttemptStatus::Passed), "{seen:?}");
}

fn list(folder: &Path, script: &str, harness: bool) -> (AttemptStatus, Vec<ListedTest>) {
    let mut agent = Agent::start();
    let binaries = vec![binary(folder, script, harness)];
    agent.say(&Job::List { binaries, threads: 1, limits: limits() });
    match agent.until_done().pop() {
        Some(Report::Listed { status, tests, .. }) => (status, tests),
        other => panic!("{other:?}"),
    }
}

fn list_without_harness() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = vec![ListedTest { name: None, ignored: false }];
    for script in ["echo everything is fine", "exit 64"] {
        let (status, tests) = list(folder.path(), script, false);
        assert_eq!((status, &tests), (AttemptStatus::Passed, &whole), "{script}");
    }
    let (status, tests) = list(folder.path(), "echo '0 tests, 0 benchmarks'", false);
    assert_eq!((status, tests), (AttemptStatus::Passed, vec![]), "it speaks, and has none");
    // Libtest's harness has no excuse, and nothing has one for a crash.
    let (status, tests) = list(folder.path(), "exit 64", true);
    assert_eq!((status, tests), (AttemptStatus::Failed { exit_code: 64 }, vec![]));
    for harness in [true, false] {
        let (status, tests) = list(folder.path(), "kill -11 $$", harness);
        assert_eq!((status, tests), (AttemptStatus::Crashed { signal: 11 }, vec![]));
    }
}

fn list_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let script =
        "case \"$*\" in *--ignored*) echo 'b: test';; *) printf 'a: test\\nb: test\\n';; esac";
    let (_, tests) = list(folder.path(), script, true);
    let test = |name: &str, ignored| ListedTest { name: Some(name.into()), ignored };
    assert_eq!(tests, [test("a", false), test("b", true)]);
}

fn end_of_input() {
    let mut agent = Agent::start();
    agent.say(&Job::Exec { program: shell("echo up; exec sleep 74.25"), limits: limits() });
    assert!(matches!(agent.report(), Report::Line { .. }));
    agent.input = None;
    assert!(agent.process.wait().expect("it ends").success());
    // What it ran ends with it where it is PID 1; here it is not.
    let _ = Command::new("pkill").args(["-f", "sleep 74.25"]).status();
}
