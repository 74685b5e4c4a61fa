//! What it costs a program that passes to be watched: the same programs traced and not, taking turns
//! in one run, measured by their supervisor. This executable is the agent and the programs, too.
//!
//! Prints medians and ratios; asserts nothing.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the trials")]
mod support;

use std::{
    hint::black_box,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libcmatrix_agent::protocol::{Job, Program, Report, TestBinary, TestToRun};
use libcmatrix_schema::AttemptStatus;
use support::{Agent, limits};

/// How often each program runs, each way.
const ROUNDS: usize = 30;

/// Followed by a program's number.
const ARGUMENT: &str = "__program";

/// Programs, and what they do.
const PROGRAMS: [(&str, fn()); 6] = [
    ("starts and ends", || {}),
    ("computes for 50 ms", || work(Duration::from_millis(50))),
    ("200 threads, each 1 ms of work", || threads(Duration::from_millis(1))),
    ("200 threads, each 0.1 ms of work", || threads(Duration::from_micros(100))),
    ("200 threads that do nothing", || threads(Duration::ZERO)),
    ("50 child processes", children),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(libcmatrix_agent::ARGUMENT) => std::process::exit(libcmatrix_agent::serve()),
        Some(ARGUMENT) => {
            let number = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0_usize);
            PROGRAMS[number].1();
        }
        _ => bench(),
    }
}

/// Four at a time, as a test runner or a pool does.
fn threads(each: Duration) {
    for _ in 0..50 {
        let four: Vec<_> = (0..4).map(|_| thread::spawn(move || work(each))).collect();
        for thread in four {
            thread.join().expect("it ends well");
        }
    }
}

/// Computes; the same amount each time, whatever else the machine does.
fn work(time: Duration) {
    let steps = time.as_micros() * 400;
    let mut sum = 0_u64;
    for step in 0..u64::try_from(steps).unwrap_or(0) {
        sum = black_box(sum.rotate_left(5) ^ step);
    }
    black_box(sum);
}

fn children() {
    for _ in 0..50 {
        let status = Command::new("true").stdin(Stdio::null()).status().expect("a child");
        assert!(status.success());
    }
}

fn bench() {
    let begun = Instant::now();
    let mut agent = Agent::start();
    println!("wall time of a program, {ROUNDS} times each way, taking turns");
    println!("{:<36} {:>12} {:>12} {:>8}", "", "untraced ms", "traced ms", "ratio");
    for (number, (name, _)) in PROGRAMS.iter().enumerate() {
        let mut times = [const { Vec::new() }; 2];
        for round in 0..=ROUNDS {
            let measured = [untraced(&mut agent, number), traced(&mut agent, number)];
            // The first of each finds cold caches.
            if round > 0 {
                for (all, one) in times.iter_mut().zip(measured) {
                    all.push(one);
                }
            }
        }
        let [untraced, traced] = times.map(median);
        let ratio = traced / untraced;
        println!("{name:<36} {:>12.2} {:>12.2} {ratio:>8.3}", untraced * 1e3, traced * 1e3);
    }
    println!("took {:.0} s", begun.elapsed().as_secs_f64());
}

fn program(number: usize) -> Program {
    let executable = std::env::current_exe().expect("this executable");
    let argv =
        vec![executable.to_string_lossy().into_owned(), ARGUMENT.to_owned(), number.to_string()];
    Program { argv, env: Vec::new(), cwd: "/".into() }
}

/// A program of an `exec` job is not traced.
fn untraced(agent: &mut Agent, number: usize) -> f64 {
    let (_, ended) = agent.exec(program(number), limits());
    assert_eq!(ended.status, AttemptStatus::Passed);
    ended.wall_s
}

fn traced(agent: &mut Agent, number: usize) -> f64 {
    let binary = TestBinary { id: "b".into(), program: program(number), harness: false };
    let tests = vec![TestToRun { binary: 0, name: None }];
    agent.say(&Job::Test {
        binaries: vec![binary],
        tests,
        attempts: 1,
        threads: 1,
        limits: limits(),
    });
    let finished = agent.until_done().into_iter().find_map(|report| match report {
        Report::TestFinished { attempt, .. } => Some(attempt),
        _ => None,
    });
    let attempt = finished.expect("an attempt");
    assert_eq!(attempt.status, AttemptStatus::Passed);
    attempt.wall_s.expect("it was measured")
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
