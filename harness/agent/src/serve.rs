//! The agent's life: take jobs, do them one after the other, say what happened.

use std::{
    io::{self, Write},
    time::Duration,
};

use rustix::process::DumpableBehavior;

use crate::{
    audit,
    capture::{Capture, Lines},
    command::Command,
    input::Input,
    memory_events::OomCounter,
    pool::{Happened, Pool},
    protocol::{Ended, Job, Program, ProgramLimits, Report, Stream},
    stack_header, tests_job,
};

/// The argument by which the `libcmatrix` executable knows that it is to be the agent.
pub const ARGUMENT: &str = "__agent";

/// Serves jobs until standard input ends; gives the exit code.
///
/// Must be called before the process has a second thread.
#[must_use]
pub fn serve() -> i32 {
    // Programs under test have our user id: without this they could write into our pipes and forge results.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    match serve_jobs() {
        Ok(()) => 0,
        Err(e) => {
            say(&Report::Fatal { message: e.to_string() });
            1
        }
    }
}

fn serve_jobs() -> io::Result<()> {
    let oom = OomCounter::find();
    say(&Report::Ready {
        version: env!("CARGO_PKG_VERSION").into(),
        counts_oom_kills: oom.is_there(),
    });
    let mut pool = Pool::new(oom);
    let mut input = Input::default();
    loop {
        let Some(line) = input.next_line() else {
            pool.wait(&mut input, |_, _| {})?;
            continue;
        };
        match serde_json::from_str(&line)? {
            Job::Exec { program, limits } => exec(&mut pool, &mut input, &program, limits)?,
            Job::List { binaries, threads, limits } => {
                tests_job::list(&mut pool, &mut input, &binaries, threads, limits, say)?;
            }
            Job::RaiseStack { from, to, bytes } => {
                say(&Report::StackRaised { refused: stack_header::raise(&from, &to, bytes).err() })
            }
            Job::Test { binaries, tests, attempts, threads, limits } => tests_job::run(
                &mut pool, &mut input, &binaries, &tests, attempts, threads, limits, say,
            )?,
            Job::Audit { libc, files, roots, library_path, time_ms } => {
                let time = Duration::from_millis(time_ms);
                audit::audit(libc, &files, &roots, &library_path, time, say);
            }
        }
    }
}

/// Output of one stream of an `exec` job: its beginning goes out as it comes, of the rest the end is kept.
struct Outflow {
    lines: Lines,
    sent: usize,
    rest: Capture,
}

fn exec(
    pool: &mut Pool,
    input: &mut Input,
    program: &Program,
    limits: ProgramLimits,
) -> io::Result<()> {
    let mut flows = [Stream::Stdout, Stream::Stderr].map(|stream| {
        let rest = Capture::new(0, limits.tail_bytes);
        (stream, Outflow { lines: Lines::default(), sent: 0, rest })
    });
    let time = Duration::from_millis(limits.time_ms);
    let silence = limits.silence_ms.map(Duration::from_millis);
    let started =
        Command::new(program, &[]).and_then(|c| pool.start(0, &c, false, false, time, silence));
    let mut end = None;
    if let Err(e) = started {
        let status = libcmatrix_schema::AttemptStatus::NotRun { reason: e.to_string() };
        end = Some(Ended::unmeasured(status));
    }
    while end.is_none() {
        pool.wait(input, |_, happened| match happened {
            Happened::Output(stream, bytes) => {
                let flow = if stream == Stream::Stdout { &mut flows[0].1 } else { &mut flows[1].1 };
                let room = limits.head_bytes.saturating_sub(flow.sent).min(bytes.len());
                flow.sent += room;
                flow.lines.push(&bytes[..room], |text| say(&Report::Line { stream, text }));
                flow.rest.push(&bytes[room..]);
            }
            Happened::Ended(ended) => end = Some(ended),
        })?;
    }
    for (stream, mut flow) in flows {
        let line = |text| say(&Report::Line { stream, text });
        if flow.rest.cut() > 0 {
            flow.lines.finish(line);
            say(&Report::Cut { stream, bytes: flow.rest.cut() });
        }
        flow.lines.push(&flow.rest.parts().1, line);
        flow.lines.finish(line);
    }
    say(&Report::ExecEnded(end.expect("the loop ends with the program")));
    Ok(())
}

/// Says one report. If nobody hears it any more, there is nothing left to do.
fn say(report: &Report) {
    let mut line = serde_json::to_vec(report).unwrap_or_default();
    line.push(b'\n');
    let mut out = io::stdout().lock();
    if out.write_all(&line).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
