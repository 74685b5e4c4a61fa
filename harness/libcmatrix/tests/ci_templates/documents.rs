//! The files as their systems read them: YAML, and the scripts in it.

use clap::ValueEnum;
use libcmatrix::ci_templates::{CiFile, CiSystem};
use serde_json::Value;

/// Every file of every system.
pub fn all() -> Vec<(CiSystem, CiFile)> {
    CiSystem::value_variants()
        .iter()
        .flat_map(|&system| system.files().into_iter().map(move |file| (system, file)))
        .collect()
}

/// The one file whose path ends so.
pub fn file(end: &str) -> CiFile {
    let mut found: Vec<CiFile> =
        all().into_iter().map(|(_, file)| file).filter(|file| file.path.ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{end}");
    found.remove(0)
}

/// What stands in a file.
pub fn parse(file: &CiFile) -> Value {
    serde_saphyr::from_str(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.path))
}

/// Every script below a value. Lists of commands are one script, as their systems run them.
pub fn scripts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("run", Value::String(script)) => found.push(script.clone()),
                    ("script" | "before_script" | "commands", Value::Array(lines)) => {
                        found.push(joined(lines));
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// A command with `: ` in it is a map to YAML, if nobody quotes it; GitLab's schema lets that pass.
fn joined(lines: &[Value]) -> String {
    let line = |value: &Value| match value {
        Value::String(line) => line.trim_end().to_owned(),
        other => panic!("a command is no text: {other}"),
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
