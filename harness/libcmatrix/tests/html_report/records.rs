//! Records that reports are made of: real ones, and one of as many tests as wanted.

use std::{fs, path::Path};

use libcmatrix::{
    compare::compare,
    history::{kept, trend::trends},
};
use libcmatrix_schema::{
    Attempt, AttemptStatus, CellResult, CellRun, Matrix, MatrixCell, Outcome, RunRecord, Test,
    Tool, Trends, VerdictOutcome,
};

/// The JSON of a real record.
pub fn json(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    fs::read_to_string(folder.join(name).with_extension("json")).expect("a record")
}

/// A real record.
pub fn record(name: &str) -> RunRecord {
    serde_json::from_str(&json(name)).expect("a record that is understood")
}

/// A record with so many more tests, some of which fail on one side.
pub fn many_tests(number: usize) -> RunRecord {
    let mut record = record("explained/thread-stack");
    for (side, leg) in record.legs.iter_mut().enumerate() {
        leg.tests.extend((0..number).map(|n| test(n, side)));
        leg.tests.sort_by(|a, b| a.id.cmp(&b.id));
    }
    record.comparison = Some(compare(&record));
    record
}

/// A record with so many benchmarks, ten runs a side: every third takes twice as long in the candidate.
pub fn benchmarks(number: usize) -> RunRecord {
    let mut record = record("explained/thread-stack");
    for (side, leg) in record.legs.iter_mut().take(2).enumerate() {
        let by = |n: usize| if side == 1 && n.is_multiple_of(3) { 2.0 } else { 1.0 };
        let run = |run: usize| {
            // The same noise on both sides.
            let noise = 1.0 + (run % 5) as f64 * 0.01;
            (0..number).map(|n| (format!("b::bench/b$case_{n:03}"), 1e-6 * by(n) * noise)).collect()
        };
        leg.bench_runs = (0..10).map(run).collect();
    }
    record.comparison = Some(compare(&record));
    record
}

/// A matrix with every kind of answer.
pub fn matrix() -> Matrix {
    use VerdictOutcome::{Go, Inconclusive, NoGo};
    let ran = |verdict| {
        CellResult::Ran(CellRun {
            folder: "20261129-120000-abcdef".into(),
            verdict,
            reasons: vec!["2 tests regressed: ledger::io$reads_a_pipe, ledger$recurses".into()],
            compared: 213,
            total: 214,
            changes: [("regressed".to_owned(), 2)].into(),
            findings: vec!["thread-stack-overflow".into()],
        })
    };
    let failed = CellResult::Failed { why: "the image cannot be had".into(), folder: None };
    let results = [ran(Go), ran(NoGo), ran(Inconclusive), failed, CellResult::NotRun];
    let cell = |(n, result)| MatrixCell {
        baseline: "debian-trixie-native".into(),
        candidate: format!("alpine-3.2{n}-native"),
        result,
    };
    Matrix {
        schema_version: 1,
        tool: Tool { name: "libcmatrix".into(), version: "0".into() },
        matrix_id: "m".into(),
        started_at: "2026-11-29T12:00:00Z".into(),
        project: "ledger".into(),
        cells: results.into_iter().enumerate().map(cell).collect(),
    }
}

/// A night in which all was well, and four in which a test crashed.
pub fn runs() -> Trends {
    let night = |day: usize| {
        let name = if day == 1 { "explained/double-free" } else { "explained/thread-stack" };
        let mut run = kept::of(&record(name));
        run.run_id = format!("2026110{day}-020000-000000");
        run.started_at = format!("2026-11-0{day}T02:00:00Z");
        run
    };
    trends(&(1..=5).map(night).collect::<Vec<_>>())
}

fn test(n: usize, side: usize) -> Test {
    let modules = ["parser", "lexer", "storage::pages", "net::tls", "cli"];
    let id = format!(
        "workspace-member-{}::it$tests::{}::group_{}::case_{n:05}_keeps_what_it_was_given",
        n % 23,
        modules[n % 5],
        n % 101,
    );
    let outcome = match n % 5000 {
        7 if side == 1 => Outcome::Failed { exit_code: 101 },
        9 => Outcome::Ignored,
        _ => Outcome::Passed,
    };
    let status = match outcome {
        Outcome::Failed { exit_code } => AttemptStatus::Failed { exit_code },
        _ => AttemptStatus::Passed,
    };
    // Times are spread over some powers of ten, the same at every run.
    let spread = (n.wrapping_mul(2_654_435_761) % 10_007) as f64 / 10_007.0;
    let jitter = 0.75 + ((n + side * 31).wrapping_mul(40_503) % 997) as f64 / 997.0;
    let mut attempt = Attempt::unmeasured(status);
    attempt.wall_s = Some(10_f64.powf(-3.3 + 2.5 * spread) * jitter);
    attempt.peak_rss_bytes =
        Some(3_000_000 + (spread * 4e6 * jitter) as u64 - side as u64 * 900_000);
    attempt.output = "running 1 test\nassertion `left == right` failed\n".into();
    let attempts = if outcome == Outcome::Ignored { Vec::new() } else { vec![attempt] };
    Test { id, outcome, attempts }
}
