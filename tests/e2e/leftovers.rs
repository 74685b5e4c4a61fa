//! A run that is killed, at any moment: its record is readable, and after the next command nothing
//! of it is left. The daemon is asked, not the code under test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, check, docker, libcmatrix};

/// Texts in `events.ndjson` whose appearance is the moment of the kill.
const MOMENTS: [&str; 3] = [
    "\"step-started\",\"leg\":\"debian-trixie-local\",\"step\":\"prepare\"",
    "\"step\":\"build\"",
    "\"step\":\"test\"",
];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = MOMENTS
        .iter()
        .enumerate()
        .map(|(n, moment)| {
            Trial::test(format!("leftovers after kill -9, moment {n}"), || killed(moment))
        })
        .collect();
    trials.push(Trial::test("leftovers after Ctrl-C", interrupted));
    trials
}

struct Started {
    child: Child,
    out: TempDir,
}

impl Started {
    /// A run that takes a while: its tests sleep.
    fn new() -> Result<Self, Failed> {
        let out = TempDir::with_prefix("libcmatrix-trial-")?;
        let project = command::root().join("sample-projects/hang-on-musl");
        let mut run = libcmatrix(["run"]);
        run.arg(project).arg("--out").arg(out.path());
        run.args(["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"]);
        run.args(["--test-timeout", "2m", "--verbose"]);
        let child = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, out })
    }

    fn folder(&self) -> PathBuf {
        self.out.path().join("latest")
    }

    fn run_id(&self) -> Result<String, Failed> {
        Ok(fs::read_link(self.folder())?.to_string_lossy().into_owned())
    }

    fn wait_for(&mut self, text: &str) -> Result<(), Failed> {
        let deadline = Instant::now() + Duration::from_secs(180);
        while Instant::now() < deadline {
            let events =
                fs::read_to_string(self.folder().join("events.ndjson")).unwrap_or_default();
            if events.contains(text) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the run ended before {text}: {status}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{text} did not appear").into())
    }
}

fn killed(moment: &str) -> Result<(), Failed> {
    let mut run = Started::new()?;
    run.wait_for(moment)?;
    thread::sleep(Duration::from_millis(300));
    run.child.kill()?;
    run.child.wait()?;
    let id = run.run_id()?;
    let mut complaints = Vec::new();
    let report = libcmatrix(["report", "--format", "json"]).arg(run.folder()).output()?;
    check(&mut complaints, report.status.success(), || {
        format!("the record is not readable: {}", String::from_utf8_lossy(&report.stderr))
    });
    let record: libcmatrix_schema::RunRecord = serde_json::from_slice(&report.stdout)?;
    check(&mut complaints, record.run_id == id && record.finished_at.is_none(), || {
        format!("the record is another run's, or claims to be finished: {:?}", record.finished_at)
    });
    let clean = libcmatrix(["clean"]).output()?;
    check(&mut complaints, clean.status.success(), || {
        String::from_utf8_lossy(&clean.stderr).into()
    });
    complain_of_leftovers(&id, &mut complaints)?;
    finish(&complaints)
}

/// SIGINT: the report of what there is, exit code 130, and nothing left without any further command.
fn interrupted() -> Result<(), Failed> {
    let mut run = Started::new()?;
    run.wait_for("\"step\":\"list\"")?;
    let pid = run.child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &pid]).status()?;
    let mut complaints = Vec::new();
    check(&mut complaints, sent.success(), || "kill -INT failed".into());
    let id = run.run_id()?;
    let folder = run.folder();
    let Started { child, out } = run;
    let output = child.wait_with_output()?;
    check(&mut complaints, output.status.code() == Some(130), || {
        format!("exit code {:?}", output.status.code())
    });
    let stdout = String::from_utf8_lossy(&output.stdout).to_lowercase();
    check(&mut complaints, stdout.contains("inconclusive"), || format!("no report: {stdout}"));
    let record: libcmatrix_schema::RunRecord =
        serde_json::from_slice(&fs::read(folder.join("run.json"))?)?;
    check(&mut complaints, record.interrupted, || "the record does not say interrupted".into());
    complain_of_leftovers(&id, &mut complaints)?;
    drop(out);
    finish(&complaints)
}

fn complain_of_leftovers(run_id: &str, complaints: &mut Vec<String>) -> Result<(), Failed> {
    let label = format!("label=org.libcmatrix.run={run_id}");
    for (what, list) in [("containers", ["ps", "-aq"]), ("volumes", ["volume", "ls -q"])] {
        let mut args: Vec<&str> = list.iter().flat_map(|a| a.split(' ')).collect();
        args.extend(["--filter", &label]);
        let left = docker(&args)?;
        check(complaints, left.trim().is_empty(), || format!("{what} left behind: {left}"));
    }
    let processes =
        fs::read_dir("/proc")?.flatten().filter(|p| names_run(&p.path(), run_id)).count();
    check(complaints, processes == 0, || format!("{processes} processes left behind"));
    Ok(())
}

fn names_run(process: &Path, run_id: &str) -> bool {
    fs::read(process.join("cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(run_id))
}

fn finish(complaints: &[String]) -> Result<(), Failed> {
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}
