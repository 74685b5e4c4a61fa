//! Which part of a project is built and tested: cargo's own options, passed on as they are.

use crate::failure::{Failure, Result};

/// Options that select packages, features and profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoSelection {
    /// `--package`, as given.
    pub packages: Vec<String>,
    /// `--workspace`.
    pub workspace: bool,
    /// `--exclude`, as given.
    pub exclude: Vec<String>,
    /// `--features`, as given.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--profile`; `release` for `--release`.
    pub profile: Option<String>,
    /// Everything after `--`.
    pub extra: Vec<String>,
}

/// Options of cargo that choose targets.
const TARGET_OPTIONS: [&str; 10] = [
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--bench",
    "--benches",
    "--all-targets",
];

/// Options of cargo that have a place before `--`.
const OWN_OPTIONS: [&str; 14] = [
    "-p",
    "--package",
    "--workspace",
    "--all",
    "--exclude",
    "-F",
    "--features",
    "--all-features",
    "--no-default-features",
    "-r",
    "--release",
    "--profile",
    "-j",
    "--jobs",
];

/// Options of cargo that a run sets itself, because the comparison rests on them.
const REFUSED_OPTIONS: [&str; 14] = [
    "--target",
    "--target-dir",
    "--manifest-path",
    "--message-format",
    "--locked",
    "--offline",
    "--frozen",
    "--lockfile-path",
    "--no-run",
    "--doc",
    "--no-fail-fast",
    "--keep-going",
    "--nocapture",
    "--no-capture",
];

impl CargoSelection {
    /// Refuses arguments after `--` that have a place of their own, or that a run sets itself.
    ///
    /// # Errors
    /// There is one; the error names it and says where it belongs.
    pub fn check_extra(&self) -> Result<()> {
        let option = |arg: &'_ String| arg.split('=').next().unwrap_or(arg).to_owned();
        for arg in self.extra.iter().map(option) {
            let refuse = |why: &str, hint: String| {
                Err(Failure::usage(format!("`{arg}` cannot be given after `--`"))
                    .because(why)
                    .hint(hint))
            };
            if OWN_OPTIONS.contains(&arg.as_str()) {
                return refuse(
                    "it is an option of libcmatrix run, too",
                    format!("give `{arg}` before `--`"),
                );
            }
            if REFUSED_OPTIONS.contains(&arg.as_str()) {
                return refuse(
                    "both sides are built and tested in the same fixed way",
                    "leave it out; `libcmatrix run --help` lists what can be chosen".into(),
                );
            }
        }
        Ok(())
    }

    /// Whether the arguments after `--` choose targets.
    #[must_use]
    pub fn selects_targets(&self) -> bool {
        let option = |arg: &'_ String| arg.split('=').next().unwrap_or(arg).to_owned();
        self.extra.iter().map(option).any(|arg| TARGET_OPTIONS.contains(&arg.as_str()))
    }

    /// Options that choose features; every cargo command that resolves understands them.
    #[must_use]
    pub fn feature_args(&self) -> Vec<String> {
        self.feature_args_of(|_| true)
    }

    /// The same, of the named features only those that `has` says yes to. Cargo lets a workspace's
    /// members differ in their features; a command about one member must name only its own.
    #[must_use]
    pub fn feature_args_of(&self, has: impl Fn(&str) -> bool) -> Vec<String> {
        let mut args = Vec::new();
        let named =
            self.features.iter().flat_map(|f| f.split([',', ' '])).filter(|f| !f.is_empty());
        for feature in named.filter(|f| has(f)) {
            args.extend(["--features".to_owned(), feature.to_owned()]);
        }
        if self.all_features {
            args.push("--all-features".into());
        }
        if self.no_default_features {
            args.push("--no-default-features".into());
        }
        args
    }

    /// Options that choose packages.
    #[must_use]
    pub fn package_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        if self.workspace {
            args.push("--workspace".into());
        }
        for package in &self.packages {
            args.extend(["--package".to_owned(), package.clone()]);
        }
        for package in &self.exclude {
            args.extend(["--exclude".to_owned(), package.clone()]);
        }
        args
    }

    /// Options that choose the profile.
    #[must_use]
    pub fn profile_args(&self) -> Vec<String> {
        match self.profile.as_deref() {
            None => Vec::new(),
            Some("release") => vec!["--release".into()],
            Some(profile) => vec!["--profile".into(), profile.into()],
        }
    }

    /// The profile's folder in the target directory
    /// (<https://doc.rust-lang.org/cargo/reference/build-cache.html>).
    #[must_use]
    pub fn profile_folder(&self) -> &str {
        match self.profile.as_deref() {
            None | Some("dev" | "test") => "debug",
            Some("bench") => "release",
            Some(profile) => profile,
        }
    }

    /// Whether a member of that name and version is one of `--package` and none of `--exclude`.
    #[must_use]
    pub fn names_package(&self, name: &str) -> bool {
        let matches = |spec: &String| {
            glob::Pattern::new(spec_name(spec)).is_ok_and(|pattern| pattern.matches(name))
        };
        (self.packages.is_empty() || self.packages.iter().any(matches))
            && !self.exclude.iter().any(matches)
    }
}

/// The name, or pattern of names, in a package specification: `name`, `name@1.0`, `name:1.0`,
/// `url#name@1.0`, `url/name`
/// (<https://doc.rust-lang.org/cargo/reference/pkgid-spec.html>).
fn spec_name(spec: &str) -> &str {
    let (url, fragment) = match spec.rsplit_once('#') {
        Some((url, fragment)) => (Some(url), fragment),
        None if spec.contains("://") => (Some(spec), ""),
        None => (None, spec),
    };
    let is_version = fragment.starts_with(|c: char| c.is_ascii_digit());
    match url {
        Some(url) if fragment.is_empty() || is_version => url.rsplit('/').next().unwrap_or(url),
        _ => fragment.split(['@', ':']).next().unwrap_or(fragment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(extra: &[&str]) -> CargoSelection {
        let extra = extra.iter().map(|a| (*a).to_owned()).collect();
        CargoSelection { extra, ..CargoSelection::default() }
    }

    #[test]
    fn what_has_a_place_of_its_own_is_sent_there() {
        for (arg, hint) in [
            ("--profile=x", "before `--`"),
            ("-p", "before `--`"),
            ("--target", "leave it out"),
            ("--nocapture", "leave it out"),
        ] {
            let failure = selection(&["--lib", arg]).check_extra().expect_err(arg);
            assert_eq!(failure.exit, crate::exit::Exit::Usage);
            assert!(failure.hint.is_some_and(|h| h.contains(hint)), "{arg}");
        }
        assert!(selection(&["--lib", "--config", "a.b=1"]).check_extra().is_ok());
        assert!(selection(&["--test=x"]).selects_targets());
        assert!(!selection(&["--config", "a.b=1"]).selects_targets());
    }

    #[test]
    fn package_specifications() {
        for (spec, name) in [
            ("a-b", "a-b"),
            ("a@1.0", "a"),
            ("a:1.0", "a"),
            ("https://h/x#a@1.0", "a"),
            ("https://h/x/a#1.0", "a"),
            ("file:///work/a", "a"),
        ] {
            assert_eq!(spec_name(spec), name, "{spec}");
        }
        let mut selection = selection(&[]);
        assert!(selection.names_package("anything"));
        selection.packages = vec!["a-*".into()];
        selection.exclude = vec!["a-c".into()];
        assert!(selection.names_package("a-b") && !selection.names_package("b"));
        assert!(!selection.names_package("a-c"));
    }

    #[test]
    fn features_of_one_member() {
        let features = vec!["a,b".into(), "c".into()];
        let selection = CargoSelection { features, all_features: true, ..selection(&[]) };
        let args = selection.feature_args_of(|f| f != "b");
        assert_eq!(args, ["--features", "a", "--features", "c", "--all-features"]);
    }
}
