//! Measuring: the baseline against itself, attempts in turns, builds from nothing.

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
    Over::ENGINES.map(trial).into()
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
