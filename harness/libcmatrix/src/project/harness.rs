//! Which targets have `harness = false`: cargo's metadata does not say, so the manifest is read.

use std::{collections::HashSet, path::Path};

use libcmatrix_schema::TargetKind;

/// The (kind, name) of every target of a manifest that has `harness = false`.
///
/// A manifest that cannot be read or parsed gives nothing: cargo has read it before, and would have complained.
#[must_use]
pub fn without_harness(manifest: &Path, package: &str) -> HashSet<(TargetKind, String)> {
    let text = std::fs::read_to_string(manifest).unwrap_or_default();
    parse(&text, package)
}

fn parse(manifest: &str, package: &str) -> HashSet<(TargetKind, String)> {
    let Ok(table) = manifest.parse::<toml::Table>() else { return HashSet::new() };
    let kinds = [
        ("test", TargetKind::Test),
        ("bench", TargetKind::Bench),
        ("bin", TargetKind::Bin),
        ("example", TargetKind::Example),
    ];
    let mut found: HashSet<_> = kinds
        .into_iter()
        .flat_map(|(key, kind)| {
            let targets = table.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            targets
                .filter(|t| lacks_harness(t))
                .filter_map(move |t| Some((kind, t.get("name")?.as_str()?.to_owned())))
        })
        .collect();
    if let Some(lib) = table.get("lib").filter(|l| lacks_harness(l)) {
        let name = lib.get("name").and_then(toml::Value::as_str).unwrap_or(package);
        found.insert((TargetKind::Lib, name.replace('-', "_")));
    }
    found
}

fn lacks_harness(target: &toml::Value) -> bool {
    target.get("harness").and_then(toml::Value::as_bool) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_targets_that_say_so_lack_a_harness() {
        let found = parse(
            "[lib]\nharness = false\n[[test]]\nname = \"a\"\nharness = false\n[[test]]\nname = \"b\"\n[[bench]]\nname=\"c\"\nharness=false",
            "my-lib",
        );
        let expected = [
            (TargetKind::Lib, "my_lib".to_owned()),
            (TargetKind::Test, "a".to_owned()),
            (TargetKind::Bench, "c".to_owned()),
        ];
        assert_eq!(found, expected.into());
    }
}
