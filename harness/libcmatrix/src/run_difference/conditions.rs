//! What makes two runs less comparable: other images, another compiler, other settings, another
//! machine. Each is a cause that a difference may have beside the project itself.

use std::collections::BTreeMap;

use libcmatrix_schema::{ConditionDifference, Leg, Role, RunRecord, Settings, Weight};

pub(super) fn differences(earlier: &RunRecord, later: &RunRecord) -> Vec<ConditionDifference> {
    let mut all = Found(Vec::new());
    whole(&mut all, earlier, later);
    questions(&mut all, earlier, later);
    settings(&mut all, &earlier.settings, &later.settings);
    for role in [Role::Baseline, Role::Candidate] {
        legs(&mut all, role, earlier.leg(role), later.leg(role));
    }
    machine(&mut all, earlier, later);
    all.0.sort_by_key(|condition| condition.weight);
    all.0
}

/// What was found so far.
struct Found(Vec<ConditionDifference>);

impl Found {
    fn add(&mut self, code: &str, weight: Weight, earlier: String, later: String) {
        if earlier != later {
            let code = code.to_owned();
            self.0.push(ConditionDifference { code, earlier, later, weight });
        }
    }
}

fn whole(all: &mut Found, earlier: &RunRecord, later: &RunRecord) {
    use Weight::{MayExplain, OtherQuestion};
    let ended = |record: &RunRecord| {
        let text = match (&record.finished_at, record.interrupted) {
            (_, true) => "interrupted",
            (None, _) => "killed",
            _ => "finished",
        };
        text.to_owned()
    };
    all.add("end", OtherQuestion, ended(earlier), ended(later));
    if earlier.started_at > later.started_at {
        // Times of one format, in UTC: as texts they are in order.
        let (first, second) = (earlier.started_at.clone(), later.started_at.clone());
        all.add("order", OtherQuestion, first, second);
    }
    let versions = |record: &RunRecord| {
        let packages = record.project.packages.iter();
        joined(packages.map(|package| format!("{} {}", package.name, package.version)))
    };
    all.add("project-version", MayExplain, versions(earlier), versions(later));
    let tool = |record: &RunRecord| format!("{} {}", record.tool.name, record.tool.version);
    all.add("libcmatrix", MayExplain, tool(earlier), tool(later));
}

fn questions(all: &mut Found, earlier: &RunRecord, later: &RunRecord) {
    let mut now = question(later);
    for (code, then) in question(earlier) {
        let now = now.remove(&code).unwrap_or_default();
        all.add(&code, Weight::OtherQuestion, then, now);
    }
}

/// What a run asks, by the codes of the conditions: only runs that ask the same can be set against each
/// other. May hold hostile text.
#[must_use]
pub fn question(record: &RunRecord) -> BTreeMap<String, String> {
    let asked = &record.settings;
    let control = asked.control.map_or("none", |_| "the baseline against itself");
    let doctests = if asked.doctests { "asked for" } else { "not asked for" };
    let of = |role| record.leg(role).map_or("none".into(), environment);
    [
        ("architecture", format!("{} {}", record.host.os, record.host.arch)),
        ("baseline-environment", of(Role::Baseline)),
        ("candidate-environment", of(Role::Candidate)),
        ("cargo-arguments", joined(asked.cargo_args.iter().cloned())),
        ("control", control.into()),
        ("doctests", doctests.into()),
        ("filters", joined(asked.filters.iter().cloned())),
        ("profile", asked.profile.clone()),
        ("test-image", asked.test_image.clone()),
    ]
    .map(|(code, text)| (code.to_owned(), text))
    .into()
}

/// `alpine 3.23 (musl, static)`
#[must_use]
pub fn environment(leg: &Leg) -> String {
    let e = &leg.environment;
    format!("{} {} ({}, {})", e.distro, e.release, e.libc, e.linkage)
}

fn settings(all: &mut Found, a: &Settings, b: &Settings) {
    use Weight::{MayExplain, TimesOnly};
    let mut both = |code, weight, text: &dyn Fn(&Settings) -> String| {
        all.add(code, weight, text(a), text(b));
    };
    both("attempts", MayExplain, &|s| format!("{}, {} more to confirm", s.attempts, s.confirm));
    both("test-threads", MayExplain, &|s| s.test_threads.to_string());
    both("limits", MayExplain, &|s| {
        let l = &s.limits;
        let mib = |bytes: u64| bytes >> 20;
        format!(
            "build {} MiB, tests {} MiB, {} processes, {} s a test, {} s a step",
            mib(l.build_memory_bytes),
            mib(l.test_memory_bytes),
            l.pids,
            l.test_time_s,
            l.step_time_s
        )
    });
    both("build-jobs", TimesOnly, &|s| s.build_jobs.to_string());
}

fn legs(all: &mut Found, role: Role, a: Option<&Leg>, b: Option<&Leg>) {
    let mut both = |what: &str, text: &dyn Fn(&Leg) -> String| {
        let shown = |leg: Option<&Leg>| leg.map_or("none".into(), text);
        all.add(&format!("{role}-{what}"), Weight::MayExplain, shown(a), shown(b));
    };
    both("toolchain", &|leg| {
        let toolchain = leg.environment.toolchain.as_ref();
        toolchain.map_or("not known".into(), |t| format!("rustc {} for {}", t.release, t.target))
    });
    both("images", &|leg| {
        let images = leg.environment.images.iter();
        joined(images.map(|i| format!("{} {} {}", i.purpose, i.reference, short(&i.digest))))
    });
    both("variables", &|leg| {
        joined(leg.environment.env.iter().map(|(name, value)| format!("{name}={value}")))
    });
    both("engine", &|leg| leg.environment.engine.clone());
    both("limits-by", &|leg| {
        joined(leg.environment.limits_by.iter().map(|(limit, by)| format!("{limit}: {by}")))
    });
}

fn machine(all: &mut Found, earlier: &RunRecord, later: &RunRecord) {
    let kernel = |record: &RunRecord| record.host.kernel.clone();
    all.add("kernel", Weight::MayExplain, kernel(earlier), kernel(later));
    let size = |record: &RunRecord| {
        // To whole gibibytes: a virtual machine does not always get the same to the byte.
        let gib = (record.host.memory_bytes + (1 << 29)) >> 30;
        format!("{} processors, {gib} GiB", record.host.cpus)
    };
    all.add("machine", Weight::TimesOnly, size(earlier), size(later));
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { "none".into() } else { texts.join(", ") }
}

/// So much of a digest tells it from any other.
fn short(digest: &str) -> String {
    let hex = digest.rsplit(':').next().unwrap_or(digest);
    hex.chars().take(12).collect()
}
