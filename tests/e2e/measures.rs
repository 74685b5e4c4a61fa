//! Measuring: the baseline against itself, attempts in turns, builds from nothing.

use std::fs;

use libcmatrix_schema::{Control, Event, Leg, Quantity, Shows};
use libtest_mimic::{Failed, Trial};

use crate::command::{self, Over, check};

/// Attempts of every test, and cold builds of each side.
const TIMES: usize = 5;

pub fn trials() -> Vec<Trial> {
    let trial = |over: Over<'static>| {
        let name = format!("the baseline against itself is measured on {}", over.engine());
        Trial::test(name, move || against_itself(over))
    };
    let benches = |over: Over<'static>| {
        let name = format!("benchmarks run in turns on {}", over.engine());
        Trial::test(name, move || benchmarks(over))
    };
    Over::ENGINES.map(trial).into_iter().chain(Over::ENGINES.map(benches)).collect()
}

const WITH_BENCHMARKS: &str = r#"
[package]
name = "timed"
version = "0.0.0"
edition = "2021"

[[bench]]
name = "speed"
harness = false

[workspace]
"#;

/// Prints as Criterion does; what it measures is known, so that what is made of it can be held against it.
const BENCHMARKS: &str = r#"
fn main() {
    assert!(std::env::args().any(|arg| arg == "--bench"));
    assert!(!cfg!(debug_assertions), "benchmarks are built for release");
    let musl = if cfg!(target_env = "musl") { 2 } else { 1 };
    println!("slower                  time:   [{0}.0 ns {0}.5 ns {0}.9 ns]", 100 * musl);
    println!("a/name of its own line\n                        time:   [1.0 us 2.0 us 3.0 us]");
}
"#;

fn benchmarks(over: Over<'_>) -> Result<(), Failed> {
    let project = tempfile::tempdir()?;
    for folder in ["src", "benches"] {
        fs::create_dir(project.path().join(folder))?;
    }
    for (name, content) in [
        ("Cargo.toml", WITH_BENCHMARKS),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"timed\"\nversion = \"0.0.0\"\n"),
        ("src/lib.rs", "#[test]\nfn passes() {}\n"),
        ("benches/speed.rs", BENCHMARKS),
    ] {
        fs::write(project.path().join(name), content)?;
    }
    let pair = ["--baseline", "debian-trixie-local", "--candidate", "alpine-3.23-local"];
    let project = project.path().to_string_lossy();
    let ran = command::run_over(
        over,
        [&[project.as_ref(), "--no-doctests", "--bench"], &pair[..]].concat(),
    )?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    for leg in &record.legs {
        check(&mut complaints, leg.bench_runs.len() == TIMES, || {
            format!("{}: {} runs", leg.name, leg.bench_runs.len())
        });
    }
    let measured = record.comparison.map(|c| c.benches_measured).unwrap_or_default();
    let told: Vec<(&str, f64, f64, bool)> = measured
        .iter()
        .map(|bench| {
            let of = &bench.measurement;
            (bench.id.as_str(), of.baseline_median * 1e9, of.candidate_median * 1e9, bench.is_clear)
        })
        .collect();
    let is = |at: usize, id: &str, baseline: f64, candidate: f64, is_clear: bool| {
        told.get(at).is_some_and(|found| {
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
            found.0 == id
                && near(found.1, baseline)
                && near(found.2, candidate)
                && found.3 == is_clear
        })
    };
    let slower = is(0, "timed::bench/speed$slower", 100.5, 200.5, true);
    let same = is(1, "timed::bench/speed$a/name of its own line", 2000.0, 2000.0, false);
    check(&mut complaints, slower && same && told.len() == 2, || format!("{told:?}"));
    let shown = ran.stdout();
    for words in ["benchmarks, mean", "timed::bench/speed$slower", "200.50 ns"] {
        check(&mut complaints, shown.contains(words), || format!("{words:?} is not shown"));
    }
    ran.judge(&complaints)
}

fn against_itself(over: Over<'_>) -> Result<(), Failed> {
    let project = format!("{}/../sample-projects/all-green", env!("CARGO_MANIFEST_DIR"));
    let times = TIMES.to_string();
    let ran = command::run_over(
        over,
        [
            project.as_str(),
            "--baseline",
            "debian-trixie-local",
            "--control",
            "aa",
            "--attempts",
            &times,
            "--build-repeats",
            &times,
            "--no-doctests",
            "--test-threads",
            "1",
        ],
    )?;
    let record = ran.record()?;
    let mut complaints = Vec::new();
    check(&mut complaints, record.settings.control == Some(Control::Aa), || {
        "the record does not say that it is the baseline against itself".into()
    });
    for leg in &record.legs {
        whole(leg, &mut complaints);
    }
    let reasons = record.verdict.iter().flat_map(|v| &v.reasons).cloned().collect::<Vec<_>>();
    check(&mut complaints, reasons.iter().any(|r| r.contains("0 false alarms in ")), || {
        format!("the rate of false alarms is not told: {reasons:?}")
    });
    let measured = record.comparison.map(|c| c.measurements).unwrap_or_default();
    for quantity in [Quantity::BuildWall, Quantity::BuildMemory, Quantity::TestWall] {
        let found = measured.iter().find(|m| m.quantity == quantity);
        let enough = found.is_some_and(|m| m.baseline.len() == TIMES && m.shows != Shows::TooFew);
        check(&mut complaints, enough, || format!("{quantity:?} is not measured: {found:?}"));
    }
    let turns = turns(&ran.events()?);
    let expected: Vec<usize> = (0..TIMES).flat_map(|n| [n % 2, 1 - n % 2]).collect();
    check(&mut complaints, turns == expected, || {
        format!("the sides do not take turns A B B A: {turns:?}")
    });
    ran.judge(&complaints)
}

fn whole(leg: &Leg, complaints: &mut Vec<String>) {
    check(complaints, leg.cold_builds.len() == TIMES, || {
        format!("{}: {} cold builds", leg.name, leg.cold_builds.len())
    });
    let took = |b: &libcmatrix_schema::ColdBuild| b.wall_s > 0.0 && b.peak_rss_bytes > 1 << 20;
    check(complaints, leg.cold_builds.iter().all(took), || {
        format!("{}: a cold build took nothing: {:?}", leg.name, leg.cold_builds)
    });
    for build in &leg.cold_builds {
        let of_project = build.processes.iter().filter(|p| p.package == "all-green 0.0.0");
        let processor: f64 = of_project.map(|process| process.user_s + process.system_s).sum();
        let whole = build.user_s + build.system_s;
        // cargo itself takes the rest.
        check(complaints, processor > 0.5 * whole && processor <= whole, || {
            format!("{}: {processor} s of {whole} s are those of processes", leg.name)
        });
    }
    check(complaints, leg.tests.iter().all(|test| test.attempts.len() == TIMES), || {
        format!("{}: not every test has {TIMES} attempts", leg.name)
    });
}

/// Which side's tests ended, one after another: 0 the first side, 1 the second.
fn turns(events: &[Event]) -> Vec<usize> {
    let mut legs: Vec<&str> = Vec::new();
    let mut turns = Vec::new();
    let mut before = None;
    for event in events {
        let Event::TestFinished { leg, id, .. } = event else { continue };
        let at = legs.iter().position(|known| known == leg).unwrap_or_else(|| {
            legs.push(leg);
            legs.len() - 1
        });
        // The first test begins a turn.
        if before.is_none_or(|first: &String| first == id) {
            before = Some(id);
            turns.push(at);
        }
    }
    turns
}
