//! The page as a whole: all views of a record.

use askama::Template;
use libcmatrix_schema::{Control, Role, RunRecord};

use super::{
    LARGEST,
    changes::{self, ChangeGroup, Details},
    environments::Environments,
    findings::FindingView,
    images::Images,
    plots::{measurements::Measurements, packages::Packages, scatter::Scatter},
    tests_table::TestsTable,
    trouble::{self, TroubleView},
    verdict::VerdictView,
};
use crate::report::{answer::shown_name, page_head::Head, sanitise::sanitise_line};

const STYLE: &str = include_str!("../../../templates/html/style.css");
const SCRIPT: &str = include_str!("../../../templates/html/tests.js");

/// All that the templates show.
#[derive(Template)]
#[template(path = "html/page.html")]
pub(super) struct Page {
    head: Head,
    name: String,
    run: Vec<(&'static str, String)>,
    is_control: bool,
    interrupted: bool,
    verdict: VerdictView,
    findings: Vec<FindingView>,
    trouble: Vec<TroubleView>,
    groups: Vec<ChangeGroup>,
    bad_alike: changes::BadAlike,
    measurements: Option<Measurements>,
    packages: Option<Packages>,
    scatters: Vec<Scatter>,
    images: Option<Images>,
    environments: Environments,
    notes: Vec<(String, String)>,
    tests: Option<TestsTable>,
}

impl Page {
    pub(super) fn of(record: &RunRecord) -> Self {
        let mut details = Details::of(record);
        let findings: Vec<FindingView> =
            record.findings.iter().map(|f| FindingView::of(f, record, &mut details)).collect();
        let groups = changes::groups(record, &mut details);
        let mut page = Self {
            head: Head::new(STYLE, SCRIPT),
            name: sanitise_line(&shown_name(record)),
            run: run(record),
            is_control: record.settings.control == Some(Control::Aa),
            interrupted: record.interrupted,
            verdict: VerdictView::of(record),
            bad_alike: changes::BadAlike::of(record, &details),
            measurements: Measurements::of(record),
            packages: Packages::of(record),
            scatters: Scatter::all(record),
            images: Images::of(record),
            environments: Environments::of(record),
            notes: record
                .notes
                .iter()
                .map(|note| (sanitise_line(&note.code), sanitise_line(&note.text)))
                .collect(),
            tests: None,
            trouble: trouble::all(record),
            findings,
            groups,
        };
        // The table of all tests gets the room that all else leaves.
        let room = LARGEST.saturating_sub(page.write().len());
        page.tests = TestsTable::of(record, details.anchors(), room);
        page
    }

    pub(super) fn write(&self) -> String {
        self.render().expect("text is written to memory, which does not fail")
    }
}

/// What was run, when, on what.
fn run(record: &RunRecord) -> Vec<(&'static str, String)> {
    let settings = &record.settings;
    let host = &record.host;
    let limits = &settings.limits;
    let amount = crate::report::amount::bytes;
    let mut rows = vec![
        ("run", sanitise_line(&record.run_id)),
        ("project", sanitise_line(&record.project.path)),
        ("started", sanitise_line(&record.started_at)),
        (
            "finished",
            record.finished_at.as_deref().map_or("it did not finish".into(), sanitise_line),
        ),
        ("written by", sanitise_line(&format!("{} {}", record.tool.name, record.tool.version))),
        (
            "machine",
            sanitise_line(&format!(
                "{} {}, kernel {}, {} processors, {}",
                host.os,
                host.arch,
                host.kernel,
                host.cpus,
                amount(host.memory_bytes)
            )),
        ),
        (
            "attempts",
            format!(
                "{} of every test, {} more on both sides where the outcome differed",
                settings.attempts, settings.confirm
            ),
        ),
        (
            "in parallel",
            format!("{} tests, {} build jobs", settings.test_threads, settings.build_jobs),
        ),
        ("tests run in", format!("{} images", sanitise_line(&settings.test_image))),
        (
            "limits",
            format!(
                "memory {} build, {} tests; {} processes; {} s a test, {} s a step, {} s of silence",
                amount(limits.build_memory_bytes),
                amount(limits.test_memory_bytes),
                limits.pids,
                limits.test_time_s,
                limits.step_time_s,
                limits.step_silence_s
            ),
        ),
    ];
    let cargo = sanitise_line(&settings.cargo_args.join(" "));
    rows.push(("cargo", if cargo.is_empty() { "no further arguments".into() } else { cargo }));
    rows.push(("profile", sanitise_line(&settings.profile)));
    if !settings.filters.is_empty() {
        rows.push(("only tests with", sanitise_line(&settings.filters.join(", "))));
    }
    if let Some(leg) = record.leg(Role::Candidate) {
        rows.push(("engine", sanitise_line(&leg.environment.engine)));
    }
    rows
}
