//! Settings of a project's `.cargo/config.toml` that are known to break programs for musl. Pure.

use std::path::Path;

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;

/// Reads a configuration. `path` is the file, `root` the workspace's folder.
#[must_use]
pub fn find(config: &str, path: &Path, root: &Path, project: &str) -> Vec<Hazard> {
    let Ok(table) = config.parse::<toml::Table>() else { return Vec::new() };
    let targets = table.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    targets
        .filter(|(triple, _)| triple.contains("linux-musl"))
        .filter_map(|(triple, settings)| {
            let linker = settings.get("linker")?.as_str()?;
            let name = Path::new(linker).file_name()?.to_str()?;
            let is_wrapper = name == "musl-gcc";
            let flags = settings.get("rustflags").map(ToString::to_string).unwrap_or_default();
            if !is_wrapper || flags.contains("relocation-model=static") {
                return None;
            }
            let line = config.lines().position(|l| l.contains("linker") && l.contains(linker));
            let text = format!("`linker = \"{linker}\"` for {triple}");
            let hazard = Hazard::new("rust-static-pie-musl-gcc", Confidence::Likely, project, text);
            // Newer wrappers may do better.
            Some(hazard.needs_run(true).at(path, root, line.map(|n| n + 1)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapper_is_named() {
        let find =
            |text: &str| find(text, Path::new("/w/.cargo/config.toml"), Path::new("/w"), "p");
        let found = find("[target.x86_64-unknown-linux-musl]\nlinker = \"musl-gcc\"\n");
        assert_eq!(
            (found[0].line, found[0].file.as_deref()),
            (Some(2), Some(".cargo/config.toml"))
        );
        for text in [
            "[target.x86_64-unknown-linux-gnu]\nlinker = \"musl-gcc\"",
            "[target.x86_64-unknown-linux-musl]\nlinker = \"rust-lld\"",
            "[target.x86_64-unknown-linux-musl]\nlinker = \"musl-gcc\"\nrustflags = [\"-C\", \"relocation-model=static\"]",
            "no toml [",
        ] {
            assert!(find(text).is_empty(), "{text}");
        }
    }
}
