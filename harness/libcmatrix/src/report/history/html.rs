//! What many runs show together, as one page of HTML that needs nothing else: no network, no script, no
//! other file. What the template writes is escaped by askama; only the style sheet of this program is
//! written as it is.

use askama::Template;
use libcmatrix_schema::{Flavour, HistoryRun, Quantity, Role, Series, Trends};

use super::{
    super::{amount, answer::Answer, page_head::Head, sanitise::sanitise_line},
    plot::{HEIGHT, Plot, Unit, Values, plot},
    words,
};

/// Rows of a table; the JSON form has them all.
const ROWS: usize = 50;

/// The page.
#[must_use]
pub fn render(trends: &Trends) -> String {
    let page = Page {
        head: Head::new(include_str!("../../../templates/history/style.css"), ""),
        series: trends.series.iter().enumerate().map(|(n, series)| view(n, series)).collect(),
        height: HEIGHT,
    };
    // Writing into a text cannot fail.
    page.render().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "history/page.html")]
struct Page {
    head: Head,
    series: Vec<SeriesView>,
    height: f64,
}

struct SeriesView {
    anchor: String,
    project: String,
    baseline: String,
    candidate: String,
    /// The newest run's answer: a class and a word.
    class: &'static str,
    answer: &'static str,
    sentence: String,
    question: String,
    not_kept: Option<String>,
    places: Vec<Place>,
    plots: Vec<Plot>,
    /// The oldest and the newest run, below each plot.
    ends: [String; 2],
    regressions: Vec<[String; 3]>,
    more_regressions: usize,
    unstable: Vec<[String; 5]>,
    more_unstable: usize,
    growth: Vec<[String; 5]>,
    more_growth: usize,
    runs: Vec<RunView>,
    more_runs: usize,
}

/// A run in the strip of answers.
struct Place {
    class: &'static str,
    sign: &'static str,
    text: String,
}

struct RunView {
    class: &'static str,
    answer: &'static str,
    cells: [String; 6],
}

fn view(n: usize, series: &Series) -> SeriesView {
    let names: Vec<String> = series.runs.iter().map(|run| words::minute(&run.started_at)).collect();
    let newest = series.runs.last();
    SeriesView {
        anchor: format!("series-{n}"),
        project: sanitise_line(&series.project),
        baseline: sanitise_line(&series.baseline),
        candidate: sanitise_line(&series.candidate),
        class: Answer(newest.and_then(|run| run.verdict)).class(),
        answer: Answer(newest.and_then(|run| run.verdict)).word(),
        sentence: sentence(series),
        question: words::question(series),
        not_kept: words::not_kept(series),
        places: places(series),
        plots: plots(series, &names),
        ends: [names.first(), names.last()].map(|name| name.cloned().unwrap_or_default()),
        regressions: series
            .regressions
            .iter()
            .take(ROWS)
            .map(|r| [sanitise_line(&r.id), words::what(r.change).into(), words::since(r)])
            .collect(),
        more_regressions: series.regressions.len().saturating_sub(ROWS),
        unstable: series
            .unstable
            .iter()
            .take(ROWS)
            .map(|test| {
                [
                    sanitise_line(&test.id),
                    test.role.to_string(),
                    format!("{} of {}", test.passed, test.attempts),
                    format!("{} of {}", test.unstable_runs, test.runs),
                    test.flips.to_string(),
                ]
            })
            .collect(),
        more_unstable: series.unstable.len().saturating_sub(ROWS),
        growth: series
            .growth
            .iter()
            .take(ROWS)
            .map(|growth| {
                let [from, to] = words::from_and_to(growth);
                let role = growth.role.to_string();
                [words::grown(growth), role, from, to, words::percent(growth)]
            })
            .collect(),
        more_growth: series.growth.len().saturating_sub(ROWS),
        runs: series.runs.iter().rev().take(ROWS).map(run_view).collect(),
        more_runs: series.runs.len().saturating_sub(ROWS),
    }
}

/// What the newest run says, in one line.
fn sentence(series: &Series) -> String {
    let Some(newest) = series.runs.last() else { return String::new() };
    let worse = match newest.worse {
        0 if newest.compared == 0 => "nothing is known of any test".to_owned(),
        0 => "no test is worse in the candidate".to_owned(),
        1 => "1 test is worse in the candidate".to_owned(),
        n => format!("{n} tests are worse in the candidate"),
    };
    let runs = match series.runs.len() {
        1 => "1 run is kept".to_owned(),
        n => format!("{n} runs are kept"),
    };
    format!(
        "In the newest run, of {}, {worse}; {} of {} tests were compared. {runs}.",
        words::minute(&newest.started_at),
        newest.compared,
        newest.total
    )
}

fn places(series: &Series) -> Vec<Place> {
    let place = |run: &HistoryRun| Place {
        class: Answer(run.verdict).class(),
        sign: Answer(run.verdict).sign(),
        text: format!(
            "{}: {}, {} worse",
            words::minute(&run.started_at),
            Answer(run.verdict).word(),
            run.worse
        ),
    };
    series.runs.iter().map(place).collect()
}

/// Sides in their colours.
const SIDES: [(Role, &str); 2] = [(Role::Baseline, "baseline"), (Role::Candidate, "candidate")];

#[allow(clippy::cast_precision_loss, reason = "what is drawn has a few digits")]
fn plots(series: &Series, names: &[String]) -> Vec<Plot> {
    let count = |label: &str, class, value: fn(&HistoryRun) -> u64| Values {
        label: label.into(),
        class,
        values: series.runs.iter().map(|run| Some(value(run) as f64)).collect(),
    };
    let whole = |value: f64| format!("{value:.0}");
    let worse = vec![count("worse", "candidate", |run| run.worse)];
    let compared = vec![
        count("known", "other", |run| run.total),
        count("compared", "baseline", |run| run.compared),
    ];
    let times = |title, quantity: Quantity| {
        let values = |(role, class): (Role, &'static str)| Values {
            label: role.to_string(),
            class,
            values: series.runs.iter().map(|run| seconds(run, role, quantity)).collect(),
        };
        let all = SIDES.into_iter().map(values).collect();
        plot(title, names, all, Unit::Seconds, &amount::seconds)
    };
    let images = |title, flavour: Flavour| {
        let values = |(role, class): (Role, &'static str)| Values {
            label: role.to_string(),
            class,
            values: series.runs.iter().map(|run| bytes(run, role, flavour)).collect(),
        };
        let all = SIDES.into_iter().map(values).collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
        plot(title, names, all, Unit::Bytes, &|value| amount::bytes(value as u64))
    };
    [
        plot("Tests that are worse in the candidate", names, worse, Unit::Whole, &whole),
        plot("Tests compared, of those known", names, compared, Unit::Whole, &whole),
        times("Time of a cold build", Quantity::BuildWall),
        times("Time of the tests that pass on both sides, together", Quantity::TestWall),
        times(
            "An iteration of the benchmarks that both sides have (geometric mean)",
            Quantity::BenchIteration,
        ),
        images("Image on its base, unpacked", Flavour::Runtime),
        images("Image of its own Dockerfile, unpacked", Flavour::Own),
        images("Image on nothing, unpacked", Flavour::Empty),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn seconds(run: &HistoryRun, role: Role, quantity: Quantity) -> Option<f64> {
    let is_it =
        |time: &&libcmatrix_schema::HistoryTime| time.role == role && time.quantity == quantity;
    run.times.iter().find(is_it).map(|time| time.seconds)
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn bytes(run: &HistoryRun, role: Role, flavour: Flavour) -> Option<f64> {
    let is_it =
        |image: &&libcmatrix_schema::HistoryImage| image.role == role && image.flavour == flavour;
    run.images.iter().find(is_it).map(|image| image.bytes as f64)
}

fn run_view(run: &HistoryRun) -> RunView {
    let findings: Vec<String> = run.findings.iter().map(|code| sanitise_line(code)).collect();
    RunView {
        class: Answer(run.verdict).class(),
        answer: Answer(run.verdict).word(),
        cells: [
            words::minute(&run.started_at),
            run.version.as_deref().map_or("-".into(), sanitise_line),
            words::commit(run.commit.as_deref()),
            format!("{} of {}", run.compared, run.total),
            run.worse.to_string(),
            if findings.is_empty() { "-".into() } else { findings.join(", ") },
        ],
    }
}
