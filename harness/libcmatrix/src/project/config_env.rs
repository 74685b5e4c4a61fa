//! The variables that a project's `.cargo/config.toml` sets for everything cargo starts, tests too
//! (<https://doc.rust-lang.org/cargo/reference/config.html#env>). Pure.

use std::path::Path;

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigVariable {
    /// Its name.
    pub name: String,
    /// Its value; for a relative one, a path below the workspace root.
    pub value: String,
    /// Whether the value is a path relative to the folder that holds the configuration's folder.
    pub relative: bool,
    /// Whether it replaces one that the environment has.
    pub force: bool,
}

/// Reads `[env]`. `config` is the file's text, `path` the file relative to the workspace root.
#[must_use]
pub fn variables(config: &str, path: &Path) -> Vec<ConfigVariable> {
    let Ok(table) = config.parse::<toml::Table>() else { return Vec::new() };
    let Some(env) = table.get("env").and_then(toml::Value::as_table) else { return Vec::new() };
    // Of `folder/.cargo/config.toml` it is `folder`.
    let base = path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    env.iter()
        .filter_map(|(name, value)| {
            let flag = |key| value.get(key).and_then(toml::Value::as_bool).unwrap_or(false);
            let relative = flag("relative");
            let text = value.as_str().or_else(|| value.get("value")?.as_str())?;
            let value = match relative {
                true => base.join(text).to_string_lossy().into_owned(),
                false => text.to_owned(),
            };
            Some(ConfigVariable { name: name.clone(), value, relative, force: flag("force") })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_relative_ones() {
        let found = variables(
            "[env]\nA = 'b'\nD = { value = 'data', relative = true }\nF = { value = 'x', force = true }\nN = 1\n",
            Path::new("member/.cargo/config.toml"),
        );
        let variable = |name: &str, value: &str, relative, force| ConfigVariable {
            name: name.into(),
            value: value.into(),
            relative,
            force,
        };
        let expected = [
            variable("A", "b", false, false),
            variable("D", "member/data", true, false),
            variable("F", "x", false, true),
        ];
        assert_eq!(found, expected);
        assert!(variables("no toml [", Path::new("x")).is_empty());
    }
}
