//! Which pair of environments is compared when none is named.
//!
//! What is there already decides, so that the answer does not depend on the network of the moment:
//! first the registry's images, then the ones made here; only when neither is there the registry is asked.

use crate::{
    engine::Engine,
    environment::{EnvironmentSpec, builtin, config::Config},
    failure::Result,
};

/// The names of the baseline and the candidate.
pub type Pair = (String, String);

/// Chooses, given what was named.
///
/// # Errors
/// A name is not known, or the engine cannot be asked.
pub async fn choose(
    engine: &dyn Engine,
    config: &Config,
    baseline: Option<&str>,
    candidate: Option<&str>,
) -> Result<Pair> {
    let baseline = baseline.or(config.run.baseline.as_deref());
    let candidate = candidate.or(config.run.candidate.as_deref());
    let default = match (baseline, candidate) {
        (Some(baseline), Some(candidate)) => return Ok((baseline.into(), candidate.into())),
        _ => default_pair(engine, config).await?,
    };
    Ok((baseline.unwrap_or(default.0).into(), candidate.unwrap_or(default.1).into()))
}

async fn default_pair(
    engine: &dyn Engine,
    config: &Config,
) -> Result<(&'static str, &'static str)> {
    for pair in [builtin::REGISTRY_PAIR, builtin::LOCAL_PAIR] {
        let sides = [config.environment(pair.0)?, config.environment(pair.1)?];
        if have_all(engine, &sides).await? {
            return Ok(pair);
        }
    }
    Ok(builtin::REGISTRY_PAIR)
}

async fn have_all(engine: &dyn Engine, sides: &[EnvironmentSpec]) -> Result<bool> {
    for reference in sides.iter().flat_map(|s| [&s.builder, &s.runtime]) {
        if engine.find_image(reference).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
