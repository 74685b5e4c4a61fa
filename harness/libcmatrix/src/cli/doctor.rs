//! `libcmatrix doctor`: what works on this machine, what does not, and what to do about it.

use std::{net::ToSocketAddrs, path::Path, time::Duration};

use anstyle::AnsiColor;
use clap::Args;

use super::{EngineChoice, connect};
use crate::{
    engine::{Engine, EngineInfo},
    environment::builtin,
    exit::Exit,
    failure::{Failure, Result},
    project::published,
    report::sanitise::sanitise,
};

/// Arguments of `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// What runs the environments
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
    match connect(args.engine).await {
        Err(failure) => say("engine", bad(&failure)),
        Ok(engine) => match engine.info().await {
            Err(failure) => say("engine", bad(&failure)),
            Ok(info) => {
                say("engine", describe(&info));
                say("images", images(engine.as_ref()).await);
                if let Some(root) = &info.data_root {
                    say("engine's disk", disk(Path::new(root), 10));
                }
            }
        },
    }
    say("disk here", disk(Path::new("."), 1));
    say("crates", network("index.crates.io", "downloads of dependencies"));
    say(
        "registry",
        network(
            "registry-1.docker.io",
            "pulls of images; images that are already there, or made with `libcmatrix images build`, need none",
        ),
    );
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

fn cargo() -> State {
    match published::host_cargo_version() {
        Some(version) => State::Good(version),
        None => State::Bad("cargo is not found".into(), "install Rust: https://rustup.rs".into()),
    }
}

fn describe(info: &EngineInfo) -> State {
    let text = format!(
        "{} {}, API {}, at {}: {} processors, {} of memory, {}",
        info.product,
        info.version,
        info.api_version,
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
            "a test that uses up the memory may then take the machine with it: turn the control groups on".into(),
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

/// Whether a host answers at all. Behind a proxy this says no although cargo and the engine get through.
fn network(host: &str, needed_for: &str) -> State {
    let resolved = (host, 443).to_socket_addrs().ok().and_then(|mut a| a.next());
    let connected = resolved
        .is_some_and(|a| std::net::TcpStream::connect_timeout(&a, Duration::from_secs(3)).is_ok());
    if connected {
        State::Good(format!("{host} answers"))
    } else {
        State::Poor(
            format!("{host} does not answer"),
            format!("needed for {needed_for}; a configured proxy or mirror will do as well"),
        )
    }
}
