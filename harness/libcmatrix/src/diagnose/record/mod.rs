//! Findings of a run: what failed on musl and not on glibc, explained.
//!
//! Takes a record with its comparison; gives findings, one a cause, each with the tests and steps it
//! explains. What is the same on both sides is not looked at, but for packages that neither side has:
//! with them there would be more to compare. What no rule explains becomes one finding `unexplained`,
//! so that nothing is lost and nothing is blamed on musl without a reason.

mod causes;
mod changed_tests;
mod failed_steps;
mod final_images;
mod slower_tests;

use std::{cmp::Reverse, collections::HashSet};

use libcmatrix_schema::{Comparison, Finding, Leg, Role, RunRecord};

use super::{
    facts::{Context, Facts},
    proof,
    rule::Category,
};
use causes::Causes;

/// The code of what no rule explains.
pub const UNEXPLAINED: &str = "unexplained";

/// Explains what differs.
#[must_use]
pub fn findings(record: &RunRecord, comparison: &Comparison) -> Vec<Finding> {
    let (Some(baseline), Some(candidate)) =
        (record.leg(Role::Baseline), record.leg(Role::Candidate))
    else {
        return Vec::new();
    };
    let mut causes = Causes::default();
    failed_steps::explain(&mut causes, baseline, candidate);
    changed_tests::explain(&mut causes, comparison, baseline, candidate);
    slower_tests::explain(&mut causes, comparison, baseline, candidate);
    final_images::explain(&mut causes, candidate);
    let mut findings = causes.findings();
    let tried = record.experiments.iter().flat_map(|experiment| &experiment.tests);
    let tried: HashSet<&str> = tried.map(|test| test.id.as_str()).collect();
    let before = candidate.tests.iter().filter(|test| tried.contains(test.id.as_str()));
    let before = before.map(|test| (test.id.as_str(), test)).collect();
    proof::apply(&mut findings, &record.experiments, comparison, &before);
    sort(&mut findings);
    findings
}

/// The surest first, of these what is the libc's business, of these the gravest; what nothing explains last.
fn sort(findings: &mut [Finding]) {
    let not_libc = |f: &Finding| f.category == Category::NotLibc.name();
    let rank = |f: &Finding| {
        (f.code == UNEXPLAINED, Reverse(f.confidence), not_libc(f), Reverse(f.severity))
    };
    findings.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.code.cmp(&b.code)));
}

/// Of a leg it is known where it ran.
fn in_leg(mut facts: Facts, leg: &Leg) -> Facts {
    let musl = leg.environment.libc == libcmatrix_schema::Libc::Musl;
    facts.context = Context { musl, glibc: !musl };
    facts.linkage = Some(leg.environment.linkage);
    facts
}
