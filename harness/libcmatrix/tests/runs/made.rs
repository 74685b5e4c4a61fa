//! Records made up for tests: each test of a run by what its attempts did on both sides.

use libcmatrix::{
    compare::compare,
    diagnose,
    verdict::{self, Policy},
};
use libcmatrix_schema::{Attempt, AttemptStatus, ColdBuild, Leg, Outcome, RunRecord, Test};
use serde_json::json;

/// What one test did: in the baseline, in the candidate.
pub type Both = (Vec<AttemptStatus>, Vec<AttemptStatus>);

pub const PASS: AttemptStatus = AttemptStatus::Passed;
pub const FAIL: AttemptStatus = AttemptStatus::Failed { exit_code: 101 };
pub const CRASH: AttemptStatus = AttemptStatus::Crashed { signal: 11 };

/// A finished run with its comparison and verdict. The id is a day of November.
pub fn run(day: u32, tests: &[(&str, Both)]) -> RunRecord {
    let leg = |role: &str, libc: &str, name: &str, side: fn(&Both) -> &Vec<AttemptStatus>| {
        let mut leg: Leg = serde_json::from_value(json!({
            "name": name, "role": role,
            "environment": {"libc": libc, "distro": "x", "release": "1", "linkage": "static"},
            "steps": [{"name": "build", "status": "passed", "wall_s": 1.0}],
            "binaries": [{"id": "p", "harness": true, "listing": {"status": "passed"}}],
        }))
        .expect("a leg");
        for (id, both) in tests {
            let attempts: Vec<Attempt> = side(both).iter().cloned().map(attempt).collect();
            if !attempts.is_empty() {
                let outcome = Outcome::of(&attempts);
                leg.tests.push(Test { id: (*id).into(), outcome, attempts });
            }
        }
        leg
    };
    let mut record: RunRecord =
        serde_json::from_str(include_str!("../records/without-legs.json")).expect("a record");
    record.run_id = format!("202611{day:02}-020000-00000{}", day % 10);
    record.started_at = format!("2026-11-{day:02}T02:00:00Z");
    record.finished_at = Some(format!("2026-11-{day:02}T02:30:00Z"));
    record.settings.confirm = 4;
    record.legs = vec![
        leg("baseline", "glibc", "debian-x", |both| &both.0),
        leg("candidate", "musl", "alpine-x", |both| &both.1),
    ];
    decided(record)
}

/// Compares, explains and decides as a run does.
pub fn decided(mut record: RunRecord) -> RunRecord {
    let comparison = compare(&record);
    record.findings = diagnose::findings(&record, &comparison);
    record.verdict = Some(verdict::decide(&record, &comparison, &Policy::default(), &[]));
    record.comparison = Some(comparison);
    record
}

/// Five cold builds a side, around these times in seconds.
pub fn built(mut record: RunRecord, baseline: f64, candidate: f64) -> RunRecord {
    for (leg, wall) in record.legs.iter_mut().zip([baseline, candidate]) {
        let around = [1.0, 1.01, 0.99, 1.005, 0.995];
        let build = |f: f64| ColdBuild { wall_s: wall * f, ..ColdBuild::default() };
        leg.cold_builds = around.map(build).into();
    }
    decided(record)
}

/// Five runs a side of benchmarks, by their names and around these times in seconds.
pub fn benched(mut record: RunRecord, sides: [&[(&str, f64)]; 2]) -> RunRecord {
    for (leg, benches) in record.legs.iter_mut().zip(sides) {
        let around = [1.0, 1.01, 0.99, 1.005, 0.995];
        let of = |f: f64| benches.iter().map(|(id, s)| (format!("p::b${id}"), s * f)).collect();
        leg.bench_runs = around.map(of).into();
    }
    decided(record)
}

/// Images of the candidate, by their flavours and sizes in bytes.
pub fn shipped(record: &mut RunRecord, images: &[(&str, u64)]) {
    let image = |(flavour, bytes): &(&str, u64)| {
        serde_json::from_value(json!({
            "flavour": flavour, "id": "sha256:0", "programs": [], "engine_bytes": bytes,
            "layers": [{
                "digest": "sha256:0", "of_project": true,
                "bytes": {"unpacked": bytes, "gzip": bytes / 2, "zstd": bytes / 3},
            }],
            "contents": {"files": 1, "executables": 1, "commands": 1}, "needs": {},
            "smoke": {"outcome": "ran"},
        }))
        .expect("an image")
    };
    record.legs[1].final_images = images.iter().map(image).collect();
}

pub fn times(status: &AttemptStatus, n: usize) -> Vec<AttemptStatus> {
    vec![status.clone(); n]
}

fn attempt(status: AttemptStatus) -> Attempt {
    Attempt { wall_s: Some(0.1), ..Attempt::unmeasured(status) }
}
