//! The tests of both legs side by side, by their ids. One pass over both in order: looking up each of a
//! million ids would take most of a comparison's time.

use std::cmp::Ordering;

use libcmatrix_schema::Test;

/// A test as either leg knows it; one of them does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub(super) id: &'a str,
    pub(super) baseline: Option<&'a Test>,
    pub(super) candidate: Option<&'a Test>,
}

/// All tests, in the order of their ids.
pub(super) fn pair<'a>(baseline: &'a [Test], candidate: &'a [Test]) -> Vec<Pair<'a>> {
    let (left, right) = (in_order(baseline), in_order(candidate));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut pairs = Vec::with_capacity(left.len().max(right.len()));
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.id.cmp(&b.id),
        };
        let baseline = left.next_if(|_| order != Ordering::Greater);
        let candidate = right.next_if(|_| order != Ordering::Less);
        let Some(test) = baseline.or(candidate) else { return pairs };
        pairs.push(Pair { id: &test.id, baseline, candidate });
    }
}

/// By id; of several with the same the last.
fn in_order(tests: &[Test]) -> Vec<&Test> {
    let mut tests: Vec<&Test> = tests.iter().rev().collect();
    tests.sort_by(|a, b| a.id.cmp(&b.id));
    tests.dedup_by(|a, b| a.id == b.id);
    tests
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{Attempt, AttemptStatus, Outcome};

    use super::*;

    #[test]
    fn each_id_comes_once_with_what_there_is_of_it() {
        let test = |id: &str, signal| {
            let attempts = vec![Attempt::unmeasured(AttemptStatus::Crashed { signal })];
            Test { id: id.into(), outcome: Outcome::of(&attempts), attempts }
        };
        let a = [test("p$c", 1), test("p$a", 2), test("p$c", 3)];
        let b = [test("p$b", 4), test("p$c", 5)];
        let signal = |test: Option<&Test>| match test.map(|test| &test.outcome) {
            Some(Outcome::Crashed { signal }) => *signal,
            _ => 0,
        };
        let pairs: Vec<(&str, i32, i32)> = pair(&a, &b)
            .into_iter()
            .map(|pair| (pair.id, signal(pair.baseline), signal(pair.candidate)))
            .collect();
        assert_eq!(pairs, [("p$a", 2, 0), ("p$b", 0, 4), ("p$c", 3, 5)]);
    }
}
