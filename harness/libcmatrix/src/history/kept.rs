//! What is kept of a run: a line about all of it, and what each test did. Pure.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use libcmatrix_schema::{
    ChangeKind, Confidence, FindingInBrief, Flavour, Leg, Quantity, Role, RunRecord, Severity,
    Test, VerdictOutcome,
};

use crate::{
    compare::change::{passes, runs},
    run_difference::{by_code, environment, in_brief, is_worse, question},
    statistics::{geometric_mean, median},
};

/// Images that a run may have made, in the order in which they are kept.
pub const FLAVOURS: [Flavour; 3] = [Flavour::Runtime, Flavour::Own, Flavour::Empty];

/// A run, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRun {
    /// The run's id.
    pub run_id: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// The project's name. Hostile text.
    pub project: String,
    /// What it asks; see [`question`].
    pub question: BTreeMap<String, String>,
    /// Version of its package, where it has but one.
    pub version: Option<String>,
    /// The commit that was tested, where it is known.
    pub commit: Option<String>,
    /// The answer.
    pub verdict: Option<VerdictOutcome>,
    /// Tests that have a result on both sides.
    pub compared: u64,
    /// Tests known on either side.
    pub total: u64,
    /// Tests that are worse in the candidate.
    pub worse: u64,
    /// Tests that are better in the candidate.
    pub fixed: u64,
    /// Whether `changes` and the legs' tests are kept.
    pub has_details: bool,
    /// Baseline and candidate, as far as there are such legs.
    pub legs: Vec<KeptLeg>,
    /// What each test's two sides make together, by id.
    pub changes: Vec<KeptChange>,
    /// Findings by code.
    pub findings: Vec<KeptFinding>,
}

/// What the two sides of a test make together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChange {
    /// The test's id. Hostile text.
    pub id: Arc<str>,
    /// The kind.
    pub kind: ChangeKind,
    /// Whether the candidate is the worse side, which the kind alone does not always tell.
    pub is_worse: bool,
}

/// A side of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLeg {
    /// Which.
    pub role: Role,
    /// The environment's name.
    pub name: String,
    /// What that is, e.g. `alpine 3.23 (musl, static)`.
    pub environment: String,
    /// The compiler's release.
    pub toolchain: Option<String>,
    /// By id.
    pub tests: Vec<KeptTest>,
    /// Medians and how many values they are of.
    pub times: Vec<(Quantity, f64, u64)>,
    /// Images that the project would be shipped in.
    pub images: Vec<KeptImage>,
}

/// What a test did.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTest {
    /// Its id. Hostile text.
    pub id: Arc<str>,
    /// The outcome's name.
    pub outcome: String,
    /// Attempts that ended well.
    pub passed: u64,
    /// Attempts that were run.
    pub attempts: u64,
    /// Median of their times, in seconds, where all ended well.
    pub wall_s: Option<f64>,
}

/// The size of an image, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptImage {
    /// What the programs were put on.
    pub flavour: Flavour,
    /// Unpacked.
    pub bytes: u64,
    /// Compressed by gzip.
    pub gzip_bytes: u64,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFinding {
    /// Its code.
    pub code: String,
    /// How much it hurts.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Tests it explains.
    pub tests: u64,
}

/// Why a run is not to be kept, if so: it says nothing about the project, and what it did not see would
/// look like what is not there.
#[must_use]
pub fn refused(record: &RunRecord) -> Option<&'static str> {
    if record.interrupted {
        Some("the run was interrupted: what it did not come to would look like what is mended")
    } else if record.finished_at.is_none() {
        Some("the run was killed: what it did not come to would look like what is mended")
    } else {
        None
    }
}

/// What is kept of a record that has its comparison.
#[must_use]
pub fn of(record: &RunRecord) -> KeptRun {
    let brief = in_brief(record);
    let changes = || record.comparison.iter().flat_map(|comparison| &comparison.changes);
    let on_both = OnBoth::of(&record.sides().collect::<Vec<_>>());
    let version = match record.project.packages.as_slice() {
        [package] => Some(package.version.clone()),
        _ => None,
    };
    KeptRun {
        run_id: brief.run_id,
        started_at: brief.started_at,
        project: record.project.name.clone(),
        question: question(record),
        version,
        commit: record.project.commit.clone(),
        verdict: brief.verdict,
        compared: brief.compared,
        total: brief.total,
        worse: brief.worse,
        fixed: changes().filter(|change| change.change == ChangeKind::Fixed).count() as u64,
        has_details: true,
        legs: record.sides().map(|l| leg(l, &on_both)).collect(),
        changes: by_id(changes().map(|change| {
            let id: Arc<str> = Arc::from(change.id.as_str());
            (id.clone(), KeptChange { id, kind: change.change, is_worse: is_worse(change) })
        })),
        findings: by_code(record.findings.iter()).into_iter().map(finding).collect(),
    }
}

/// Each id once, in order.
fn by_id<T>(all: impl Iterator<Item = (Arc<str>, T)>) -> Vec<T> {
    all.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn finding(finding: FindingInBrief) -> KeptFinding {
    let FindingInBrief { code, severity, confidence, tests, .. } = finding;
    KeptFinding { code, severity, confidence, tests }
}

/// What can be set against the other side.
struct OnBoth<'a> {
    /// Tests that passed in every attempt on each side.
    tests: HashSet<&'a str>,
    /// Benchmarks that every run of each side has.
    benches: HashSet<&'a str>,
}

impl<'a> OnBoth<'a> {
    fn of(legs: &[&'a Leg]) -> Self {
        let runs = legs.iter().flat_map(|leg| &leg.bench_runs);
        let ids = runs.map(|run| run.keys().map(String::as_str).collect::<HashSet<_>>());
        let benches = ids.reduce(|a, b| &a & &b).unwrap_or_default();
        Self { tests: passed_on_all(legs), benches }
    }
}

fn passed_on_all<'a>(legs: &[&'a Leg]) -> HashSet<&'a str> {
    let good = |leg: &&'a Leg| -> HashSet<&'a str> {
        let good = |test: &&Test| runs(test) > 0 && passes(test) == runs(test);
        leg.tests.iter().filter(good).map(|test| test.id.as_str()).collect()
    };
    legs.iter().map(good).reduce(|a, b| &a & &b).unwrap_or_default()
}

fn leg(leg: &Leg, on_both: &OnBoth<'_>) -> KeptLeg {
    let tests = by_id(leg.tests.iter().map(|test| {
        let id: Arc<str> = Arc::from(test.id.as_str());
        (id.clone(), kept_test(id, test))
    }));
    KeptLeg {
        role: leg.role,
        name: leg.name.clone(),
        environment: environment(leg),
        toolchain: leg.environment.toolchain.as_ref().map(|toolchain| toolchain.release.clone()),
        times: times(leg, &tests, on_both),
        images: images(leg),
        tests,
    }
}

fn kept_test(id: Arc<str>, test: &Test) -> KeptTest {
    let (passed, attempts) = (passes(test) as u64, runs(test) as u64);
    // One that fails early takes no time.
    let walls: Vec<f64> = match passed == attempts {
        true => test.attempts.iter().filter_map(|attempt| attempt.wall_s).collect(),
        false => Vec::new(),
    };
    let outcome = test.outcome.name().to_owned();
    KeptTest { id, outcome, passed, attempts, wall_s: median(&walls) }
}

/// Cold builds if there are any: the first build warms up the machine and is not counted.
fn times(leg: &Leg, tests: &[KeptTest], on_both: &OnBoth<'_>) -> Vec<(Quantity, f64, u64)> {
    let builds: Vec<f64> = leg.cold_builds.iter().map(|build| build.wall_s).collect();
    let build = median(&builds).map(|s| (Quantity::BuildWall, s, builds.len() as u64));
    // The same tests on both sides, or the two sums could not be set against each other.
    let told = || tests.iter().filter(|test| on_both.tests.contains(test.id.as_ref()));
    let walls = told().filter_map(|test| test.wall_s).sum();
    let attempts = told().filter(|test| test.wall_s.is_some()).map(|test| test.attempts);
    let tests = attempts.min().map(|fewest| (Quantity::TestWall, walls, fewest));
    build.into_iter().chain(tests).chain(benches(leg, &on_both.benches)).collect()
}

/// The median of the runs' geometric means: of the benchmarks that every run of both sides has.
fn benches(leg: &Leg, of_both: &HashSet<&str>) -> Option<(Quantity, f64, u64)> {
    let mean = |run: &BTreeMap<String, f64>| {
        geometric_mean(run.iter().filter(|(id, _)| of_both.contains(id.as_str())).map(|(_, s)| *s))
    };
    let means: Vec<f64> = leg.bench_runs.iter().filter_map(mean).collect();
    median(&means).map(|s| (Quantity::BenchIteration, s, means.len() as u64))
}

/// One of each kind.
fn images(leg: &Leg) -> Vec<KeptImage> {
    FLAVOURS
        .into_iter()
        .filter_map(|flavour| leg.final_images.iter().find(|image| image.flavour == flavour))
        .map(|image| {
            let sizes = image.sizes();
            KeptImage { flavour: image.flavour, bytes: sizes.unpacked, gzip_bytes: sizes.gzip }
        })
        .collect()
}
