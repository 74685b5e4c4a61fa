//! Records of every version of the schema stay readable, and every report can be made of them.

use std::{fs, path::Path};

use libcmatrix::{
    record::read_record,
    report::formats::{FORMATS, FormatOptions},
};
use libcmatrix_schema::SCHEMA_VERSION;

/// A new version needs a record of its own here: `tests/versions/<version>.json`, one that a run wrote.
#[test]
fn every_version_is_read_and_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions");
    for version in 1..=SCHEMA_VERSION {
        let record = read_record(&folder.join(format!("{version}.json")));
        let record = record.unwrap_or_else(|e| panic!("version {version}: {e}"));
        assert_eq!(record.schema_version, version);
        for format in &FORMATS {
            let text = (format.render)(&record, &FormatOptions::default());
            let text = text.unwrap_or_else(|e| panic!("version {version}: {}: {e}", format.name));
            assert!(!text.is_empty(), "version {version}: {}", format.name);
        }
    }
}

#[test]
fn a_record_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.json");
    fs::write(&path, format!(r#"{{ "schema_version": {} }}"#, SCHEMA_VERSION + 1))
        .expect("written");
    for path in [folder.path(), &path] {
        let failure = read_record(path).expect_err("it cannot be understood");
        assert!(failure.cause.contains("newer libcmatrix"), "{failure}");
        assert!(failure.hint.is_some());
    }
}
