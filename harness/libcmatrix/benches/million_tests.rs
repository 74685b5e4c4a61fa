//! How long it takes to compare 1,000,000 tests and to decide, and how much memory the whole process
//! needs for it, the record included. One test in a thousand fails, one in a thousand is slower; they come
//! as binaries list them.
//!
//! Prints both; asserts nothing.

use std::time::Instant;

use libcmatrix::{
    compare::compare,
    diagnose,
    verdict::{self, Policy},
};
use libcmatrix_schema::{Attempt, AttemptStatus, Leg, Outcome, RunRecord, Test};
use serde_json::json;

const TESTS: u32 = 1_000_000;

fn main() {
    let mut record = record();
    let begun = Instant::now();
    let comparison = compare(&record);
    let compared = begun.elapsed().as_secs_f64();
    record.findings = diagnose::findings(&record, &comparison);
    let explained = begun.elapsed().as_secs_f64();
    let verdict = verdict::decide(&record, &comparison, &Policy::default(), &[]);
    let decided = begun.elapsed().as_secs_f64();
    println!("{TESTS} tests a side: {} with {} changes", verdict.outcome, comparison.changes.len());
    println!("compared after {compared:.2} s, explained {explained:.2} s, decided {decided:.2} s");
    println!("peak memory of the process: {} MiB", peak_bytes() >> 20);
}

fn record() -> RunRecord {
    let leg = |role: &str, libc: &str| -> Leg {
        let binaries: Vec<_> = (0..100)
            .map(|n| json!({"id": format!("package-{n}"), "harness": true, "listing": {"status": "passed"}}))
            .collect();
        let mut leg: Leg = serde_json::from_value(json!({
            "name": role, "role": role, "binaries": binaries,
            "environment": {"libc": libc, "distro": "x", "release": "1", "linkage": "static"},
            "steps": [{"name": "build", "status": "passed", "wall_s": 1.0}],
        }))
        .expect("a leg");
        leg.tests = (0..TESTS)
            .map(|n| {
                let is_worse = role == "candidate" && n % 1000 == 0;
                let status = match is_worse {
                    true => AttemptStatus::Failed { exit_code: 101 },
                    false => AttemptStatus::Passed,
                };
                let slow = if role == "candidate" && n % 1000 == 1 { 9.0 } else { 1.0 };
                let attempts = vec![Attempt {
                    wall_s: Some(0.01 * slow),
                    output: if is_worse { "left: 1, right: 2".into() } else { String::new() },
                    ..Attempt::unmeasured(status)
                }];
                Test {
                    id: format!("package-{}$module::of_tests::test_number_{n:06}", n / 10_000),
                    outcome: Outcome::of(&attempts),
                    attempts,
                }
            })
            .collect();
        leg
    };
    let mut record: RunRecord =
        serde_json::from_str(include_str!("../tests/records/without-legs.json")).expect("a record");
    record.legs = vec![leg("baseline", "glibc"), leg("candidate", "musl")];
    record
}

/// `VmHWM` of proc(5).
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
