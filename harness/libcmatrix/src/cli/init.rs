//! `libcmatrix init`: a configuration to begin with, every setting explained; or files for a CI system.
//! Never writes over a file.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    ci_templates::CiSystem,
    environment::config::FILE_NAME,
    exit::Exit,
    failure::{Failure, Result},
};

/// The file that is written. A test reads it.
pub const TEMPLATE: &str = include_str!("../../templates/libcmatrix.toml");

/// Arguments of `init`.
#[derive(Args)]
pub struct InitArgs {
    /// Folder of the project: the root of its workspace
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Write the files that have this CI system run libcmatrix every night and on pull requests, instead
    #[arg(long, value_name = "SYSTEM")]
    ci: Option<CiSystem>,
}

/// Writes the files, unless one of them is there.
///
/// # Errors
/// One of them is there already, or cannot be written.
pub fn init(args: &InitArgs) -> Result<Exit> {
    match args.ci {
        None => configuration(&args.path)?,
        Some(system) => ci(&args.path, system)?,
    }
    Ok(Exit::Success)
}

fn configuration(folder: &Path) -> Result<()> {
    let path = folder.join(FILE_NAME);
    write_new(&path, TEMPLATE)?;
    if !folder.join("Cargo.toml").exists() {
        anstream::eprintln!(
            "hint: there is no Cargo.toml beside it; it is read from the workspace's root"
        );
    }
    anstream::println!("wrote {}", path.display());
    Ok(())
}

fn ci(folder: &Path, system: CiSystem) -> Result<()> {
    let files: Vec<_> =
        system.files().into_iter().map(|file| (folder.join(file.path), file.text)).collect();
    if !folder.is_dir() {
        return Err(cannot_write(folder).because("there is no such folder"));
    }
    // All or none: half of a system's files would be a workflow that nobody wrote.
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(is_there(path));
    }
    for (path, text) in &files {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| cannot_write(parent).because(e))?;
        }
        write_new(path, text)?;
        anstream::println!("wrote {}", path.display());
    }
    // A CI system looks for its files in the repository's root alone.
    if !folder.join(".git").exists() {
        anstream::eprintln!(
            "hint: there is no .git beside them; they belong in the repository's root"
        );
    }
    if !folder.join(FILE_NAME).exists() {
        anstream::eprintln!(
            "hint: there is no {FILE_NAME}, which says what is compared; `libcmatrix init` writes one"
        );
    }
    anstream::println!("next:");
    for step in system.next_steps() {
        anstream::println!("  - {step}");
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::File::create_new(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => cannot_write(path).because(e),
    })?;
    file.write_all(text.as_bytes()).map_err(|e| {
        Failure::environment(format!("{} cannot be written", path.display()))
            .because(e)
            .hint("make room on the disk, and remove what is there of the file")
    })
}

fn is_there(path: &Path) -> Failure {
    Failure::usage(format!("{} is there already", path.display()))
        .hint("it was left as it is; move it away to get a new one")
}

fn cannot_write(path: &Path) -> Failure {
    Failure::usage(format!("{} cannot be written", path.display()))
        .hint("name the folder of a project that you may write to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{environment::config::Config, verdict::Policy};

    /// The template with every setting in force.
    fn uncommented() -> String {
        let setting = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest.to_owned(),
            _ => line.to_owned(),
        };
        TEMPLATE.lines().map(setting).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn as_it_is_written_it_changes_nothing() {
        let config = Config::parse(TEMPLATE, "the template").expect("a configuration");
        assert_eq!(config, Config::default());
    }

    #[test]
    fn every_setting_in_it_is_one() {
        let config = Config::parse(&uncommented(), "the template").expect("a configuration");
        assert_eq!(config.accept.len(), 1);
        assert!(config.environments.contains_key("alpine-next"));
        assert_eq!((config.run.attempts, config.run.confirm), (Some(1), Some(4)));
        let unset = Policy {
            max_unexplained: None,
            max_findings: None,
            max_build_time_ratio: None,
            max_test_time_ratio: None,
            max_test_memory_ratio: None,
            min_size_saving: None,
            ..config.policy
        };
        assert_eq!(unset, Policy::default(), "what has a default stands there with it");
    }

    /// A setting that the template leaves out would be unknown to whoever reads it.
    #[test]
    fn every_setting_is_in_it() {
        for section in ["run", "matrix", "policy", "accept", "environments.x"] {
            for key in known_keys(section) {
                let is_it = |line: &str| line.starts_with(&format!("#{key} = "));
                let stands = TEMPLATE.lines().any(is_it);
                assert!(stands, "{section}: {key} is not in the template");
            }
        }
    }

    /// What serde says it would have expected.
    fn known_keys(section: &str) -> Vec<String> {
        let head = if section == "accept" { "[[accept]]".into() } else { format!("[{section}]") };
        let text = format!("{head}\nno-such-setting = 1\n");
        let failure = Config::parse(&text, "a file").expect_err("an unknown setting");
        let keys: Vec<String> =
            failure.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(keys.len() >= 3, "{failure}");
        keys
    }
}
