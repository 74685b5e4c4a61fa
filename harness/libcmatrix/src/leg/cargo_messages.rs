//! Cargo's JSON messages, as they come from a build. Pure: takes lines, gives [`BuildMessages`].

use std::collections::HashMap;

use cargo_metadata::{Artifact, BuildScript, Message, PackageId, diagnostic::DiagnosticLevel};

use super::build_messages::BuildErrors;

/// What a build said.
#[derive(Default)]
pub struct BuildMessages {
    /// Everything that was made.
    pub artifacts: Vec<Artifact>,
    /// What build scripts asked for, by package; one that is built for the host as well has run twice.
    pub build_scripts: HashMap<PackageId, Vec<BuildScript>>,
    /// Rendered errors, in order.
    pub errors: Vec<String>,
    /// The same and what cargo said itself, taken apart.
    pub taken_apart: BuildErrors,
    /// `package (kind target)` of what did not build.
    pub failed_targets: Vec<String>,
}

/// What one line turned out to be.
pub enum Line {
    /// Something was made: its package and target.
    Made(String),
    /// The compiler said something, rendered.
    Said(String),
    /// Not a message of cargo's.
    Text(String),
    /// Nothing to show.
    Silent,
}

/// More diagnostics than this nobody reads; the log has them all.
const MOST_ERRORS: usize = 50;

impl BuildMessages {
    /// Takes one line of standard output.
    pub fn take(&mut self, line: &str) -> Line {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            return Line::Text(line.to_owned());
        };
        match message {
            Message::CompilerArtifact(artifact) => {
                let made = artifact.target.name.clone();
                self.artifacts.push(artifact);
                Line::Made(made)
            }
            Message::BuildScriptExecuted(script) => {
                self.build_scripts.entry(script.package_id.clone()).or_default().push(script);
                Line::Silent
            }
            Message::CompilerMessage(message) => {
                self.taken_apart.take(&message);
                let rendered = message.message.rendered.clone().unwrap_or(message.message.message);
                let is_error =
                    matches!(message.message.level, DiagnosticLevel::Error | DiagnosticLevel::Ice);
                if is_error {
                    let target = failed_target(&message.package_id, &message.target);
                    if !self.failed_targets.contains(&target) {
                        self.failed_targets.push(target);
                    }
                    if self.errors.len() < MOST_ERRORS {
                        self.errors.push(rendered.clone());
                    }
                }
                Line::Said(rendered)
            }
            Message::TextLine(text) => Line::Text(text),
            _ => Line::Silent,
        }
    }

    /// Takes one line of standard error. Of a build script that failed there is no message, only
    /// this line.
    pub fn take_error_line(&mut self, line: &str) {
        self.taken_apart.take_error_line(line);
        let Some(package) = failed_build_script(line) else { return };
        let target = format!("{package} (build script)");
        if !self.failed_targets.contains(&target) {
            self.failed_targets.push(target);
        }
    }
}

/// The package in ``error: failed to run custom build command for `name v1.2.3 (/path)` ``.
fn failed_build_script(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("failed to run custom build command for `")?;
    rest.split([' ', '`']).next().filter(|name| !name.is_empty())
}

fn failed_target(package: &PackageId, target: &cargo_metadata::Target) -> String {
    let kind = target.kind.first().map(ToString::to_string).unwrap_or_default();
    format!("{} ({kind} {})", package_name(&package.repr), target.name)
}

/// The name in a package id: `path+file:///work/src#name@1.0.0`, `path+file:///work/name#1.0.0`, `registry+...#name@1.0.0`.
pub(super) fn package_name(id: &str) -> &str {
    let (location, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None if location.is_empty() => fragment,
        None => location.rsplit('/').next().unwrap_or(fragment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_script_that_failed_is_named_once() {
        let mut messages = BuildMessages::default();
        for line in [
            "error: failed to run custom build command for `zstd-sys v2.0.16+zstd.1.5.7`",
            "error: failed to run custom build command for `zstd-sys v2.0.16+zstd.1.5.7`",
            "error: failed to run custom build command for `a v0.1.0 (/work/src)`",
            "  process didn't exit successfully: `/work/target/x` (exit status: 1)",
        ] {
            messages.take_error_line(line);
        }
        assert_eq!(messages.failed_targets, ["zstd-sys (build script)", "a (build script)"]);
    }

    #[test]
    fn package_ids_have_three_shapes() {
        assert_eq!(package_name("path+file:///work/src#a-b@0.1.0"), "a-b");
        assert_eq!(package_name("path+file:///work/src/inner#0.1.0"), "inner");
        assert_eq!(
            package_name("registry+https://github.com/rust-lang/crates.io-index#libc@0.2.1"),
            "libc"
        );
    }
}
