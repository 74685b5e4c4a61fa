//! What the daemon says about itself.
//!
//! Takes its own description; gives an [`EngineInfo`].

use std::path::Path;

use bollard::models::SystemInfo;

use super::{DockerEngine, fault};
use crate::{engine::EngineInfo, failure::Result};

/// Asks the daemon.
///
/// # Errors
/// It does not answer.
pub(super) async fn info(engine: &DockerEngine) -> Result<EngineInfo> {
    let said = engine.daemon.info().await.map_err(|error| {
        fault::failure(
            format!("the container engine at {} does not describe itself", engine.address),
            &error,
        )
    })?;
    // The folder of a daemon elsewhere, or in a virtual machine, is not this machine's.
    let is_here = |root: &String| engine.address.starts_with("unix://") && Path::new(root).is_dir();
    Ok(EngineInfo {
        product: engine.product.to_owned(),
        version: engine.version.clone(),
        api_version: engine.api_version.clone(),
        address: engine.address.clone(),
        cpus: said.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1).max(1),
        memory_bytes: said.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        missing_limits: missing_limits(&said),
        architecture: said.architecture.unwrap_or_default(),
        data_root: said.docker_root_dir.filter(is_here),
    })
}

/// The limits that the daemon says it cannot set.
fn missing_limits(said: &SystemInfo) -> Vec<String> {
    [
        (said.memory_limit, "memory"),
        (said.swap_limit, "swap"),
        (said.pids_limit, "number of processes"),
    ]
    .into_iter()
    .filter(|(can, _)| *can == Some(false))
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
        assert_eq!(missing_limits(&said), ["swap"]);
    }
}
