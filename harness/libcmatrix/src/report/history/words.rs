//! Parts that both forms say alike.

use libcmatrix_schema::{ChangeKind, Growth, GrowthOf, OngoingRegression, RunName, Series};

use super::super::{amount, sanitise::sanitise_line};

/// `2026-11-29 02:00` of a time in RFC 3339.
pub(in crate::report) fn minute(time: &str) -> String {
    let time = sanitise_line(time);
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => time,
    }
}

/// As git shortens it.
pub(in crate::report) fn commit(commit: Option<&str>) -> String {
    let Some(commit) = commit else { return "-".into() };
    let short: String = commit.chars().take(9).collect();
    sanitise_line(&short)
}

/// What is worse, of a test that is.
pub(in crate::report) fn what(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Regressed => "bad in the candidate only",
        ChangeKind::Disappeared => "not there in the candidate",
        ChangeKind::Differs => "bad on both sides, differently",
        ChangeKind::Appeared => "bad in the candidate, which alone runs it",
        _ => "other",
    }
}

/// What the runs of a series ask, without what was not asked for.
pub(super) fn question(series: &Series) -> String {
    let asked = series
        .question
        .iter()
        .filter(|(_, text)| !matches!(text.as_str(), "none" | "not asked for"));
    let asked: Vec<String> =
        asked.map(|(code, text)| sanitise_line(&format!("{code}: {text}"))).collect();
    asked.join("; ")
}

/// That what each test did was pruned, where it was.
pub(super) fn not_kept(series: &Series) -> Option<String> {
    let runs = match series.runs.iter().filter(|run| !run.has_details).count() {
        0 => return None,
        n => n,
    };
    let plural = if runs == 1 { "" } else { "s" };
    Some(if runs == series.runs.len() {
        format!(
            "what each test did in {runs} run{plural} is not kept, so which are worse now is not known"
        )
    } else {
        format!("what each test did in {runs} older run{plural} is not kept")
    })
}

/// `2026-11-29 02:00, commit 0123abcd`.
pub(super) fn run(name: &RunName) -> String {
    let time = minute(&name.started_at);
    match &name.commit {
        Some(id) => format!("{time}, commit {}", commit(Some(id))),
        None => time,
    }
}

/// Since when, and what came before.
pub(super) fn since(regression: &OngoingRegression) -> String {
    let runs = match regression.bad_runs {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    };
    let before = match &regression.last_good {
        Some(good) => format!("last good {}", run(good)),
        None => "no good run is kept".into(),
    };
    let silent = match regression.silent_runs {
        0 => String::new(),
        1 => "; 1 run since does not tell".into(),
        n => format!("; {n} runs since do not tell"),
    };
    format!("first bad {} ({runs}); {before}{silent}", run(&regression.first_bad))
}

pub(super) fn grown(growth: &Growth) -> String {
    match &growth.of {
        GrowthOf::Build => "cold build".into(),
        GrowthOf::Test { id } => sanitise_line(id),
        GrowthOf::Image { flavour } => format!("image {}", flavour),
    }
}

/// Where it began and where it ended.
pub(super) fn from_and_to(growth: &Growth) -> [String; 2] {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a number of bytes"
    )]
    let amount = |value: f64| match growth.of {
        GrowthOf::Image { .. } => amount::bytes(value.max(0.0) as u64),
        _ => amount::seconds(value),
    };
    [amount(growth.from), amount(growth.to)]
}

/// `+ 12 %`
pub(super) fn percent(growth: &Growth) -> String {
    format!("+{:.0} %", (growth.to / growth.from - 1.0) * 100.0)
}
