//! What the daemon says about itself.
//!
//! Takes its own description; gives an [`EngineInfo`].

use std::{collections::BTreeMap, path::Path};

use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};

use super::{DockerEngine, fault, state};
use crate::{engine::EngineInfo, failure::Result};

/// Asks the daemon.
///
/// # Errors
/// It does not answer.
pub(super) async fn info(engine: &DockerEngine) -> Result<EngineInfo> {
    let failed = |error| {
        let what = format!("the container engine at {} does not describe itself", engine.address);
        fault::failure(what, &error)
    };
    let said = engine.daemon.info().await.map_err(failed)?;
    // An ordinary user can be given no control groups of the first generation. Podman says that it
    // can set limits there, and then leaves them out with a line in its log.
    let powerless = said.cgroup_version == Some(SystemInfoCgroupVersionEnum::_1)
        && state::is_rootless_podman(&engine.daemon).await.map_err(failed)?;
    // The folder of a daemon elsewhere, or in a virtual machine, is not this machine's.
    let is_here = |root: &String| engine.address.starts_with("unix://") && Path::new(root).is_dir();
    Ok(EngineInfo {
        product: engine.product.to_owned(),
        version: engine.version.clone(),
        way: format!("API {}", engine.api_version),
        address: engine.address.clone(),
        cpus: said.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1).max(1),
        memory_bytes: said.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        limits_by: limits_by(&said, powerless),
        missing_limits: missing_limits(&said, powerless),
        architecture: said.architecture.unwrap_or_default(),
        data_root: said.docker_root_dir.filter(is_here),
    })
}

/// What sets each limit.
fn limits_by(said: &SystemInfo, powerless: bool) -> BTreeMap<String, String> {
    let version = match said.cgroup_version {
        Some(SystemInfoCgroupVersionEnum::_2) => "cgroup-v2",
        _ => "cgroup-v1",
    };
    [(said.memory_limit, "memory"), (said.pids_limit, "processes")]
        .into_iter()
        .map(|(can, limit)| {
            (
                limit.to_owned(),
                if powerless || can == Some(false) { "none" } else { version }.to_owned(),
            )
        })
        .collect()
}

/// The limits that the daemon cannot set: those that it denies; all, if it is `powerless`.
fn missing_limits(said: &SystemInfo, powerless: bool) -> Vec<String> {
    [
        (said.memory_limit, "memory"),
        (said.swap_limit, "swap"),
        (said.pids_limit, "number of processes"),
    ]
    .into_iter()
    .filter(|(can, _)| powerless || *can == Some(false))
    .map(|(_, limit)| limit.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_denied_is_missing() {
        let said = SystemInfo {
            memory_limit: Some(true),
            swap_limit: Some(false),
            pids_limit: None,
            ..SystemInfo::default()
        };
        assert_eq!(missing_limits(&said, false), ["swap"]);
        assert_eq!(missing_limits(&said, true), ["memory", "swap", "number of processes"]);
        assert_eq!(limits_by(&said, false)["memory"], "cgroup-v1");
        let none = SystemInfo {
            memory_limit: Some(false),
            cgroup_version: Some(SystemInfoCgroupVersionEnum::_2),
            ..SystemInfo::default()
        };
        assert_eq!(limits_by(&none, false)["memory"], "none");
        assert_eq!(limits_by(&none, false)["processes"], "cgroup-v2");
    }
}
