//! The escape suite: every attempt of `sample-projects/escape-attempts` must be refused in the
//! sandboxes of every engine, and must succeed outside of them, or it would prove nothing.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::{
    bait::Baits,
    command::{self, Over, check, quoted},
    expected::Expected,
    samples,
};

/// The sample. It means nothing without its baits, so it is left out of [`samples`].
pub const SAMPLE: &str = "escape-attempts";

/// So many attempts must be proven.
const PROVEN: usize = 30;
/// So many may try what the kernel of this machine does not have.
const NOT_PROVABLE: usize = 6;

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = Over::ENGINES
        .map(|over| {
            let title = format!("escape: every attempt is refused on {}", over.engine());
            Trial::test(title, move || inside(over))
        })
        .into();
    trials.push(Trial::test("escape: every attempt succeeds outside", outside));
    trials
}

fn sample() -> PathBuf {
    command::root().join("sample-projects").join(SAMPLE)
}

fn inside(over: Over<'_>) -> Result<(), Failed> {
    let baits = Baits::lay()?;
    let expected = Expected::read(&sample().join("expected.toml"))?;
    let folder = TempDir::with_prefix("libcmatrix-escape-")?;
    let project = folder.path().join(SAMPLE);
    copy(&sample(), &project)?;
    let mut variables = baits.variables();
    variables.push(("ESCAPE_ENGINE", over.engine().to_owned()));
    tell(&project, &variables)?;
    let mut args = samples::arguments(&project, &expected);
    args.extend(["--engine", over.engine()].map(Into::into));
    let ran = command::run_by(&args, |line| baits.command(line, &[], false))?;
    let mut complaints = Vec::new();
    samples::judge(&expected, &ran, &mut complaints)?;
    ran.judge(&complaints)
}

/// Cargo's configuration is the way by which a project gives variables to its tests.
fn tell(project: &Path, variables: &[(&str, String)]) -> Result<(), Failed> {
    let lines: String =
        variables.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    fs::create_dir(project.join(".cargo"))?;
    Ok(fs::write(project.join(".cargo/config.toml"), format!("[env]\n{lines}"))?)
}

fn outside() -> Result<(), Failed> {
    let baits = Baits::lay()?;
    // A build folder is where device files work; in a temporary one they may not.
    let builds = command::executable().parent().map(Path::to_owned).unwrap_or_default();
    let folder = TempDir::with_prefix_in("escape-", builds)?;
    let binary = build(folder.path())?;
    let stand_in = folder.path().join("agent");
    fs::create_dir(&stand_in)?;
    fs::write(stand_in.join("agent"), "a stand-in")?;
    let mut variables = baits.variables();
    variables.push(("ESCAPE_OUTSIDE", "1".to_owned()));
    for name in ["ESCAPE_AGENT", "ESCAPE_DEPENDENCIES"] {
        variables.push((name, stand_in.display().to_string()));
    }
    let mut complaints = Vec::new();
    let (mut proven, mut not_provable) = (0, BTreeSet::new());
    for name in tests(&binary)? {
        let said = attempt(&baits, &variables, folder.path(), &binary, &name)?;
        if said.contains("\nsucceeded\n") && said.contains("test result: ok. 1 passed") {
            proven += 1;
        } else if said.contains("\nnot provable here: ") {
            not_provable.insert(name);
        } else {
            complaints.push(format!("{name}: {said}"));
        }
    }
    // By name, in the log of every run.
    eprintln!("escape: {proven} attempts proven outside; not provable here: {not_provable:?}");
    check(&mut complaints, proven >= PROVEN, || format!("only {proven} attempts are proven"));
    check(&mut complaints, not_provable.len() <= NOT_PROVABLE, || {
        format!("too many cannot be proven on this machine: {not_provable:?}")
    });
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// As the agent does it, one process for each; in namespaces that keep its mounts and names from
/// the machine. Gives what it printed.
fn attempt(
    baits: &Baits,
    variables: &[(&str, String)],
    folder: &Path,
    binary: &Path,
    name: &str,
) -> Result<String, Failed> {
    let output = folder.join("output");
    let line = format!(
        "unshare --mount --uts --ipc --propagation private {} --exact {name} --nocapture >{} 2>&1",
        quoted(binary),
        quoted(&output)
    );
    let status = baits.command(&line, variables, true).stdout(Stdio::null()).status()?;
    let said = fs::read_to_string(&output)
        .map_err(|e| format!("{name} was not run as root ({status}): {e}"))?;
    fs::remove_file(&output)?;
    Ok(said)
}

/// Builds the attempts for this machine; gives their executable.
fn build(folder: &Path) -> Result<PathBuf, Failed> {
    let project = folder.join("project");
    copy(&sample(), &project)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--no-run", "--locked", "--message-format", "json", "--target-dir"])
        .arg(folder.join("target"))
        .current_dir(&project)
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let messages = stdout.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let mut executables = messages
        .filter(|message| message["target"]["name"] == "escape")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next().ok_or_else(|| {
        format!("the attempts do not build: {}", String::from_utf8_lossy(&output.stderr)).into()
    })
}

/// The names of all attempts.
fn tests(binary: &Path) -> Result<Vec<String>, Failed> {
    let output = Command::new(binary).args(["--list", "--format", "terse"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// Copies a tree without what was built in it.
fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            fs::copy(&path, &to)?;
        } else if entry.file_name() != "target" {
            copy(&path, &to)?;
        }
    }
    Ok(())
}
