//! How long a sandbox takes from the wish to start it to the end of `/bin/true` in it: the embedded
//! engine beside what a user would use instead, taking turns in one run.
//!
//! Needs the image `libcmatrix/alpine:3.23` in both engines, `docker` and `runc`, and root for
//! `runc`. `ci/bench` sees to that; where no Docker answers, the embedded engine is measured alone.
//! Prints medians and ratios; asserts nothing.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use libcmatrix::engine::{Engine, SandboxSpec, current_owner, embedded};
use tempfile::TempDir;

const IMAGE: &str = "libcmatrix/alpine:3.23";

/// How often each is started.
const ROUNDS: usize = 100;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    // The engine starts its helpers from this very executable.
    if std::env::args().nth(1).as_deref() == Some(libcmatrix_sandbox::ARGUMENT) {
        return ExitCode::from(u8::try_from(libcmatrix_sandbox::serve()).unwrap_or(1));
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let engine = runtime.block_on(embedded::connect())?;
    let image = runtime.block_on(engine.find_image(IMAGE))?.ok_or("libcmatrix images build")?;
    let owner = current_owner(&format!("bench-{}", std::process::id()));
    let spec = SandboxSpec {
        owner: owner.clone(),
        purpose: "bench".into(),
        image: image.id,
        argv: vec!["/bin/true".into()],
        env: Vec::new(),
        working_dir: "/".into(),
        user: None,
        mounts: Vec::new(),
        network: false,
        read_only_root: false,
        memory_bytes: 1 << 30,
        pids: 512,
        cpus: None,
        file_bytes: None,
    };
    let bundle = match run(Command::new("docker").arg("info")) {
        Ok(()) => Some(bundle()?),
        Err(e) => {
            eprintln!("no Docker to compare with: {e}");
            None
        }
    };
    let runc = |bundle: &TempDir| {
        run(Command::new("runc").current_dir(bundle.path()).args(["run", "libcmatrix-bench"]))
    };
    let docker = |_: &TempDir| {
        let arguments = ["run", "--rm", "--network", "none", IMAGE, "/bin/true"];
        run(Command::new("docker").args(arguments))
    };
    let mut times = vec![("embedded engine", Vec::new())];
    if bundle.is_some() {
        times.extend([("runc run", Vec::new()), ("docker run --rm --network none", Vec::new())]);
    }
    for round in 0..=ROUNDS {
        let mut measured = vec![timed(|| runtime.block_on(start(&engine, &spec)))?];
        if let Some(bundle) = &bundle {
            measured.extend([timed(|| runc(bundle))?, timed(|| docker(bundle))?]);
        }
        // The first of each finds cold caches.
        if round > 0 {
            for ((_, all), one) in times.iter_mut().zip(measured) {
                all.push(one);
            }
        }
    }
    runtime.block_on(engine.remove_run(&owner.run_id))?;
    report(&mut times);
    Ok(())
}

async fn start(engine: &dyn Engine, spec: &SandboxSpec) -> Outcome<()> {
    let mut sandbox = engine.start(spec).await?;
    let exit = sandbox.wait().await?;
    sandbox.remove().await?;
    if exit.exit_code == 0 { Ok(()) } else { Err(format!("exit code {}", exit.exit_code).into()) }
}

fn run(command: &mut Command) -> Outcome<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

/// What `runc` starts: the same image, the same program.
fn bundle() -> Outcome<TempDir> {
    let folder = TempDir::new()?;
    let script = format!(
        "set -e; mkdir rootfs; c=$(docker create {IMAGE} x); docker export $c | tar -x -C rootfs; \
         docker rm $c >/dev/null; runc spec"
    );
    run(Command::new("sh").args(["-c", &script]).current_dir(folder.path()))?;
    let path = folder.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(Path::new(&path))?)?;
    config["process"]["terminal"] = false.into();
    config["process"]["args"] = serde_json::json!(["/bin/true"]);
    std::fs::write(path, serde_json::to_vec(&config)?)?;
    Ok(folder)
}

fn report(times: &mut [(&str, Vec<Duration>)]) {
    for (_, all) in times.iter_mut() {
        all.sort_unstable();
    }
    let median = |all: &[Duration]| all[all.len() / 2].as_secs_f64() * 1000.0;
    println!("start to end of /bin/true, {ROUNDS} times each, taking turns");
    println!("{:<32} {:>9} {:>9} {:>9} {:>7}", "", "median ms", "fastest", "slowest", "ratio");
    for (name, all) in times.iter() {
        let edge = |one: Option<&Duration>| one.map_or(0.0, Duration::as_secs_f64) * 1000.0;
        println!(
            "{name:<32} {:>9.2} {:>9.2} {:>9.2} {:>7.1}",
            median(all),
            edge(all.first()),
            edge(all.last()),
            median(all) / median(&times[0].1),
        );
    }
}
