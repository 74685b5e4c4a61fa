//! An agent to talk to, and programs to give it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use libcmatrix_agent::protocol::{Ended, Job, Program, ProgramLimits, Report, Stream, TestBinary};
use libtest_mimic::{Arguments, Failed, Trial};

/// Runs the trials; this executable is also the agent, when it is started with the agent's argument.
pub fn main(trials: &[(&'static str, fn())]) {
    if std::env::args().nth(1).as_deref() == Some(libcmatrix_agent::ARGUMENT) {
        std::process::exit(libcmatrix_agent::serve());
    }
    let trials = trials.iter().map(|&(name, run)| {
        Trial::test(name, move || {
            std::panic::catch_unwind(run).map_err(|_| Failed::without_message())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// An agent at work.
pub struct Agent {
    pub process: Child,
    pub input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Agent {
    pub fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this executable"))
            .arg(libcmatrix_agent::ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let mut agent = Self { process, input, output };
        assert!(matches!(agent.report(), Report::Ready { .. }));
        agent
    }

    pub fn say(&mut self, job: &Job) {
        let mut line = serde_json::to_vec(job).expect("a job");
        line.push(b'\n');
        self.input.as_mut().expect("its input").write_all(&line).expect("it listens");
    }

    pub fn report(&mut self) -> Report {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it speaks");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"))
    }

    pub fn exec(
        &mut self,
        program: Program,
        limits: ProgramLimits,
    ) -> (Vec<(Stream, String)>, Ended) {
        self.say(&Job::Exec { program, limits });
        let mut lines = Vec::new();
        loop {
            match self.report() {
                Report::Line { stream, text } => lines.push((stream, text)),
                Report::Cut { stream, bytes } => lines.push((stream, format!("cut {bytes}"))),
                Report::ExecEnded(ended) => return (lines, ended),
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn until_done(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        loop {
            match self.report() {
                Report::Done => return reports,
                report => reports.push(report),
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}

pub fn shell(script: &str) -> Program {
    Program { argv: ["sh", "-c", script].map(Into::into).into(), env: Vec::new(), cwd: "/".into() }
}

pub fn limits() -> ProgramLimits {
    ProgramLimits { time_ms: 60_000, silence_ms: None, head_bytes: 1 << 16, tail_bytes: 1 << 16 }
}

/// A program in place of a test binary. It gets libtest's arguments.
pub fn binary(folder: &Path, script: &str, harness: bool) -> TestBinary {
    let path = folder.join("binary");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).expect("executable");
    let argv = vec![path.to_string_lossy().into_owned()];
    let program = Program { argv, env: Vec::new(), cwd: folder.to_string_lossy().into_owned() };
    TestBinary { id: "b".into(), program, harness }
}
