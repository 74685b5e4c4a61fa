//! Where in the project's sources a cause shows: a file and a line, as reviewers and their tools know
//! them. Pure: what the record holds is read out, nothing is searched for.
//!
//! Takes a record and a finding; gives places with the tests that show it there. What a program printed
//! is hostile: only a plain path inside the project is taken from it.

use std::{
    collections::HashMap,
    path::{Component, Path},
};

use libcmatrix_schema::{
    Attempt, AttemptStatus, BuildMessage, Crash, Evidence, Finding, Leg, ProjectKind, Role,
    RunRecord,
};

use crate::leg::layout;

/// Bytes of a path; a longer one is none.
const LONGEST_PATH: usize = 400;

/// A place in a source file of the project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Relative to the folder that the run was started in, as a repository's root mostly is. Forward
    /// slashes, no `..`.
    pub path: String,
    /// From 1.
    pub line: u32,
}

/// Where a finding shows, with the tests that show it there; where nothing tells, the manifest of the
/// package that it is about. Never empty.
#[must_use]
pub fn places<'a>(record: &RunRecord, finding: &'a Finding) -> Vec<(Place, Vec<&'a str>)> {
    let prefix = prefix(record);
    let inside = |path: &str, line: u32| {
        let path = project_path(path)?;
        Some(Place { path: join(&prefix, &path), line: line.max(1) })
    };
    let candidate = record.leg(Role::Candidate);
    let mut found: Vec<(Place, Vec<&str>)> = Vec::new();
    let mut at: HashMap<Place, usize> = HashMap::new();
    let mut add = |place: Place, test: Option<&'a str>| {
        let n = *at.entry(place.clone()).or_insert_with(|| {
            found.push((place, Vec::new()));
            found.len() - 1
        });
        found[n].1.extend(test);
    };
    let attempts = candidate.map(bad_attempts).unwrap_or_default();
    for test in &finding.tests {
        let shown = attempts.get(test.as_str()).and_then(|attempt| {
            let crash = attempt.crash.as_deref();
            crash
                .and_then(|crash| of_crash(crash, &inside))
                .or_else(|| of_panic(&attempt.output, &inside))
        });
        add(shown.unwrap_or_else(|| manifest(record, Some(test), &prefix)), Some(test));
    }
    for message in candidate.into_iter().flat_map(|leg| messages(leg, finding)) {
        let file = message.file.as_deref();
        if let Some(place) = file.and_then(|file| inside(file, message.line.unwrap_or(1))) {
            add(place, None);
        }
    }
    // A line of a log is no place in the sources.
    let is_source = |e: &&Evidence| e.file.as_deref().is_some_and(|f| !f.starts_with("logs/"));
    for evidence in finding.evidence.iter().filter(is_source) {
        let line = evidence.line.and_then(|line| u32::try_from(line).ok()).unwrap_or(1);
        if let Some(place) = evidence.file.as_deref().and_then(|file| inside(file, line)) {
            add(place, None);
        }
    }
    if found.is_empty() {
        found.push((manifest(record, None, &prefix), Vec::new()));
    }
    found
}

/// The first bad attempt of each test, one with a crash before the others.
fn bad_attempts(leg: &Leg) -> HashMap<&str, &Attempt> {
    let worst = leg.tests.iter().filter_map(|test| {
        let is_bad = |a: &&Attempt| a.status != AttemptStatus::Passed;
        let crashed = test.attempts.iter().find(|a| a.crash.is_some());
        Some((test.id.as_str(), crashed.or_else(|| test.attempts.iter().find(is_bad))?))
    });
    worst.collect()
}

/// The innermost call that is in the project's own sources.
fn of_crash(crash: &Crash, inside: &impl Fn(&str, u32) -> Option<Place>) -> Option<Place> {
    crash.fault().backtrace.iter().find_map(|frame| {
        // Names without a folder are made by compilers or come with other objects.
        let file = frame.file.as_deref().filter(|file| file.starts_with(layout::SOURCE))?;
        inside(file, frame.line?)
    })
}

/// The first place inside the project that a panic message names: `panicked at src/lib.rs:3:5:`.
fn of_panic(output: &str, inside: &impl Fn(&str, u32) -> Option<Place>) -> Option<Place> {
    output.lines().filter_map(|line| line.split_once("panicked at ")).find_map(|(_, at)| {
        let mut parts = at.trim_end().trim_end_matches(':').rsplitn(3, ':');
        let _column: u32 = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        parts.next().filter(|path| path.ends_with(".rs")).and_then(|path| inside(path, line))
    })
}

/// The messages of the candidate's steps that a finding's evidence was taken from.
fn messages<'a>(leg: &'a Leg, finding: &Finding) -> impl Iterator<Item = &'a BuildMessage> {
    let steps = leg.steps.iter().filter(|step| finding.steps.contains(&step.name));
    let evidence = &finding.evidence;
    let is_it = move |message: &&BuildMessage| {
        evidence.iter().any(|e| !e.text.is_empty() && message.text.contains(e.text.as_str()))
    };
    steps.flat_map(|step| &step.messages).filter(is_it).collect::<Vec<_>>().into_iter()
}

/// The manifest of the package that a test is of, else of the first one.
fn manifest(record: &RunRecord, test: Option<&str>, prefix: &str) -> Place {
    let binary = test.and_then(|id| id.split(['$', ':']).next());
    let packages = &record.project.packages;
    let named = packages.iter().find(|package| Some(package.name.as_str()) == binary);
    let folder = named.or(packages.first()).map_or("", |package| package.path.as_str());
    let folder = project_path(folder).unwrap_or_default();
    Place { path: join(prefix, &join(&folder, "Cargo.toml")), line: 1 }
}

/// The workspace's folder as the run was told of it, where that is below the folder it was started in.
fn prefix(record: &RunRecord) -> String {
    let project = &record.project;
    if project.kind == ProjectKind::PublishedCrate {
        return String::new();
    }
    let given = project_path(&project.path).unwrap_or_default();
    // A member of a workspace was named; paths are relative to the workspace.
    match project.packages.as_slice() {
        [member] if !member.path.is_empty() => {
            let above = given.strip_suffix(member.path.as_str());
            above.map_or(given.clone(), |above| above.trim_end_matches('/').to_owned())
        }
        _ => given,
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A path inside the project, plain and relative to it; `None` where it leads elsewhere, or is none.
fn project_path(path: &str) -> Option<String> {
    let path = path.strip_prefix(layout::SOURCE).and_then(|p| p.strip_prefix('/')).unwrap_or(path);
    let is_text = |c: char| !c.is_control() && c != '\\';
    if path.len() > LONGEST_PATH || !path.chars().all(is_text) {
        return None;
    }
    let mut plain: Vec<&str> = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => plain.push(name.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(plain.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, line: u32) -> Place {
        Place { path: path.into(), line }
    }

    fn inside(path: &str, line: u32) -> Option<Place> {
        project_path(path).map(|path| Place { path, line })
    }

    fn record(name: &str) -> RunRecord {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/explained");
        let text = std::fs::read_to_string(folder.join(name)).expect("a record");
        serde_json::from_str(&text).expect("a record")
    }

    #[test]
    fn a_crash_shows_in_the_innermost_source_of_the_project() {
        let record = record("thread-stack.json");
        let test = "thread-stack$overflows_the_stack_of_a_c_thread";
        let expected = place("sample-projects/thread-stack/c/thread.c", 13);
        assert_eq!(places(&record, &record.findings[0]), [(expected, vec![test])]);
    }

    #[test]
    fn a_panic_shows_where_it_says() {
        let at = |output: &str| of_panic(output, &inside);
        assert_eq!(
            at("x\nthread 'a' (7) panicked at src/lib.rs:3:5:\n"),
            Some(place("src/lib.rs", 3))
        );
        assert_eq!(
            at("thread 'a' panicked at member/tests/a.rs:30:5"),
            Some(place("member/tests/a.rs", 30))
        );
        for elsewhere in [
            "/rustc/abc/library/core/src/option.rs:1:2:",
            "../x.rs:1:2:",
            "/etc/passwd:1:2",
            "src/\u{1b}x.rs:1:2:",
            "src\\x.rs:1:2:",
            "src/lib.rs",
            "1:2:",
            "",
        ] {
            assert_eq!(at(&format!("panicked at {elsewhere}")), None, "{elsewhere}");
        }
    }

    #[test]
    fn where_nothing_tells_it_is_the_manifest() {
        let mut record = record("thread-stack.json");
        for test in record.legs.iter_mut().flat_map(|leg| &mut leg.tests) {
            test.attempts.clear();
        }
        let manifest = place("sample-projects/thread-stack/Cargo.toml", 1);
        assert_eq!(places(&record, &record.findings[0])[0].0, manifest);
        record.findings[0].tests.clear();
        assert_eq!(places(&record, &record.findings[0]), [(manifest, vec![])]);
    }

    #[test]
    fn paths_begin_where_the_run_was_started() {
        let mut record = record("thread-stack.json");
        let mut prefix_of = |path: &str, member: &str| {
            record.project.path = path.into();
            record.project.packages[0].path = member.into();
            prefix(&record)
        };
        assert_eq!(prefix_of(".", ""), "");
        assert_eq!(prefix_of("./a/b/", ""), "a/b");
        assert_eq!(prefix_of("a/crates/b", "crates/b"), "a");
        assert_eq!(prefix_of("/somewhere/else", ""), "");
        assert_eq!(prefix_of("../other", ""), "");
    }
}
