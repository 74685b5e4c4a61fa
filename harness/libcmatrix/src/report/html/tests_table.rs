//! All tests as compact JSON, for the script that searches and shows them.
//!
//! Ids are in order, so each is written as how many characters it shares with the one before, and the
//! rest: of 100,000 tests that is half of all bytes. The document:
//!
//! ```text
//! { legs: [name, name],
//!   kinds: [[change, outcome, outcome], ...]    what occurs; null: the side does not have the test
//!   kind: [index into kinds, ...]               one a test, as all that follow
//!   shared: [UTF-16 units, ...], rest: [text, ...]
//!   us: [[microseconds, ...], [...]]            of each side; -1: not measured
//!   details: { index of a test: its place in the page } }
//! ```

use std::collections::HashMap;

use libcmatrix_schema::{Change, ChangeKind, Role, RunRecord, Test};
use serde_json::json;

use crate::{report::sanitise::sanitise_line, statistics::median};

/// Bytes of the section around the document.
const AROUND: usize = 1 << 14;
/// Characters of an id that are kept.
const ID: usize = 300;

pub(super) struct TestsTable {
    /// The JSON, with nothing in it that ends a script.
    pub json: String,
    pub number: usize,
    /// Tests that there was no room for; those that differ come first.
    pub left_out: usize,
    pub kinds: Vec<ChangeKind>,
    pub outcomes: Vec<String>,
}

impl TestsTable {
    /// The table, in at most `room` bytes; none where nothing was compared.
    pub(super) fn of(
        record: &RunRecord,
        details: &HashMap<&str, usize>,
        room: usize,
    ) -> Option<Self> {
        let changes = &record.comparison.as_ref()?.changes;
        if changes.is_empty() {
            return None;
        }
        let mut kept: Vec<&Change> = changes.iter().collect();
        let times = [Role::Baseline, Role::Candidate].map(|role| times(record, role));
        let room = room.saturating_sub(AROUND);
        let mut json = document(record, &kept, &times, details);
        while json.len() > room && !kept.is_empty() {
            kept.sort_by(|a, b| (a.change, &a.id).cmp(&(b.change, &b.id)));
            kept.truncate(kept.len() * room / json.len() * 19 / 20);
            kept.sort_by(|a, b| a.id.cmp(&b.id));
            json = document(record, &kept, &times, details);
        }
        let outcomes = changes.iter().flat_map(|c| [&c.baseline, &c.candidate]).flatten();
        let mut outcomes: Vec<String> = outcomes.map(|name| sanitise_line(name)).collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        let occurs = |kind: &ChangeKind| changes.iter().any(|c| c.change == *kind);
        Some(Self {
            json,
            number: kept.len(),
            left_out: changes.len() - kept.len(),
            kinds: ChangeKind::ALL.into_iter().filter(occurs).collect(),
            outcomes,
        })
    }
}

/// Microseconds of each test, three digits of them.
fn times(record: &RunRecord, role: Role) -> HashMap<&str, i64> {
    let of_test = |test: &'_ Test| {
        let seconds = median(&test.attempts.iter().filter_map(|a| a.wall_s).collect::<Vec<_>>())?;
        let us = (seconds * 1e6).clamp(0.0, 1e15);
        let unit = 10_f64.powf((us.max(1.0).log10().floor() - 2.0).max(0.0));
        #[allow(clippy::cast_possible_truncation, reason = "at most 1e15")]
        let rounded = ((us / unit).round() * unit) as i64;
        Some(rounded)
    };
    let leg = record.leg(role).into_iter();
    leg.flat_map(|leg| &leg.tests).filter_map(|t| Some((t.id.as_str(), of_test(t)?))).collect()
}

fn document(
    record: &RunRecord,
    changes: &[&Change],
    times: &[HashMap<&str, i64>; 2],
    details: &HashMap<&str, usize>,
) -> String {
    let mut kinds: Vec<(ChangeKind, Option<&str>, Option<&str>)> = Vec::new();
    let mut index: HashMap<(ChangeKind, Option<&str>, Option<&str>), usize> = HashMap::new();
    let (mut kind, mut shared, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut places = serde_json::Map::new();
    let mut before = String::new();
    for (n, change) in changes.iter().enumerate() {
        let key = (change.change, change.baseline.as_deref(), change.candidate.as_deref());
        kind.push(*index.entry(key).or_insert_with(|| {
            kinds.push(key);
            kinds.len() - 1
        }));
        let id = shown_id(&change.id);
        let same: usize = common_prefix(&before, &id);
        shared.push(id[..same].encode_utf16().count());
        rest.push(id[same..].to_owned());
        if let Some(place) = details.get(change.id.as_str()) {
            places.insert(n.to_string(), json!(place));
        }
        before = id;
    }
    let name = |role| {
        record.leg(role).map_or_else(|| format!("no {role}"), |leg| sanitise_line(&leg.name))
    };
    let us = |side: &HashMap<&str, i64>| -> Vec<i64> {
        changes.iter().map(|c| side.get(c.id.as_str()).copied().unwrap_or(-1)).collect()
    };
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(change, a, b)| {
            json!([change.to_string(), a.map(sanitise_line), b.map(sanitise_line)])
        })
        .collect();
    let document = json!({
        "legs": [name(Role::Baseline), name(Role::Candidate)],
        "kinds": kinds,
        "kind": kind,
        "shared": shared,
        "rest": rest,
        "us": [us(&times[0]), us(&times[1])],
        "details": places,
    });
    harmless_in_a_script(&document.to_string())
}

fn shown_id(id: &str) -> String {
    let id = sanitise_line(id);
    match id.char_indices().nth(ID) {
        Some((at, _)) => format!("{}\u{2026}", &id[..at]),
        None => id,
    }
}

/// Bytes that both begin with, whole characters.
fn common_prefix(a: &str, b: &str) -> usize {
    let pairs = a.chars().zip(b.chars());
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// These characters are only in strings of JSON, where they may be written by their number. `<` begins
/// what ends a script, or a comment that swallows its end.
fn harmless_in_a_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_by_number_is_the_same(text in any::<String>()) {
            let json = harmless_in_a_script(&json!(text).to_string());
            let acts = json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(!acts);
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }

        #[test]
        fn ids_come_back(a in "[ab\u{e9}\u{1f980}]{0,8}", b in "[ab\u{e9}\u{1f980}]{0,8}") {
            let same = common_prefix(&a, &b);
            let units = a[..same].encode_utf16().count();
            let before: Vec<u16> = a.encode_utf16().take(units).collect();
            prop_assert_eq!(String::from_utf16(&before).expect("whole characters") + &b[same..], b);
        }
    }
}
