//! The command `init` itself: what it writes, what it leaves alone, what it says.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use clap::ValueEnum;
use libcmatrix::ci_templates::CiSystem;
use tempfile::tempdir;

fn init(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_libcmatrix"))
        .arg("init")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the command")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn every_system_gets_its_files_and_the_next_step_is_told() {
    for system in CiSystem::value_variants() {
        let folder = tempdir().expect("a folder");
        let name = system.to_possible_value().expect("a name");
        let output = init(folder.path(), &["--ci", name.get_name()]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        for file in system.files() {
            let text = fs::read_to_string(folder.path().join(file.path)).expect(file.path);
            assert_eq!(text, file.text);
            assert!(said.contains(&format!("wrote ./{}", file.path)), "{said}");
        }
        for step in system.next_steps() {
            assert!(said.contains(step), "{said}");
        }
        assert!(said.contains("no .git beside them") && said.contains("no libcmatrix.toml"));
        assert!(!folder.path().join("libcmatrix.toml").exists(), "it was not asked for");
    }
}

/// One that is there, even as a link that leads nowhere, keeps all others from being written.
#[test]
fn nothing_is_written_over() {
    let second = CiSystem::Github.files()[1].path;
    for is_link in [false, true] {
        let folder = tempdir().expect("a folder");
        let path = folder.path().join(second);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        if is_link {
            std::os::unix::fs::symlink("nowhere", &path).expect("a link");
        } else {
            fs::write(&path, "mine").expect("a file");
        }
        let output = init(folder.path(), &["--ci", "github"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(second) && said.contains("is there already"), "{said}");
        assert!(said.contains("hint: it was left as it is; move it away"), "{said}");
        let left = fs::read_dir(path.parent().expect("a folder")).expect("files").count();
        assert_eq!(left, 1, "no other file either");
        if !is_link {
            assert_eq!(fs::read_to_string(&path).expect("a text"), "mine");
        }
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_of() {
    let folder = tempdir().expect("a folder");
    let output = init(folder.path(), &["missing", "--ci", "gitlab"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("missing cannot be written"), "{said}");
    assert!(!folder.path().join("missing").exists());
}

#[test]
fn without_a_system_it_writes_the_configuration_once() {
    let folder = tempdir().expect("a folder");
    let output = init(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let path = folder.path().join("libcmatrix.toml");
    fs::write(&path, "# mine").expect("a file");
    let again = init(folder.path(), &[]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("libcmatrix.toml is there already"), "{}", said(&again));
    assert_eq!(fs::read_to_string(&path).expect("a text"), "# mine");
    assert_eq!(fs::read_dir(folder.path()).expect("files").count(), 1, "nothing else");
}
