//! The JSON Schemas in `docs/schema/` are the ones that the types have now.
//!
//! After a change of the types: `LIBCMATRIX_BLESS=1 cargo test -p libcmatrix-schema` writes them anew.

use std::{fs, path::Path};

fn is_current(name: &str, schema: &schemars::Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(name);
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("LIBCMATRIX_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "{} is out of date: LIBCMATRIX_BLESS=1 cargo test -p libcmatrix-schema",
        path.display()
    );
}

#[test]
fn the_record_has_a_current_schema() {
    is_current("run.schema.json", &libcmatrix_schema::run_schema());
}

#[test]
fn the_events_have_a_current_schema() {
    is_current("event.schema.json", &libcmatrix_schema::event_schema());
}

#[test]
fn the_difference_has_a_current_schema() {
    is_current("difference.schema.json", &libcmatrix_schema::difference_schema());
}

#[test]
fn the_trends_have_a_current_schema() {
    is_current("trends.schema.json", &libcmatrix_schema::trends_schema());
}

#[test]
fn the_matrix_has_a_current_schema() {
    is_current("matrix.schema.json", &libcmatrix_schema::matrix_schema());
}

#[test]
fn the_difference_of_matrices_has_a_current_schema() {
    is_current("matrix-difference.schema.json", &libcmatrix_schema::matrix_difference_schema());
}
