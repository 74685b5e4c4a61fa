//! Reports for CI systems against the schemas that are published for them (`tests/schemas`).

#[path = "report_formats/records.rs"]
mod records;

use std::{collections::HashSet, fs, io::Write, path::Path, process::Command};

use libcmatrix::report::{code_quality, junit, sarif};
use libcmatrix_schema::RunRecord;
use quick_junit::Report;
use records::{HOSTILE, hostile_output, named, poisoned};
use serde_json::Value;

/// All records of sample projects, by their names.
fn all() -> Vec<(String, RunRecord)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    let mut names = Vec::new();
    for sub in ["", "explained/"] {
        for entry in fs::read_dir(folder.join(sub)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "json") {
                names.push(format!("{sub}{}", path.file_stem().expect("a name").to_string_lossy()));
            }
        }
    }
    names.sort();
    names.into_iter().map(|name| (name.clone(), named(&name))).collect()
}

fn every_record() -> Vec<(String, RunRecord)> {
    let hostile = HOSTILE.iter().map(|text| (format!("{text:?}"), poisoned(text)));
    all().into_iter().chain([("hostile".into(), hostile_output())]).chain(hostile).collect()
}

fn schema(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name)
}

#[test]
fn sarif_is_as_its_schema_says() {
    let text = fs::read_to_string(schema("sarif-2.1.0.json")).expect("the schema");
    // The pattern of a language has a bracket too many, which only lenient readers of patterns take.
    let text = text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&serde_json::from_str(&text).expect("JSON"))
        .expect("a schema");
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })), "it finds faults");
    for (name, record) in every_record() {
        let text = sarif::render(&record).expect("a document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        github_takes(&document, &name);
    }
}

/// What GitHub asks for beyond the schema: a location, a level, a known rule, short texts.
fn github_takes(document: &Value, name: &str) {
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut prints = HashSet::new();
    for result in run["results"].as_array().expect("results") {
        let index =
            usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("a number");
        assert_eq!(rules[index]["id"], result["ruleId"], "{name}");
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.contains(".."), "{name}: {uri}");
        assert!(place["region"]["startLine"].as_u64().expect("a line") >= 1);
        let print = &result["partialFingerprints"]["primaryLocationLineHash"];
        assert!(prints.insert(print.as_str().expect("a fingerprint").to_owned()), "{name}");
    }
    for rule in rules {
        for key in ["shortDescription", "fullDescription"] {
            let length = rule[key]["text"].as_str().expect("a text").chars().count();
            assert!((1..=1_024).contains(&length), "{name}: {rule}");
        }
    }
}

/// By xmllint, since no crate reads this kind of schema.
#[test]
fn junit_is_as_jenkins_schema_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (n, (name, record)) in every_record().into_iter().enumerate() {
        let legs = junit::legs(&record).map(|leg| junit::leg(&record, leg));
        for (m, text) in legs.chain([junit::diff(&record)]).enumerate() {
            let text = text.expect("a document");
            let read =
                Report::deserialize_from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            unique(&read, &name);
            let path = folder.path().join(format!("{n}-{m}.xml"));
            fs::File::create(&path).expect("a file").write_all(text.as_bytes()).expect("written");
            files.push(path);
        }
    }
    let bad = folder.path().join("bad.xml");
    fs::write(&bad, "<testsuites><testcase/></testsuites>").expect("written");
    let lint = |paths: &[std::path::PathBuf]| {
        Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(schema("junit-10.xsd"))
            .args(paths)
            .output()
            .expect("xmllint (Debian's libxml2-utils): ci/prerequisites --for-tests installs it")
    };
    assert!(!lint(&[bad]).status.success(), "it finds faults");
    let output = lint(&files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Of cases with the same name, services show one.
fn unique(report: &Report, name: &str) {
    let mut seen = HashSet::new();
    for case in report.test_suites.iter().flat_map(|suite| &suite.test_cases) {
        let id = (case.classname.clone(), case.name.clone());
        assert!(seen.insert(id), "{name}: {:?} {:?} twice", case.classname, case.name);
    }
}

/// The keys and values that GitLab's documentation asks for.
#[test]
fn code_quality_is_as_gitlab_asks() {
    for (name, record) in every_record() {
        let text = code_quality::render(&record).expect("a document");
        let issues: Vec<Value> = serde_json::from_str(&text).expect("a list");
        let mut prints = HashSet::new();
        assert_eq!(issues.is_empty(), record.findings.is_empty(), "{name}");
        for issue in &issues {
            let text_of = |key: &str| {
                issue[key].as_str().filter(|t| !t.is_empty()).expect("a text").to_owned()
            };
            text_of("description");
            text_of("check_name");
            assert!(prints.insert(text_of("fingerprint")), "{name}: {issue}");
            let severity = text_of("severity");
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity.as_str()));
            let path = issue["location"]["path"].as_str().expect("a path");
            assert!(!path.is_empty() && !path.starts_with(['/', '.']), "{name}: {path}");
            assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line >= 1));
        }
    }
}
