//! A run that is killed, at any moment: its record is readable, and after the next command nothing
//! of it is left. The daemon is asked, not the code under test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::command::{self, Over, check, docker_over, libcmatrix, libcmatrix_over};

/// Texts in `events.ndjson` whose appearance is the moment of the kill.
const MOMENTS: [&str; 3] = [
    "\"step-started\",\"leg\":\"debian-trixie-local\",\"step\":\"prepare\"",
    "\"step\":\"build\"",
    "\"step\":\"test\"",
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for over in Over::ENGINES {
        let engine = over.engine();
        for (n, moment) in MOMENTS.iter().enumerate() {
            let title = format!("leftovers on {engine} after kill -9, moment {n}");
            trials.push(Trial::test(title, move || killed(over, moment)));
        }
        let title = format!("leftovers on {engine} after Ctrl-C");
        trials.push(Trial::test(title, move || interrupted(over)));
    }
    for who in [Killed::Helper, Killed::FirstProcess, Killed::IdleHelper, Killed::Spare] {
        let title = format!("leftovers on embedded when {who:?} is killed");
        trials.push(Trial::test(title, move || inside_killed(who)));
    }
    trials
}

struct Started {
    child: Child,
    out: TempDir,
}

impl Started {
    /// A run that takes a while: its tests sleep.
    fn new(over: Over<'_>, test_timeout: &str) -> Result<Self, Failed> {
        let out = TempDir::with_prefix("libcmatrix-trial-")?;
        let project = command::root().join("sample-projects/hang-on-musl");
        let mut run = libcmatrix_over(over, ["run"]);
        run.arg(project).arg("--out").arg(out.path());
        run.args(["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"]);
        run.args(["--test-timeout", test_timeout, "--verbose"]);
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

/// SIGKILL while the tests run.
pub fn killed_in_tests(over: Over<'_>) -> Result<(), Failed> {
    killed(over, MOMENTS[2])
}

fn killed(over: Over<'_>, moment: &str) -> Result<(), Failed> {
    let mut run = Started::new(over, "2m")?;
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
    let clean = libcmatrix_over(over, ["clean"]).output()?;
    check(&mut complaints, clean.status.success(), || {
        String::from_utf8_lossy(&clean.stderr).into()
    });
    complain_of_leftovers(over, &id, &mut complaints)?;
    finish(&complaints)
}

/// SIGINT: the report of what there is, exit code 130, and nothing left without any further command.
pub fn interrupted(over: Over<'_>) -> Result<(), Failed> {
    let mut run = Started::new(over, "2m")?;
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
    complain_of_leftovers(over, &id, &mut complaints)?;
    drop(out);
    finish(&complaints)
}

fn complain_of_leftovers(
    over: Over<'_>,
    run_id: &str,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    if over == Over::Embedded {
        complain_of_folders(run_id, complaints)?;
    } else {
        complain_of_containers(over, run_id, complaints)?;
    }
    let left = processes(|path| names_run(path, run_id));
    check(complaints, left.is_empty(), || format!("processes left behind: {left:?}"));
    Ok(())
}

fn complain_of_containers(
    over: Over<'_>,
    run_id: &str,
    complaints: &mut Vec<String>,
) -> Result<(), Failed> {
    let label = format!("label=org.libcmatrix.run={run_id}");
    for (what, list) in [("containers", ["ps", "-aq"]), ("volumes", ["volume", "ls -q"])] {
        let mut args: Vec<&str> = list.iter().flat_map(|a| a.split(' ')).collect();
        args.extend(["--filter", &label]);
        let left = docker_over(over, &args)?;
        check(complaints, left.trim().is_empty(), || format!("{what} left behind: {left}"));
    }
    Ok(())
}

/// The kernel is asked: control groups and mounts; and the folder of the run is looked for.
fn complain_of_folders(run_id: &str, complaints: &mut Vec<String>) -> Result<(), Failed> {
    let mut pending = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let left = entry.file_name().to_string_lossy().contains(run_id);
                check(complaints, !left, || format!("left behind: {}", entry.path().display()));
                pending.push(entry.path());
            }
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    check(complaints, !mounts.contains(run_id), || "a mount is left behind".into());
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| env::home_dir().map(|home| home.join(".local/share")));
    let folder = data.unwrap_or_default().join("libcmatrix/runs").join(run_id);
    check(complaints, !folder.exists(), || format!("left behind: {}", folder.display()));
    Ok(())
}

/// Who is killed, other than the command.
#[derive(Clone, Copy, Debug)]
enum Killed {
    Helper,
    FirstProcess,
    /// That of the baseline, whose tests have ended and which waits to run some again.
    IdleHelper,
    /// That which waits for the next sandbox.
    Spare,
}

/// The command must take it for a fault of the engine, never for a result, and leave nothing.
fn inside_killed(who: Killed) -> Result<(), Failed> {
    // Where nothing that hangs is killed, it must end by itself.
    let idle = matches!(who, Killed::IdleHelper | Killed::Spare);
    let mut run = Started::new(Over::Embedded, if idle { "5s" } else { "2m" })?;
    // The legs take turns: now the baseline has had its first, and what is left of this one hangs.
    run.wait_for("\"test-finished\",\"leg\":\"alpine-3.23-local\"")?;
    let id = run.run_id()?;
    // The sandbox of the tests is the last that was started.
    let is_agent = |path: &Path| mentions(path, "__agent") && parent_of_run(path, &id).is_some();
    let agents = || processes(is_agent).into_iter();
    let last = usize::from(matches!(who, Killed::IdleHelper));
    let agent = eventually(|| agents().nth_back(last))?;
    let helper = parent_of_run(&PathBuf::from(format!("/proc/{agent}")), &id);
    let victim = match who {
        Killed::Helper | Killed::IdleHelper => helper.ok_or("the run has no helper")?,
        Killed::FirstProcess => agent,
        Killed::Spare => eventually(|| spare(&id))?,
    };
    let victim = victim.to_string();
    let sent = std::process::Command::new("kill").args(["-KILL", &victim]).status()?;
    let mut complaints = Vec::new();
    check(&mut complaints, sent.success(), || format!("kill -KILL {victim} failed"));
    let folder = run.folder();
    let Started { child, out } = run;
    let output = child.wait_with_output()?;
    // What was seen to break on one side stays broken, whatever breaks afterwards.
    let (code, verdict) = if idle { (10, "no-go") } else { (3, "inconclusive") };
    check(&mut complaints, output.status.code() == Some(code), || {
        format!("exit code {:?}", output.status.code())
    });
    let record: libcmatrix_schema::RunRecord =
        serde_json::from_slice(&fs::read(folder.join("run.json"))?)?;
    let outcome = record.verdict.as_ref().map(|verdict| verdict.outcome.to_string());
    check(&mut complaints, outcome.as_deref() == Some(verdict), || format!("{outcome:?}"));
    let is_said = record.notes.iter().any(|note| note.code == "engine-fault");
    // Of one that did nothing yet nobody has to hear.
    let is_fault = !matches!(who, Killed::Spare);
    check(&mut complaints, is_said == is_fault, || format!("{:?}", record.notes));
    complain_of_leftovers(Over::Embedded, &id, &mut complaints)?;
    drop(out);
    finish(&complaints)
}

/// The helper of a run that has no sandbox.
fn spare(run_id: &str) -> Option<u32> {
    let mark = format!("__sandbox\0{run_id}\0");
    let helpers = processes(|path| mentions(path, &mark));
    let parents: Vec<u32> = processes(|_| true)
        .into_iter()
        .filter_map(|process| parent(&PathBuf::from(format!("/proc/{process}"))))
        .collect();
    helpers.into_iter().find(|helper| !parents.contains(helper))
}

/// Waits until there is something.
fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> Result<T, Failed> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match look() {
            Some(found) => return Ok(found),
            None if Instant::now() > deadline => return Err("no process of the tests".into()),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The parent of a process, if it is a helper of that run.
fn parent_of_run(process: &Path, run_id: &str) -> Option<u32> {
    let parent = parent(process)?;
    names_run(&PathBuf::from(format!("/proc/{parent}")), run_id).then_some(parent)
}

/// The parent of a process.
fn parent(process: &Path) -> Option<u32> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

/// Ids of processes that please, in the order of their start. Ids alone tell no order: the kernel
/// begins again with small ones.
fn processes(pleases: impl Fn(&Path) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found: Vec<(u64, u32)> = entries
        .filter(|entry| pleases(&entry.path()))
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            Some((started(&entry.path())?, id))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

/// When a process started, in ticks since the machine did: field 22 of `/proc/<id>/stat`, of which the
/// second is a name in parentheses.
fn started(process: &Path) -> Option<u64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn names_run(process: &Path, run_id: &str) -> bool {
    mentions(process, run_id)
}

/// Whether the arguments of a process hold a text.
fn mentions(process: &Path, text: &str) -> bool {
    fs::read(process.join("cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(text))
}

fn finish(complaints: &[String]) -> Result<(), Failed> {
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}
