//! `libcmatrix doctor`: what works on this machine, what does not, and what to do about it.

use std::{path::Path, time::Duration};

use anstyle::AnsiColor;
use clap::Args;

use super::{EngineChoice, docker, embedded, sweep};
use crate::{
    engine::{Engine, EngineInfo, SandboxSpec, current_owner},
    environment::builtin,
    exit::Exit,
    failure::{Failure, Result},
    folders,
    project::{host_cargo, published},
    report::sanitise::sanitise,
};

/// Arguments of `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// The engine to look at; without, all, and more closely the one that would be used
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: EngineChoice,
}

/// How one thing stands.
enum State {
    Good(String),
    /// Works, with a drawback.
    Poor(String, String),
    /// Does not work, and what to do.
    Bad(String, String),
}

/// Looks at everything a run needs. Exit code 3 if a run cannot succeed here.
///
/// # Errors
/// None: what is missing is part of the answer.
pub async fn doctor(args: &DoctorArgs) -> Result<Exit> {
    let mut healthy = true;
    let mut say = |what: &str, state: State| {
        healthy &= !matches!(state, State::Bad(..));
        print(what, &state);
    };
    say("cargo", cargo());
    let engines = match args.engine {
        EngineChoice::Auto => vec![("docker", docker().await), ("embedded", embedded().await)],
        EngineChoice::Docker => vec![("docker", docker().await)],
        EngineChoice::Embedded => vec![("embedded", embedded().await)],
    };
    let one_works = engines.iter().any(|(_, engine)| engine.is_ok());
    let mut used = None;
    for (name, engine) in engines {
        match engine {
            Ok(engine) => {
                match engine.info().await {
                    Ok(info) => say(name, describe(&info)),
                    Err(failure) => say(name, bad(&failure)),
                }
                used = used.or(Some(engine));
            }
            // One is enough.
            Err(failure) if one_works => say(name, poor(&failure)),
            Err(failure) => say(name, bad(&failure)),
        }
    }
    if let Some(engine) = used {
        sweep(engine.as_ref()).await;
        match engine.info().await {
            Err(failure) => say(engine.name(), bad(&failure)),
            Ok(info) => {
                say("images", images(engine.as_ref()).await);
                if let Some(state) = container(engine.as_ref(), &info).await {
                    say("containers", state);
                }
                say("registry", registry(engine.as_ref()).await);
                if let Some(root) = &info.data_root {
                    say("engine's disk", disk(Path::new(root), 10));
                }
            }
        }
    }
    say("disk here", disk(Path::new("."), 1));
    say("crates", crates());
    Ok(if healthy { Exit::Success } else { Exit::Environment })
}

fn print(what: &str, state: &State) {
    let (style, mark, text, todo) = match state {
        State::Good(text) => (AnsiColor::Green, "ok", text, None),
        State::Poor(text, todo) => (AnsiColor::Yellow, "warn", text, Some(todo)),
        State::Bad(text, todo) => (AnsiColor::Red, "FAIL", text, Some(todo)),
    };
    let style = style.on_default();
    anstream::println!(
        "{style}{mark:<5}{style:#} {what:<14} {}",
        sanitise(text).replace('\n', "\n                     ")
    );
    if let Some(todo) = todo {
        anstream::println!("{:20} -> {}", "", sanitise(todo));
    }
}

fn bad(failure: &Failure) -> State {
    State::Bad(failure.to_string(), failure.hint.clone().unwrap_or_default())
}

fn poor(failure: &Failure) -> State {
    State::Poor(failure.to_string(), failure.hint.clone().unwrap_or_default())
}

fn cargo() -> State {
    match host_cargo::version() {
        Some(version) => State::Good(version),
        None => State::Bad("cargo is not found".into(), "install Rust: https://rustup.rs".into()),
    }
}

fn describe(info: &EngineInfo) -> State {
    let text = format!(
        "{} {}, {}, at {}: {} processors, {} of memory, {}",
        info.product,
        info.version,
        info.way,
        info.address,
        info.cpus,
        indicatif::HumanBytes(info.memory_bytes),
        info.architecture
    );
    if info.missing_limits.is_empty() {
        State::Good(text)
    } else {
        State::Poor(
            format!("{text}; it cannot set: {}", info.missing_limits.join(", ")),
            "a test that uses up the memory may then take the machine with it: turn the control groups on, or run as root".into(),
        )
    }
}

async fn images(engine: &dyn Engine) -> State {
    let environments = builtin::environments();
    let mut missing = Vec::new();
    for (baseline, candidate) in [builtin::REGISTRY_PAIR, builtin::LOCAL_PAIR] {
        let specs = [baseline, candidate].into_iter().filter_map(|name| environments.get(name));
        let mut complete = true;
        for reference in specs.flat_map(|spec| [&spec.builder, &spec.runtime]) {
            match engine.find_image(reference).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    complete = false;
                    missing.push(reference.clone());
                }
                Err(failure) => return bad(&failure),
            }
        }
        if complete {
            return State::Good(format!("the pair {baseline} and {candidate} is there"));
        }
    }
    State::Poor(
        format!("no pair is complete; not there: {}", missing.join(", ")),
        "the first run pulls them; without a registry: `libcmatrix images build`".into(),
    )
}

/// Whether a container starts with a network, as the first step of a run needs it; `None` where
/// there is no image yet to start one from.
async fn container(engine: &dyn Engine, info: &EngineInfo) -> Option<State> {
    let environments = builtin::environments();
    let mut image = None;
    for (_, candidate) in [builtin::REGISTRY_PAIR, builtin::LOCAL_PAIR] {
        let spec = environments.get(candidate)?;
        image = image.or(engine.find_image(&spec.runtime).await.ok().flatten());
    }
    let spec = SandboxSpec {
        owner: current_owner(&format!("doctor-{}", std::process::id())),
        purpose: "doctor".into(),
        image: image?.id,
        argv: vec!["/bin/true".into()],
        env: Vec::new(),
        working_dir: "/".into(),
        user: None,
        mounts: Vec::new(),
        network: true,
        read_only_root: true,
        memory_bytes: (64 << 20).min(info.memory_bytes.max(6 << 20)),
        pids: 64,
        cpus: None,
        file_bytes: None,
    };
    let mut sandbox = match engine.start(&spec).await {
        Ok(sandbox) => sandbox,
        Err(failure) => return Some(bad(&failure)),
    };
    let ended = sandbox.wait().await;
    let removed = match sandbox.remove().await {
        Ok(()) => engine.remove_run(&spec.owner.run_id).await.map(drop),
        Err(failure) => Err(failure),
    };
    Some(match (ended, removed) {
        (Ok(exit), Ok(())) if exit.exit_code == 0 => {
            State::Good("one starts, with a network, and ends".into())
        }
        (Ok(exit), Ok(())) => State::Bad(
            format!("one ends with exit code {}", exit.exit_code),
            "see what the engine's own log says".into(),
        ),
        (Err(failure), _) | (_, Err(failure)) => bad(&failure),
    })
}

fn disk(path: &Path, wanted_gib: u64) -> State {
    let Ok(stat) = rustix::fs::statvfs(path) else {
        return State::Poor(
            format!("{} cannot be looked at", path.display()),
            "run as a user who may".into(),
        );
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let text = format!("{} free at {}", indicatif::HumanBytes(free), path.display());
    if free >= wanted_gib << 30 {
        State::Good(text)
    } else {
        State::Poor(text, format!("builds may need {wanted_gib} GiB: free some space"))
    }
}

/// Any crate will do, so one that is small and will not go away.
const SOME_CRATE: &str = "cfg-if";

/// Whether crates can be downloaded: by cargo, so that its mirrors, proxies and credentials count.
fn crates() -> State {
    let asked = published::CrateRequest::parse(SOME_CRATE)
        .and_then(|request| published::download(&request, &folders::cache()?));
    match asked {
        Ok(_) => State::Good("cargo downloads".into()),
        Err(failure) => State::Poor(
            format!("{failure}"),
            format!("needed for dependencies; {}", failure.hint.unwrap_or_default()),
        ),
    }
}

/// How long a registry may take to say whether it has an image.
const ANSWER: Duration = Duration::from_secs(10);

/// Whether the images of the default pair could be pulled, by the engine's own way to their registry.
async fn registry(engine: &dyn Engine) -> State {
    let environments = builtin::environments();
    let Some(spec) = environments.get(builtin::REGISTRY_PAIR.1) else {
        return State::Poor("there is no default pair".into(), String::new());
    };
    let needed = "needed for pulls only: images that are there, or that `libcmatrix images build` makes, need none";
    match tokio::time::timeout(ANSWER, engine.ask_registry(&spec.runtime)).await {
        Ok(Ok(())) => State::Good(format!("has {}", spec.runtime)),
        Ok(Err(failure)) => State::Poor(failure.to_string(), needed.into()),
        Err(_) => State::Poor(
            format!("no answer about {} within {} seconds", spec.runtime, ANSWER.as_secs()),
            needed.into(),
        ),
    }
}
