//! The two sides beside each other: what they are made of, what was done in them, what it took.

use libcmatrix_schema::{Leg, Role, RunRecord, Step, StepName, StepStatus};

use crate::report::{
    amount,
    sanitise::sanitise_line,
    terminal::legs::{ROWS, Row},
};

pub(super) struct Environments {
    pub sides: Vec<SideName>,
    pub rows: Vec<(&'static str, Vec<String>)>,
    /// Purpose, and of each side reference, digest and size.
    pub images: Vec<(String, Vec<ImageCell>)>,
    pub steps: Vec<(StepName, Vec<StepCell>)>,
}

pub(super) struct SideName {
    pub role: Role,
    pub name: String,
    pub libc: String,
}

pub(super) struct ImageCell {
    pub reference: String,
    pub digest: String,
    pub size: String,
}

pub(super) struct StepCell {
    pub status: String,
    /// `good`, `bad` or `other`: names of the style sheet.
    pub class: &'static str,
    pub took: String,
    pub log: String,
}

impl Environments {
    pub(super) fn of(record: &RunRecord) -> Self {
        let legs: Vec<&Leg> = record.sides().collect();
        Self {
            sides: legs.iter().map(|leg| side(leg)).collect(),
            rows: rows(&legs),
            images: images(&legs),
            steps: steps(&legs),
        }
    }
}

fn side(leg: &Leg) -> SideName {
    let environment = &leg.environment;
    SideName {
        role: leg.role,
        name: sanitise_line(&leg.name),
        libc: format!("{}, {}", environment.libc, environment.linkage),
    }
}

fn rows(legs: &[&Leg]) -> Vec<(&'static str, Vec<String>)> {
    let own: [Row; 4] = [
        ("distribution", |l| {
            let e = &l.environment;
            sanitise_line(&format!("{} {}", e.distro, e.release))
        }),
        ("compiler's commit", |l| {
            let toolchain = l.environment.toolchain.as_ref();
            toolchain.map_or("-".into(), |t| sanitise_line(&t.commit))
        }),
        ("variables", |l| {
            let pairs = l.environment.env.iter().map(|(name, value)| format!("{name}={value}"));
            or_dash(sanitise_line(&pairs.collect::<Vec<_>>().join(" ")))
        }),
        ("limits set by", |l| {
            let pairs = l.environment.limits_by.iter().map(|(what, by)| format!("{what}: {by}"));
            or_dash(sanitise_line(&pairs.collect::<Vec<_>>().join(", ")))
        }),
    ];
    // Name and role are the table's head.
    let rows = own.into_iter().chain(ROWS.into_iter().skip(2));
    rows.map(|(label, cell)| (label, legs.iter().map(|leg| cell(leg)).collect::<Vec<_>>()))
        .filter(|(_, cells)| cells.iter().any(|cell| cell != "-"))
        .collect()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

fn images(legs: &[&Leg]) -> Vec<(String, Vec<ImageCell>)> {
    let mut purposes: Vec<&str> = Vec::new();
    for image in legs.iter().flat_map(|leg| &leg.environment.images) {
        if !purposes.contains(&image.purpose.as_str()) {
            purposes.push(&image.purpose);
        }
    }
    let cell = |leg: &Leg, purpose: &str| {
        let image = leg.environment.images.iter().find(|image| image.purpose == purpose);
        ImageCell {
            reference: image.map_or("-".into(), |i| sanitise_line(&i.reference)),
            digest: image.map(|i| sanitise_line(&i.digest)).unwrap_or_default(),
            size: image.and_then(|i| i.unpacked_bytes).map(amount::bytes).unwrap_or_default(),
        }
    };
    let row = |purpose: &str| {
        (sanitise_line(purpose), legs.iter().map(|leg| cell(leg, purpose)).collect())
    };
    purposes.into_iter().map(row).collect()
}

fn steps(legs: &[&Leg]) -> Vec<(StepName, Vec<StepCell>)> {
    let mut names: Vec<StepName> =
        legs.iter().flat_map(|leg| &leg.steps).map(|step| step.name).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name| (name, legs.iter().map(|leg| step_cell(leg.step(name))).collect());
    names.into_iter().map(row).collect()
}

fn step_cell(step: Option<&Step>) -> StepCell {
    let Some(step) = step else {
        let status = "not reached".into();
        return StepCell { status, class: "other", took: String::new(), log: String::new() };
    };
    let class = match step.status {
        StepStatus::Passed => "good",
        StepStatus::Skipped => "other",
        _ => "bad",
    };
    StepCell {
        status: step.status.to_string(),
        class,
        took: amount::seconds(step.wall_s),
        log: step.log.as_deref().map(sanitise_line).unwrap_or_default(),
    }
}
