//! `libcmatrix.toml`: environments, the pair to compare, defaults of the command line, the policy.
//!
//! Takes the file's text; gives [`Config`], or an error that names the line, the key, and the
//! nearest key that exists.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{EnvironmentSpec, builtin};
use crate::{
    failure::{Failure, Result},
    matrix::MatrixConfig,
    verdict::{Accept, Policy},
};

/// The file's name, looked for in the project's workspace root.
pub const FILE_NAME: &str = "libcmatrix.toml";

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Environments besides the built-in ones, or instead of one of the same name.
    pub environments: BTreeMap<String, EnvironmentSpec>,
    /// Defaults for `libcmatrix run`.
    pub run: RunDefaults,
    /// Pairs of `libcmatrix matrix`.
    pub matrix: MatrixConfig,
    /// Limits of the verdict.
    pub policy: Policy,
    /// Known differences.
    pub accept: Vec<Accept>,
}

/// Defaults for options of `libcmatrix run`, by the options' names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RunDefaults {
    /// `--baseline`.
    pub baseline: Option<String>,
    /// `--candidate`.
    pub candidate: Option<String>,
    /// `--attempts`.
    pub attempts: Option<u32>,
    /// `--confirm`.
    pub confirm: Option<u32>,
    /// `--build-repeats`.
    pub build_repeats: Option<u32>,
    /// `--bench`.
    pub bench: Option<u32>,
    /// `--images`.
    pub images: Option<bool>,
    /// `--history`.
    pub history: Option<PathBuf>,
    /// `--test-threads`.
    pub test_threads: Option<u32>,
    /// `--jobs`.
    pub jobs: Option<u32>,
    /// `--memory`, e.g. `"4g"`.
    pub memory: Option<String>,
    /// `--build-memory`.
    pub build_memory: Option<String>,
    /// `--test-timeout`, e.g. `"5m"`.
    pub test_timeout: Option<String>,
    /// `--step-timeout`.
    pub step_timeout: Option<String>,
    /// `--silence-timeout`.
    pub silence_timeout: Option<String>,
}

impl Config {
    /// Reads `path`; a file that is not there is an empty configuration unless `must_exist`.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or holds something unknown.
    pub fn load(path: &Path, must_exist: bool) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                Ok(Self::default())
            }
            Err(e) => Err(Failure::usage(format!("{} cannot be read", path.display())).because(e)),
        }
    }

    /// Reads the file's text; `name` is for messages.
    ///
    /// # Errors
    /// It is not TOML, or holds something unknown.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let failure = Failure::usage(format!("{name} is not valid")).because(&e);
            failure.hint(match nearest_key(e.message()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("mend {name}, or name another file with --config"),
            })
        })?;
        config.accept.iter().try_for_each(Accept::check)?;
        Ok(config)
    }

    /// The environment of that name, from the file or built in.
    ///
    /// # Errors
    /// There is none.
    pub fn environment(&self, name: &str) -> Result<EnvironmentSpec> {
        let builtin = builtin::environments();
        if let Some(spec) = self.environments.get(name).or_else(|| builtin.get(name)) {
            return Ok(spec.clone());
        }
        let names: Vec<&str> =
            self.environments.keys().chain(builtin.keys()).map(String::as_str).collect();
        let failure = Failure::usage(format!("there is no environment `{name}`"));
        Err(match nearest(name, &names) {
            Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
            None => failure.hint(format!("known environments: {}", names.join(", "))),
        })
    }
}

/// Serde's message has the wrong key and all right ones in backquotes: "unknown field `a`, expected
/// one of `b`, `c`"; of values it says "unknown variant".
fn nearest_key(message: &str) -> Option<String> {
    let rest = ["unknown field", "unknown variant"]
        .iter()
        .find_map(|start| message.strip_prefix(start))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    nearest(wrong, &known).map(str::to_owned)
}

/// The known name that is most like `wrong`, if any is like it at all.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(wrong, k), *k))
        .min()
        .filter(|(distance, k)| *distance <= 2.max(k.len() / 3))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_names_the_right_one() {
        let error = Config::parse("[run]\natempts = 3\n", "libcmatrix.toml").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(error.to_string().contains("atempts"), "{error}");
        assert_eq!(error.hint.as_deref(), Some("did you mean `attempts`?"));
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let error =
            Config::parse("\n[run]\nattempts = \"three\"\n", "libcmatrix.toml").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
    }

    #[test]
    fn an_environment_of_the_file_stands_beside_the_built_in_ones() {
        let config = Config::parse(
            "[environments.mine]\nlibc='musl'\ndistro='alpine'\nrelease='3.22'\nbuilder='b'\nruntime='r'\n",
            "libcmatrix.toml",
        )
        .unwrap();
        assert_eq!(config.environment("mine").unwrap().release, "3.22");
        assert!(config.environment("alpine-3.23").is_ok());
        let error = config.environment("alpine-3.32").unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `alpine-3.23`?"));
    }
}
