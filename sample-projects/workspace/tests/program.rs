//! Runs the program of this package, by the path that cargo gives.

use std::fs::File;
use std::process::Command;

fn count(program: &str) -> String {
    let output = Command::new(program)
        .stdin(File::open("tests/data/words.txt").unwrap())
        .output()
        .expect("the program starts");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn counts_by_the_path_known_at_compile_time() {
    assert_eq!(count(env!("CARGO_BIN_EXE_count")), "3\n");
}

#[test]
fn finds_its_data_by_the_manifest_directory() {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let path = std::path::Path::new(&root).join("tests/data/words.txt");
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 1);
}

#[test]
fn uses_the_macro() {
    assert_eq!(workspace::answer!(), 42);
}
