//! The shards of a matrix, as the job matrix of a CI system: JSON, which is YAML as well.

use serde_json::{Value, json};

use crate::matrix::{Pair, Shard};

/// For `strategy.matrix` of GitHub Actions: an entry a shard, with the pairs that it runs.
#[must_use]
pub fn github(pairs: &[Pair], shards: usize) -> Value {
    let entry = |shard: Shard| json!({ "shard": shard.to_string(), "name": name(pairs, shard) });
    json!({ "include": Shard::all(shards).map(entry).collect::<Vec<_>>() })
}

/// For `parallel:matrix` of GitLab: the shards as values of the variable `SHARD`.
#[must_use]
pub fn gitlab(shards: usize) -> Value {
    json!([{ "SHARD": Shard::all(shards).map(|shard| shard.to_string()).collect::<Vec<_>>() }])
}

fn name(pairs: &[Pair], shard: Shard) -> String {
    let own = pairs.iter().enumerate().filter(|(place, _)| shard.takes(*place));
    let names = own.map(|(_, pair)| format!("{} -> {}", pair.baseline, pair.candidate));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_a_shard() {
        let pair = |candidate: &str| Pair { baseline: "a".into(), candidate: candidate.into() };
        let pairs = [pair("x"), pair("y"), pair("z")];
        assert_eq!(
            github(&pairs, 2),
            json!({ "include": [
                { "shard": "1/2", "name": "a -> x, a -> z" },
                { "shard": "2/2", "name": "a -> y" },
            ] })
        );
        assert_eq!(gitlab(2), json!([{ "SHARD": ["1/2", "2/2"] }]));
    }
}
