//! One test in both runs: what became of it, and how sure that is.

use libcmatrix_schema::{Change, ChangeKind, Test, TestDifferenceKind as Kind};

use super::is_worse;
use crate::compare::{
    chance::{Count, LIMIT, percent, probability},
    change::{Violence, passes, runs},
};

/// What one run says of a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) change: &'a Change,
    pub(super) baseline: Option<&'a Test>,
    pub(super) candidate: Option<&'a Test>,
}

/// What that comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Worse in the candidate.
    Worse,
    /// Good in the candidate.
    Good,
    /// Bad in the candidate and not better in the baseline.
    Bad,
    /// No result on one side.
    NoResult,
    /// Attempts disagree, or are too few to tell.
    Unsettled,
}

/// Something that became of it.
pub(super) struct Became {
    pub(super) kind: Kind,
    pub(super) reason: String,
    pub(super) probability: Option<f64>,
}

/// What became of a test that both runs know; nothing where they say the same.
pub(super) fn between(earlier: &Seen<'_>, later: &Seen<'_>) -> Option<Became> {
    let p = chance(earlier.candidate, later.candidate);
    let kind = kind(earlier, later, p)?;
    let mut reason = numbers(earlier, later);
    if matches!(kind, Kind::Regressed | Kind::Fixed) {
        let ends = if kind == Kind::Regressed { (earlier, later) } else { (later, earlier) };
        match p {
            _ if !ended_as_never_before(ends.0, ends.1).is_empty() => {}
            // Both runs are sure of what they saw; that it was another night that changed it rests on this.
            Some(p) if p > LIMIT => reason
                .push_str(&format!("; so few attempts differ by chance in {} of runs", percent(p))),
            _ => {}
        }
    }
    Some(Became { kind, reason, probability: p })
}

fn kind(earlier: &Seen<'_>, later: &Seen<'_>, p: Option<f64>) -> Option<Kind> {
    let (then, now) = (class(earlier), class(later));
    let sure = is_settled(earlier) && is_settled(later);
    let moved = moved(earlier, later, p);
    Some(match (then, now) {
        (Class::Worse, Class::Worse) => {
            // It is worse in both; only an end that it never had is more than that.
            let (new, gone) =
                (ended_as_never_before(earlier, later), ended_as_never_before(later, earlier));
            match (new.is_empty(), gone.is_empty()) {
                (false, true) => Kind::Regressed,
                (true, false) => Kind::Fixed,
                _ => return None,
            }
        }
        (Class::Unsettled, Class::Unsettled) => moved?,
        (a, b) if a == b => return None,
        (Class::NoResult, _) => Kind::ResultGained,
        (_, Class::NoResult) => Kind::ResultLost,
        (Class::Bad, Class::Worse) if sure => Kind::Uncovered,
        (Class::Worse, Class::Bad) if sure => Kind::Hidden,
        (Class::Good, Class::Bad) if sure => Kind::BrokenAlike,
        (Class::Bad, Class::Good) if sure => Kind::MendedAlike,
        (Class::Good, Class::Worse) if sure => Kind::Regressed,
        (Class::Worse, Class::Good) if sure => Kind::Fixed,
        (Class::Good, Class::Bad) if moved == Some(Kind::Regressed) => Kind::BrokenAlike,
        (Class::Bad, Class::Good) if moved == Some(Kind::Fixed) => Kind::MendedAlike,
        // What the candidate did must have moved in the direction that the runs say.
        (_, Class::Worse) if moved == Some(Kind::Regressed) => Kind::Regressed,
        (Class::Worse, _) if moved == Some(Kind::Fixed) => Kind::Fixed,
        (Class::Unsettled, Class::Good) if moved == Some(Kind::Fixed) => Kind::Fixed,
        (Class::Good, Class::Unsettled) if moved == Some(Kind::Regressed) => Kind::Regressed,
        _ => Kind::WithinChance,
    })
}

fn class(seen: &Seen<'_>) -> Class {
    let has_result = |outcome: Option<&str>| !matches!(outcome, None | Some("not-run"));
    let change = seen.change;
    let is_good = matches!(change.candidate.as_deref(), Some("passed" | "leaked"));
    match change.change {
        ChangeKind::Indeterminate => {
            let both = [change.baseline.as_deref(), change.candidate.as_deref()];
            if both.into_iter().all(has_result) { Class::Unsettled } else { Class::NoResult }
        }
        _ if is_worse(change) => Class::Worse,
        ChangeKind::Unstable => Class::Unsettled,
        // A binary that is compared as a whole has no outcome, and here it starts.
        ChangeKind::Fixed => Class::Good,
        _ if is_good => Class::Good,
        _ if matches!(change.candidate.as_deref(), None | Some("not-run" | "ignored")) => {
            Class::NoResult
        }
        _ => Class::Bad,
    }
}

/// Whether the attempts of each side agree on good or bad.
fn is_settled(seen: &Seen<'_>) -> bool {
    let agrees = |test: &Test| passes(test) == runs(test) || passes(test) == 0;
    let is_called = !matches!(class(seen), Class::Unsettled | Class::NoResult);
    is_called && [seen.baseline, seen.candidate].into_iter().flatten().all(agrees)
}

/// Whether what the candidate did moved beyond chance, or to an end it never had, and where to.
fn moved(earlier: &Seen<'_>, later: &Seen<'_>, p: Option<f64>) -> Option<Kind> {
    let by_share = p.filter(|p| *p <= LIMIT).and_then(|_| {
        let (a, b) = (earlier.candidate?, later.candidate?);
        // Shares, as products so that nothing is rounded.
        match (passes(a) * runs(b)).cmp(&(passes(b) * runs(a))) {
            std::cmp::Ordering::Greater => Some(Kind::Regressed),
            std::cmp::Ordering::Less => Some(Kind::Fixed),
            std::cmp::Ordering::Equal => None,
        }
    });
    let new = ended_as_never_before(earlier, later);
    let gone = ended_as_never_before(later, earlier);
    let by_end = match (new.is_empty(), gone.is_empty()) {
        (false, true) => Some(Kind::Regressed),
        (true, false) => Some(Kind::Fixed),
        _ => None,
    };
    match (by_share, by_end) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => a.or(b),
    }
}

/// Ends that a test does not choose, seen on the candidate of the second run: not on its baseline, and
/// not on the candidate of the first.
fn ended_as_never_before(first: &Seen<'_>, second: &Seen<'_>) -> Vec<Violence> {
    let (Some(before), Some(now)) = (first.candidate, second.candidate) else { return Vec::new() };
    let is_new = |violence: &Violence| {
        let on_baseline = second.baseline.is_some_and(|test| violence.count(test) > 0);
        violence.count(now) > 0 && violence.count(before) == 0 && runs(before) > 0 && !on_baseline
    };
    Violence::ALL.into_iter().filter(is_new).collect()
}

fn chance(earlier: Option<&Test>, later: Option<&Test>) -> Option<f64> {
    let count = |test: &Test| Count { like_this: passes(test), of: runs(test) };
    let (a, b) = (count(earlier?), count(later?));
    (a.of > 0 && b.of > 0).then(|| probability(a, b))
}

/// `candidate: passed 1 of 1 then, 0 of 5 now (crashed in 5)`.
fn numbers(earlier: &Seen<'_>, later: &Seen<'_>) -> String {
    let moved = |side: &str, then: Option<&Test>, now: Option<&Test>| {
        format!("{side}: {} then, {} now", counted(then), counted(now))
    };
    let candidate = moved("candidate", earlier.candidate, later.candidate);
    let same = counted(earlier.baseline) == counted(later.baseline);
    let good = |test: Option<&Test>| test.is_some_and(|t| passes(t) == runs(t) && runs(t) > 0);
    // Of a baseline that is good in both there is nothing to say.
    if same || (good(earlier.baseline) && good(later.baseline)) {
        return candidate;
    }
    format!("{candidate}; {}", moved("baseline", earlier.baseline, later.baseline))
}

fn counted(test: Option<&Test>) -> String {
    let Some(test) = test else { return "no result".into() };
    let of = runs(test);
    if of == 0 {
        return test.outcome.name().to_owned();
    }
    let ends: Vec<String> = Violence::ALL
        .into_iter()
        .filter(|violence| violence.count(test) > 0)
        .map(|violence| {
            let end = violence.in_words();
            let end = end.strip_prefix("it was ").or(end.strip_prefix("it ")).unwrap_or(end);
            format!("{end} in {}", violence.count(test))
        })
        .collect();
    let ends = if ends.is_empty() { String::new() } else { format!(" ({})", ends.join(", ")) };
    format!("passed {} of {of}{ends}", passes(test))
}
