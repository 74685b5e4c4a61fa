//! What changed between two runs, for people: the answer first, then what makes the runs less
//! comparable, then tests, findings, times and images.

pub mod matrices;

use std::fmt::Write;

use anstyle::AnsiColor;
use libcmatrix_schema::{
    CostDifference, CostShows, FindingInBrief, Moved, RunDifference, RunInBrief, TestDifference,
    TestDifferenceKind as Kind, Weight,
};

use super::{
    amount,
    answer::Answer,
    columns::table,
    history::words,
    measured::{self, name},
    sanitise::sanitise_line,
    terminal::{BOLD, DIM, more, wrapped},
};

/// Tests of one kind that are shown; the JSON form has them all.
const SHOWN: usize = 25;

/// Shows the difference in `width` columns.
#[must_use]
pub fn render(difference: &RunDifference, width: usize) -> String {
    let mut out = String::new();
    answer(&mut out, difference, width);
    conditions(&mut out, difference, width);
    tests(&mut out, difference, width);
    findings(&mut out, difference, width);
    steps(&mut out, difference);
    costs(&mut out, difference, width);
    images(&mut out, difference, width);
    out
}

fn answer(out: &mut String, difference: &RunDifference, width: usize) {
    let (word, colour) = match (difference.worse.is_empty(), difference.cannot_tell.is_empty()) {
        (false, _) => ("WORSE", AnsiColor::Red),
        (true, false) => ("CANNOT TELL", AnsiColor::Yellow),
        (true, true) => ("NOTHING WORSE", AnsiColor::Green),
    };
    let style = colour.on_default().bold();
    let project = sanitise_line(&difference.later.project);
    let _ = writeln!(out, "\n{style}{word}{style:#}  {BOLD}{project}{BOLD:#}");
    for (when, run) in [("then", &difference.earlier), ("now ", &difference.later)] {
        let _ = writeln!(out, "{DIM}{when}{DIM:#}  {}", in_brief(run));
        if let Some(commit) = &run.commit {
            let _ = writeln!(out, "      commit {}", words::commit(Some(commit)));
        }
    }
    let _ = writeln!(out);
    for reason in &difference.worse {
        wrapped(out, "  - ", &sanitise_line(reason), width);
    }
    for reason in &difference.cannot_tell {
        wrapped(out, "  - ", &sanitise_line(reason), width);
    }
    if !difference.cannot_tell.is_empty() {
        wrapped(out, "  - ", "what it did not see may be worse", width);
    }
    if difference.still_worse > 0 {
        let text = format!("{} in both runs", tests_are(difference.still_worse));
        wrapped(out, "  - ", &text, width);
    }
    if difference.worse.is_empty()
        && difference.cannot_tell.is_empty()
        && difference.still_worse == 0
    {
        wrapped(out, "  - ", "no test is worse in the candidate than it was", width);
    }
}

fn tests_are(n: u64) -> String {
    match n {
        1 => "1 test is worse in the candidate".into(),
        n => format!("{n} tests are worse in the candidate"),
    }
}

fn in_brief(run: &RunInBrief) -> String {
    let verdict = Answer(run.verdict).word();
    format!(
        "{}  {verdict}, {} worse, {} of {} tests compared",
        sanitise_line(&run.run_id),
        run.worse,
        run.compared,
        run.total
    )
}

fn conditions(out: &mut String, difference: &RunDifference, width: usize) {
    for (weight, title) in [
        (Weight::OtherQuestion, "not the same question: what differs may come from this alone"),
        (Weight::MayExplain, "also different, and may explain what follows"),
        (Weight::TimesOnly, "another machine: times cannot be set against each other"),
    ] {
        let found = || difference.conditions.iter().filter(move |c| c.weight == weight);
        if found().next().is_none() {
            continue;
        }
        let _ = writeln!(out, "\n{BOLD}{title}{BOLD:#}");
        for condition in found() {
            let [then, now] = [&condition.earlier, &condition.later].map(|t| sanitise_line(t));
            wrapped(out, "  - ", &format!("{}: {then} -> {now}", condition.code), width);
        }
    }
}

fn tests(out: &mut String, difference: &RunDifference, width: usize) {
    for kind in Kind::ALL {
        let all: Vec<&TestDifference> =
            difference.tests.iter().filter(|test| test.kind == kind).collect();
        if all.is_empty() {
            continue;
        }
        let (title, meaning) = words(kind);
        let _ = writeln!(out, "\n{BOLD}{title} ({}){BOLD:#} {DIM}{meaning}{DIM:#}", all.len());
        for test in all.iter().take(SHOWN) {
            let _ = writeln!(out, "  {}", sanitise_line(&test.id));
            // That a test is new, or gone, the title says.
            if test.earlier.is_some() && test.later.is_some() {
                wrapped(out, "    ", &sanitise_line(&test.reason), width);
            } else if let Some(later) = test.later.filter(|_| test.later_is_worse) {
                let _ = writeln!(out, "    {} from the start", words::what(later));
            }
        }
        more(out, all.len().saturating_sub(SHOWN), "test", Some("--format json"));
    }
}

fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Regressed => ("regressed", "worse in the candidate than they were"),
        Kind::Fixed => ("fixed", "no longer worse in the candidate, or less badly"),
        Kind::Uncovered => ("uncovered", "bad on both sides then, in the candidate alone now"),
        Kind::Hidden => ("hidden", "worse in the candidate then, bad on both sides now: not fixed"),
        Kind::BrokenAlike => ("broken on both sides", "says nothing about musl"),
        Kind::MendedAlike => ("mended on both sides", "says nothing about musl"),
        Kind::ResultLost => ("without a result now", "compared then"),
        Kind::ResultGained => ("with a result now", "not compared then"),
        Kind::Appeared => ("new tests", "only the later run has them"),
        Kind::Gone => ("gone tests", "only the earlier run has them: neither fixed nor broken"),
        Kind::WithinChance => ("within chance", "seen differently, which proves nothing"),
    }
}

fn findings(out: &mut String, difference: &RunDifference, width: usize) {
    for (title, findings) in
        [("new findings", &difference.new_findings), ("gone findings", &difference.gone_findings)]
    {
        if findings.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{BOLD}{title} ({}){BOLD:#}", findings.len());
        for FindingInBrief { code, title, severity, confidence, tests } in findings {
            let plural = if *tests == 1 { "" } else { "s" };
            let text = format!(
                "{} ({confidence}, severity {severity}, {tests} test{plural}): {}",
                sanitise_line(code),
                sanitise_line(title)
            );
            wrapped(out, "  - ", &text, width);
        }
    }
}

fn steps(out: &mut String, difference: &RunDifference) {
    if difference.steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}steps{BOLD:#}");
    for step in &difference.steps {
        let word = |status: Option<libcmatrix_schema::StepStatus>| {
            status.map_or("not reached".into(), |status| status.to_string())
        };
        let (then, now) = (word(step.earlier), word(step.later));
        let _ = writeln!(out, "  {} of the {}: {then} -> {now}", step.step, step.role);
    }
}

fn costs(out: &mut String, difference: &RunDifference, width: usize) {
    let told: Vec<&CostDifference> =
        difference.costs.iter().filter(|cost| cost.shows != CostShows::NotMeasured).collect();
    let _ = writeln!(
        out,
        "\n{BOLD}times{BOLD:#} {DIM}of the candidate, medians; ratios with their 95 % intervals{DIM:#}"
    );
    for cost in told {
        let median = |of: fn(&Moved) -> f64| {
            cost.candidate
                .as_ref()
                .map_or("-".into(), |moved| measured::amount(cost.quantity, of(moved)))
        };
        let (then, now) = (median(|m| m.earlier_median), median(|m| m.later_median));
        let candidate = cost.candidate.and_then(|m| Some((m.ratio?, m.interval?)));
        let moved = candidate.map_or("-".into(), |(r, [low, high])| ratio(r, low, high));
        let against =
            cost.against_baseline.map_or("-".into(), |[r, low, high]| ratio(r, low, high));
        let text = format!(
            "{}: {}; {then} -> {now}, {moved}; measured by the baseline {against}",
            name(cost.quantity),
            shows(cost.shows)
        );
        wrapped(out, "  - ", &text, width);
    }
    let missing: Vec<&str> = difference
        .costs
        .iter()
        .filter(|cost| cost.shows == CostShows::NotMeasured)
        .map(|cost| name(cost.quantity))
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "not measured: {}; both runs need five values or more (--build-repeats 5, --attempts 5, --bench=5)",
            missing.join(", ")
        );
        wrapped(out, "  - ", &text, width);
    }
}

fn ratio(ratio: f64, low: f64, high: f64) -> String {
    format!("x {ratio:.2} ({low:.2} to {high:.2})")
}

fn shows(shows: CostShows) -> &'static str {
    match shows {
        CostShows::More => "more",
        CostShows::Less => "less",
        CostShows::BothMoved => "the baseline moved as well",
        CostShows::NoDifference => "no difference shown",
        CostShows::NotMeasured => "not measured",
    }
}

#[allow(clippy::cast_precision_loss, reason = "percents are shown")]
fn images(out: &mut String, difference: &RunDifference, width: usize) {
    if difference.images.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}images{BOLD:#} {DIM}as they would be shipped{DIM:#}");
    let head = ["", "then", "now", "", "gzip then", "now"].map(String::from);
    let rows = difference.images.iter().map(|image| {
        let moved = image.later_bytes as f64 / image.earlier_bytes.max(1) as f64;
        [
            format!("{} {}", image.role, image.flavour),
            amount::bytes(image.earlier_bytes),
            amount::bytes(image.later_bytes),
            match image.later_bytes == image.earlier_bytes {
                true => "the same".into(),
                false => format!("{:+.1} %", (moved - 1.0) * 100.0),
            },
            amount::bytes(image.earlier_gzip_bytes),
            amount::bytes(image.later_gzip_bytes),
        ]
    });
    table(out, std::iter::once(head).chain(rows), width);
}
