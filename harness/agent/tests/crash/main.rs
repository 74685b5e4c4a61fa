//! Crashes as the agent sees them, and programs that must not notice that they are watched. This
//! executable is the agent, the programs, and the trials.

#[allow(
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "programs that do wrong on purpose, each in a process of its own"
)]
mod programs;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with other trials")]
mod support;

use libcmatrix_agent::protocol::{Job, ProgramLimits, Report, TestToRun};
use libcmatrix_schema::{Attempt, AttemptStatus, Crash};
use support::{Agent, binary, limits};

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(programs::ARGUMENT) {
        let name = arguments.next().unwrap_or_default();
        std::process::exit(programs::run(&name));
    }
    support::main(&[
        ("a C thread's overflow is seen", c_thread_overflow),
        ("a frame larger than the guard is an overflow", guard_skipped),
        ("an overflow that Rust takes is behind its abort", rust_overflow),
        ("a call of nothing has a caller", null_call),
        ("abort has a backtrace and no address", abort),
        ("glibc's abort at a double free is seen", double_free),
        ("a fault that a handler cures is no crash", recovered),
        ("a cured fault is not blamed for a later crash", recovered_then_aborted),
        ("a fault is found behind its handler", handler_aborts),
        ("a fault that is blocked is fatal", blocked_fault),
        ("traps and illegal instructions are seen", traps),
        ("a signal that was sent has no address", sent_signal),
        ("a signal that is not a crash leaves nothing", other_signal),
        ("a child's crash is the child's", child_crash),
        ("a stop stays a stop until it is continued", stops),
        ("children trace as they like", children_trace),
        ("a program that is exec'd is still watched", exec_chain),
        ("threads in great number change nothing", many_threads),
        ("signals in great number change nothing", many_signals),
        ("a time limit ends a watched program", time_limit),
        ("what a watched program leaves behind is found", leftovers),
        ("a crash in a listing is seen", crash_in_listing),
        ("a program of an exec job is not watched", exec_is_not_watched),
    ]);
}

/// Runs a script as a test.
fn run_script(script: &str, limits: ProgramLimits) -> Attempt {
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = Agent::start();
    let binaries = vec![binary(folder.path(), script, false)];
    let tests = vec![TestToRun { binary: 0, name: None }];
    agent.say(&Job::Test { binaries, tests, attempts: 1, threads: 1, limits });
    let finished = agent.until_done().into_iter().find_map(|report| match report {
        Report::TestFinished { attempt, .. } => Some(attempt),
        _ => None,
    });
    finished.expect("an attempt")
}

/// A shell command that becomes one of the programs.
fn program(name: &str) -> String {
    let executable = std::env::current_exe().expect("this executable");
    format!("exec '{}' {} {name}", executable.display(), programs::ARGUMENT)
}

fn run(name: &str) -> Attempt {
    run_script(&program(name), limits())
}

fn crash_of(name: &str, signal: i32) -> Crash {
    let attempt = run(name);
    assert_eq!(attempt.status, AttemptStatus::Crashed { signal }, "{attempt:#?}");
    *attempt.crash.unwrap_or_else(|| panic!("no crash: {:?}", attempt.crash_unseen))
}

#[track_caller]
fn passes(name: &str) {
    let attempt = run(name);
    assert_eq!(attempt.status, AttemptStatus::Passed, "{name}: {attempt:#?}");
    assert_eq!((attempt.crash, attempt.crash_unseen), (None, None));
}

/// Whether a call of a function whose name holds this is in the backtrace.
fn calls(crash: &Crash, name: &str) -> bool {
    crash.backtrace.iter().any(|f| f.symbol.as_ref().is_some_and(|s| s.contains(name)))
}

/// A crash on few lines, where an expectation fails.
fn brief(crash: &Crash) -> String {
    let calls = crash.backtrace.iter().map(|f| format!("\n  {f}")).collect::<String>();
    let before = crash.caught_before.as_deref().map(brief);
    let Crash { signal, code, address, pc, sp, thread, unseen, .. } = crash;
    format!(
        "{signal} {code} {address:x?} {pc:x?} {sp:x?} {thread:x?} {unseen:?}{calls}\n{before:?}"
    )
}

fn c_thread_overflow() {
    for name in ["thread-overflow", "thread-overflow-seen-by-rust"] {
        let crash = crash_of(name, libc::SIGSEGV);
        assert!(crash.is_stack_overflow(), "{}", brief(&crash));
        assert!(!crash.thread.main);
        assert_eq!(crash.caught_before, None, "the same fault again");
        let stack = crash.thread.stack.expect("its stack");
        assert!((100 << 10..200 << 10).contains(&(stack.high - stack.low)), "{stack:x?}");
        assert!(calls(&crash, "descend"), "{}", brief(&crash));
        assert!(crash.backtrace[0].line.is_some() && crash.backtrace[0].object_address.is_some());
        // The C library that started it is at the end, whether it has symbols or not.
        let last = crash.backtrace.last().and_then(|f| f.object.clone()).unwrap_or_default();
        assert!(last.contains("libc") || last.contains("musl"), "{}", brief(&crash));
    }
}

fn guard_skipped() {
    if cfg!(target_arch = "x86_64") {
        let crash = crash_of("thread-skips-guard", libc::SIGSEGV);
        assert!(crash.is_stack_overflow(), "{}", brief(&crash));
    }
}

fn rust_overflow() {
    for (name, main) in [("rust-main-overflow", true), ("rust-thread-overflow", false)] {
        let crash = crash_of(name, libc::SIGABRT);
        assert!(!crash.is_stack_overflow());
        let fault = crash.fault();
        assert!(fault.is_stack_overflow(), "{}", brief(&crash));
        assert_eq!((fault.signal, fault.thread.main), (libc::SIGSEGV, main));
        assert!(calls(fault, "descend"), "{}", brief(&crash));
        assert!(calls(&crash, "abort") && calls(&crash, "descend"), "{}", brief(&crash));
        assert!(fault.backtrace.len() > if main { 255 } else { 100 });
        assert!(main || fault.thread.name == "deep");
    }
}

fn null_call() {
    let crash = crash_of("null-call", libc::SIGSEGV);
    assert_eq!((crash.pc.address, crash.address.as_ref().map(|a| a.address)), (0, Some(0)));
    assert_eq!(crash.backtrace[0].address, 0);
    let caller = crash.backtrace[1].symbol.clone().unwrap_or_default();
    assert!(caller.contains("null_call"), "{}", brief(&crash));
    assert!(calls(&crash, "crash::main"), "{}", brief(&crash));
    assert!(!crash.is_stack_overflow());
    assert!(crash.thread.main && crash.thread.stack.is_some());
    assert_eq!(crash.unseen, Vec::<String>::new());
}

fn abort() {
    let crash = crash_of("abort", libc::SIGABRT);
    assert_eq!(crash.address, None);
    assert!(calls(&crash, "abort") && calls(&crash, "crash::main"), "{}", brief(&crash));
}

fn double_free() {
    // Another C library ends it by other means.
    if cfg!(target_env = "gnu") {
        let crash = crash_of("double-free", libc::SIGABRT);
        assert!(calls(&crash, "free") && calls(&crash, "double_free"), "{}", brief(&crash));
    }
}

fn recovered() {
    passes("recovers");
    passes("many-faults");
    passes("ignores");
}

fn recovered_then_aborted() {
    let crash = crash_of("recovers-then-aborts", libc::SIGABRT);
    assert_eq!(crash.caught_before, None);
}

fn handler_aborts() {
    let crash = crash_of("handler-aborts", libc::SIGABRT);
    let fault = crash.fault();
    assert_eq!(
        (fault.signal, fault.address.as_ref().map(|a| a.address)),
        (libc::SIGSEGV, Some(16))
    );
    assert!(calls(&crash, "give_up") && calls(&crash, "null_read"), "{}", brief(&crash));
    assert!(calls(fault, "null_read") && !calls(fault, "give_up"));
}

fn blocked_fault() {
    let crash = crash_of("blocked-fault", libc::SIGSEGV);
    assert_eq!(crash.address.map(|a| a.address), Some(16));
}

fn traps() {
    let illegal = crash_of("illegal", libc::SIGILL);
    assert_eq!(illegal.address.map(|a| a.address), Some(illegal.pc.address));
    assert!(illegal.backtrace[0].symbol.as_ref().is_some_and(|s| s.contains("illegal")));
    let object = illegal.pc.mapping.and_then(|m| m.object).expect("a file");
    assert!(object.ends_with(std::env::current_exe().unwrap().to_str().unwrap()));
    crash_of("breakpoint", libc::SIGTRAP);
}

fn sent_signal() {
    let attempt = run_script("kill -11 $$", limits());
    assert_eq!(attempt.status, AttemptStatus::Crashed { signal: 11 });
    let crash = attempt.crash.expect("a crash");
    assert_eq!((crash.code, crash.address), (libc::SI_USER, None));
    assert!(crash.thread.main);
}

fn other_signal() {
    for signal in [9, 13, 15] {
        let attempt = run_script(&format!("kill -{signal} $$"), limits());
        assert_eq!(attempt.status, AttemptStatus::Crashed { signal });
        assert_eq!((attempt.crash, attempt.crash_unseen), (None, None));
    }
}

fn child_crash() {
    passes("child-crashes");
}

fn stops() {
    passes("stops-itself");
}

fn children_trace() {
    passes("child-traces-grandchild");
    passes("process-by-clone");
    // The limit that is left, so that it is known when it goes.
    assert_eq!(run("asks-to-be-traced").status, AttemptStatus::Failed { exit_code: 1 });
}

fn exec_chain() {
    let quoted = program("null-call").replace('\'', "'\\''");
    let attempt = run_script(&format!("exec sh -c 'exec sh -c \"{quoted}\"'"), limits());
    assert_eq!(attempt.status, AttemptStatus::Crashed { signal: 11 }, "{attempt:#?}");
    assert!(calls(&attempt.crash.expect("a crash"), "null_call"));
    let crash = crash_of("execs-in-thread", libc::SIGSEGV);
    assert!(crash.thread.main && calls(&crash, "null_call"));
}

fn many_threads() {
    passes("many-threads");
}

fn many_signals() {
    passes("many-signals");
}

fn time_limit() {
    let limits = ProgramLimits { time_ms: 300, ..limits() };
    let attempt = run_script(&program("threads-hang"), limits);
    assert_eq!(attempt.status, AttemptStatus::TimedOut);
    assert_eq!((attempt.crash, attempt.crash_unseen), (None, None));
}

fn leftovers() {
    let attempt = run_script("setsid sleep 75.25 & exit 0", limits());
    assert_eq!(attempt.status, AttemptStatus::Leaked);
    assert_eq!(attempt.leaked_processes, ["sleep"]);
    let script = format!("sleep 76.25 & {}", program("null-call"));
    let attempt = run_script(&script, limits());
    assert_eq!(attempt.status, AttemptStatus::Crashed { signal: 11 });
    assert_eq!(attempt.leaked_processes, ["sleep"]);
    assert!(attempt.crash.is_some());
}

fn crash_in_listing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = Agent::start();
    let binaries = vec![binary(folder.path(), &program("abort"), true)];
    agent.say(&Job::List { binaries, threads: 1, limits: limits() });
    match agent.until_done().pop() {
        Some(Report::Listed { status, crash, .. }) => {
            assert_eq!(status, AttemptStatus::Crashed { signal: 6 });
            assert!(calls(&crash.expect("a crash"), "abort"));
        }
        other => panic!("{other:?}"),
    }
}

fn exec_is_not_watched() {
    let (_, ended) = Agent::start().exec(support::shell(&program("abort")), limits());
    assert_eq!(ended.status, AttemptStatus::Crashed { signal: 6 });
    assert_eq!((ended.crash, ended.crash_unseen), (None, None));
}
