//! Which tests run, and since when. Pure: the time is told from outside.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// After this time a log is told of a test that still runs; then after twice that, and so on.
const FIRST_WORD: Duration = Duration::from_secs(60);

/// The tests that run.
#[derive(Default)]
pub(super) struct RunningTests {
    /// By leg and id.
    tests: HashMap<(String, String), Since>,
}

struct Since {
    begun: Instant,
    /// When a log is told of it next.
    next_word: Duration,
}

/// A test that has been running for a while.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slow {
    pub(super) leg: String,
    /// The test's id. Hostile text.
    pub(super) id: String,
    pub(super) since: Duration,
}

impl RunningTests {
    pub(super) fn begin(&mut self, leg: &str, id: &str, now: Instant) {
        let since = Since { begun: now, next_word: FIRST_WORD };
        self.tests.insert((leg.to_owned(), id.to_owned()), since);
    }

    pub(super) fn end(&mut self, leg: &str, id: &str) {
        self.tests.remove(&(leg.to_owned(), id.to_owned()));
    }

    /// Nothing of that leg runs any more.
    pub(super) fn end_all(&mut self, leg: &str) {
        self.tests.retain(|(of, _), _| of != leg);
    }

    /// Those that have run for that time, the longest first.
    pub(super) fn longer_than(&self, least: Duration, now: Instant) -> Vec<Slow> {
        let all = self.tests.iter().map(|((leg, id), since)| Slow {
            leg: leg.clone(),
            id: id.clone(),
            since: now.saturating_duration_since(since.begun),
        });
        let mut slow: Vec<Slow> = all.filter(|test| test.since >= least).collect();
        slow.sort_by(|a, b| {
            b.since.cmp(&a.since).then_with(|| (&a.leg, &a.id).cmp(&(&b.leg, &b.id)))
        });
        slow
    }

    /// Those that a log is to be told of now, each time once.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Slow> {
        let due = self.longer_than(FIRST_WORD, now);
        due.into_iter()
            .filter(|slow| {
                let key = (slow.leg.clone(), slow.id.clone());
                let Some(since) = self.tests.get_mut(&key) else { return false };
                if slow.since < since.next_word {
                    return false;
                }
                while since.next_word <= slow.since {
                    since.next_word *= 2;
                }
                true
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn ids(slow: &[Slow]) -> Vec<(&str, u64)> {
        slow.iter().map(|test| (test.id.as_str(), test.since.as_secs())).collect()
    }

    #[test]
    fn the_longest_stands_first() {
        let begun = Instant::now();
        let mut running = RunningTests::default();
        running.begin("musl", "p$b", begun);
        running.begin("musl", "p$a", begun + seconds(5));
        running.begin("glibc", "p$a", begun + seconds(9));
        let now = begun + seconds(10);
        assert_eq!(ids(&running.longer_than(seconds(3), now)), [("p$b", 10), ("p$a", 5)]);
        running.end("musl", "p$b");
        assert_eq!(ids(&running.longer_than(seconds(0), now)), [("p$a", 5), ("p$a", 1)]);
        running.end_all("musl");
        assert_eq!(ids(&running.longer_than(seconds(0), now)), [("p$a", 1)]);
    }

    #[test]
    fn a_log_is_told_ever_less_often() {
        let begun = Instant::now();
        let mut running = RunningTests::default();
        running.begin("musl", "p$a", begun);
        let told: Vec<u64> =
            (0..600).filter(|s| !running.due(begun + seconds(*s)).is_empty()).collect();
        assert_eq!(told, [60, 120, 240, 480]);
    }

    /// A machine that was asleep is no reason to say the same thing three times.
    #[test]
    fn what_was_missed_is_told_once() {
        let begun = Instant::now();
        let mut running = RunningTests::default();
        running.begin("musl", "p$a", begun);
        assert_eq!(ids(&running.due(begun + seconds(500))), [("p$a", 500)]);
        assert_eq!(ids(&running.due(begun + seconds(501))), []);
    }

    #[test]
    fn an_attempt_that_begins_anew_counts_anew() {
        let begun = Instant::now();
        let mut running = RunningTests::default();
        running.begin("musl", "p$a", begun);
        running.begin("musl", "p$a", begun + seconds(50));
        assert!(running.due(begun + seconds(70)).is_empty());
    }
}
