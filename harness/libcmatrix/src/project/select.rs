//! Which part of a project is built and tested: cargo's own options, passed on as they are.

/// Options that select packages, features and profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoSelection {
    /// `--package`, as given.
    pub packages: Vec<String>,
    /// `--workspace`.
    pub workspace: bool,
    /// `--features`, as given.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--release`.
    pub release: bool,
    /// Everything after `--`.
    pub extra: Vec<String>,
}

impl CargoSelection {
    /// Options that choose features; every cargo command that resolves understands them.
    #[must_use]
    pub fn feature_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        for features in &self.features {
            args.extend(["--features".to_owned(), features.clone()]);
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
        args
    }

    /// Options of `cargo test` but for the packages.
    #[must_use]
    pub fn build_args(&self) -> Vec<String> {
        let mut args = self.feature_args();
        if self.release {
            args.push("--release".into());
        }
        args.extend(self.extra.iter().cloned());
        args
    }

    /// `debug` or `release`, as the folder in the target directory is called.
    #[must_use]
    pub fn profile(&self) -> &'static str {
        if self.release { "release" } else { "debug" }
    }
}
