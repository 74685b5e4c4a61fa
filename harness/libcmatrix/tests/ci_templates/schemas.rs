//! The files against the schemas that are published for their systems (`tests/schemas`).

use std::{fs, path::Path};

use jsonschema::Validator;
use libcmatrix::ci_templates::CiSystem;
use serde_json::{Value, json};

use crate::documents::{all, parse};

fn validator(system: CiSystem) -> Validator {
    let name = match system {
        CiSystem::Github => "github-workflows.json",
        CiSystem::Gitlab => "gitlab-ci.json",
        CiSystem::Woodpecker => "woodpecker-ci.json",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    let text = fs::read_to_string(path).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

#[test]
fn every_file_is_as_its_schema_says() {
    for (system, file) in all() {
        let document = parse(&file);
        let faults: Vec<String> = validator(system)
            .iter_errors(&document)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", file.path);
    }
}

/// One fault is put into each file: a schema that let it pass would prove nothing above.
#[test]
fn the_schemas_find_faults() {
    for (system, file) in all() {
        let mut document = parse(&file);
        let place = match system {
            CiSystem::Github => "/jobs",
            CiSystem::Gitlab => "/libcmatrix-night/artifacts/when",
            CiSystem::Woodpecker => "/steps/0/privileged",
        };
        *document.pointer_mut(place).expect("a value") = json!("nonsense");
        assert!(!validator(system).is_valid(&document), "{}", file.path);
    }
}

#[test]
fn they_install_the_libcmatrix_that_wrote_them() {
    for (_, file) in all() {
        let line = format!("LIBCMATRIX_VERSION: \"{}\"", env!("CARGO_PKG_VERSION"));
        assert!(file.text.contains(&line), "{}", file.path);
        assert!(!file.text.contains("@LIBCMATRIX"), "{}", file.path);
    }
}
