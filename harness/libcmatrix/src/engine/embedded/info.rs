//! What the engine says about itself.

use libcmatrix_sandbox::request::{RootFs, Users};

use super::{EngineParts, limits};
use crate::engine::EngineInfo;

/// Describes it.
pub(super) fn info(engine: &EngineParts) -> EngineInfo {
    let memory = rustix::system::sysinfo();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    EngineInfo {
        product: "embedded".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        way: way(engine),
        address: engine.home.path().display().to_string(),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        memory_bytes: memory.totalram.saturating_mul(memory.mem_unit.into()),
        architecture: std::env::consts::ARCH.to_owned(),
        limits_by: limits::set_by(&engine.groups, engine.users),
        missing_limits: limits::missing(&engine.groups, engine.users),
        data_root: Some(engine.home.path().display().to_string()),
    }
}

/// The way it works here, in words.
fn way(engine: &EngineParts) -> String {
    let users = match engine.users {
        Users::Real => "as root".to_owned(),
        Users::Subordinate { count, .. } => format!("rootless with {count} subordinate users"),
        Users::Single => "rootless with one user".to_owned(),
    };
    let mut way = match engine.works.root {
        RootFs::Overlay => users,
        RootFs::Copy => format!("{users}, copying images"),
    };
    for (users, failed) in &engine.works.refused {
        let better = match users {
            Users::Real => "as root",
            Users::Subordinate { .. } => "with subordinate users",
            Users::Single => "with one user",
        };
        way.push_str(&format!(" (not {better}: {failed})"));
    }
    way
}
