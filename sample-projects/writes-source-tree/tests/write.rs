use std::fs;
use std::path::Path;

/// Makes a directory, which must not exist yet, with a file in it, and reads the file back.
fn write_and_read(directory: &Path) {
    fs::create_dir(directory).unwrap();
    let file = directory.join("note.txt");
    fs::write(&file, "written by a test").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "written by a test");
}

#[test]
fn writes_into_the_package_root() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target-of-a-test");
    write_and_read(&directory);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn writes_below_the_working_directory() {
    write_and_read(Path::new("src/left-behind-by-a-test"));
}

#[test]
fn appends_to_its_own_source() {
    let before = fs::read_to_string(file!()).unwrap();
    fs::write(file!(), format!("{before}// A test was here.\n")).unwrap();
    assert_ne!(fs::read_to_string(file!()).unwrap(), before);
}

#[test]
fn writes_into_the_directory_that_cargo_gives_it() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("note.txt");
    fs::write(&file, "written by a test").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "written by a test");
}
