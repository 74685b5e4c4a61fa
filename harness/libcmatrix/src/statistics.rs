//! Medians and their intervals, for times and sizes that were taken several times. Pure: the same
//! values give the same interval.
//!
//! Intervals are by the percentile bootstrap of the median (Efron 1979): the values are drawn anew
//! 2000 times with replacement, and the middle 95 % of the medians are the interval. Nothing is
//! assumed about how times are distributed, which is skewed as a rule. Fewer than [`FEWEST`] values
//! give no interval: of four, the smallest and the largest are all that can come out.

/// Times that values are drawn anew.
const RESAMPLES: usize = 2000;
/// Fewest values that an interval is made of.
pub const FEWEST: usize = 5;
/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;

/// From here to there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The median; of an even number of values the mean of the middle two. None of no values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    (!sorted.is_empty()).then(|| median_of(&mut sorted))
}

fn median_of(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The interval of the median.
#[must_use]
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    if values.len() < FEWEST {
        return None;
    }
    let mut draws = Draws::new();
    let mut room = vec![0.0; values.len()];
    middle((0..RESAMPLES).map(|_| draws.median(values, &mut room)).collect())
}

/// The interval of the ratio of two medians, `b` to `a`. None where `a` may be 0.
#[must_use]
pub fn ratio_interval(a: &[f64], b: &[f64]) -> Option<Interval> {
    let is_positive = |values: &[f64]| values.iter().all(|value| *value > 0.0);
    if a.len() < FEWEST || b.len() < FEWEST || !is_positive(a) {
        return None;
    }
    let mut draws = Draws::new();
    let (mut room_a, mut room_b) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let ratio = |_| {
        let bottom = draws.median(a, &mut room_a);
        draws.median(b, &mut room_b) / bottom
    };
    middle((0..RESAMPLES).map(ratio).collect())
}

/// The interval of how the ratio of two medians moved: `b` to `a` now, by what it was then. Each pair is
/// `a`, `b`. None where an `a`, or a `b` of then, may be 0.
#[must_use]
pub fn moved_ratio_interval(then: (&[f64], &[f64]), now: (&[f64], &[f64])) -> Option<Interval> {
    let all = [then.0, then.1, now.0, now.1];
    let is_positive = |values: &[f64]| values.iter().all(|value| *value > 0.0);
    if all.iter().any(|values| values.len() < FEWEST || !is_positive(values)) {
        return None;
    }
    let mut draws = Draws::new();
    let mut rooms = all.map(|values| vec![0.0; values.len()]);
    let moved = |_| {
        let mut median = |n: usize| draws.median(all[n], &mut rooms[n]);
        let (a, b, later_a, later_b) = (median(0), median(1), median(2), median(3));
        (later_b / later_a) / (b / a)
    };
    middle((0..RESAMPLES).map(moved).collect())
}

/// The middle part of the values.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a few thousand values"
)]
fn middle(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[((last as f64) * share).round() as usize];
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some(Interval { low: at(tail), high: at(1.0 - tail) })
}

/// Random numbers that are the same every time (`SplitMix64`, Steele and others 2014).
struct Draws(u64);

impl Draws {
    fn new() -> Self {
        Self(0x6c69_6263_6d61_7472)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The median of as many values, each drawn from all.
    fn median(&mut self, values: &[f64], room: &mut [f64]) -> f64 {
        let count = values.len() as u64;
        for place in &mut *room {
            let drawn = usize::try_from(self.next() % count).unwrap_or(0);
            *place = values[drawn];
        }
        median_of(room)
    }
}

/// The geometric mean of positive values: the ratio of two means is the mean of the ratios. `None` of no values.
#[must_use]
pub fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (logs, number) = values.fold((0.0, 0.0), |(logs, number), v| (logs + v.ln(), number + 1.0));
    (number > 0.0).then(|| (logs / number).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ratio_of_geometric_means_is_the_mean_of_ratios() {
        let mean = |values: [f64; 3]| geometric_mean(values.into_iter()).expect("a mean");
        assert!((mean([1.0, 10.0, 100.0]) - 10.0).abs() < 1e-9);
        assert!((mean([2.0, 30.0, 400.0]) / mean([1.0, 10.0, 100.0]) - 24_f64.cbrt()).abs() < 1e-9);
        assert_eq!(geometric_mean(std::iter::empty()), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median_interval(&[1.0; 4]), None);
        assert_eq!(median_interval(&[1.0; 5]), Some(Interval { low: 1.0, high: 1.0 }));
        assert_eq!(ratio_interval(&[0.0; 5], &[1.0; 5]), None);
    }

    /// Skewed values with a tail, as times are: most near 1, some much more.
    fn times(draws: &mut Draws, count: usize) -> Vec<f64> {
        let one = |draws: &mut Draws| {
            #[allow(clippy::cast_precision_loss, reason = "a share")]
            let share = (draws.next() >> 11) as f64 / (1_u64 << 53) as f64;
            1.0 + 0.05 * -(1.0 - share).ln()
        };
        (0..count).map(|_| one(draws)).collect()
    }

    /// How often the interval of an equal pair holds 1: at least as often as is said, or nearly so.
    #[test]
    fn equal_sides_are_not_called_different() {
        for count in [5, 10, 20] {
            let mut draws = Draws(7);
            let (pairs, mut held) = (400, 0);
            for _ in 0..pairs {
                let (a, b) = (times(&mut draws, count), times(&mut draws, count));
                let interval = ratio_interval(&a, &b).expect("an interval");
                held += u32::from(interval.low <= 1.0 && 1.0 <= interval.high);
            }
            assert!(held * 100 >= pairs * 93, "{count} values: {held} of {pairs}");
        }
    }

    #[test]
    fn a_difference_is_seen() {
        let mut draws = Draws(11);
        let (a, b) = (times(&mut draws, 10), times(&mut draws, 10));
        let slower: Vec<f64> = b.iter().map(|time| time * 1.3).collect();
        let interval = ratio_interval(&a, &slower).expect("an interval");
        assert!(interval.low > 1.1 && interval.high < 1.5, "{interval:?}");
    }

    /// A machine that is slower by half on both sides moves nothing; one side that is, does.
    #[test]
    fn a_ratio_moves_by_one_side_only() {
        let mut draws = Draws(13);
        let mut some = |factor: f64| -> Vec<f64> {
            times(&mut draws, 10).iter().map(|time| time * factor).collect()
        };
        let then = (some(1.0), some(1.2));
        let (slower, worse) = ((some(1.5), some(1.8)), (some(1.5), some(2.4)));
        let moved = |now: &(Vec<f64>, Vec<f64>)| {
            moved_ratio_interval((&then.0, &then.1), (&now.0, &now.1)).expect("an interval")
        };
        assert!(moved(&slower).low < 1.0 && moved(&slower).high > 1.0, "{:?}", moved(&slower));
        assert!(moved(&worse).low > 1.1, "{:?}", moved(&worse));
        assert_eq!(moved_ratio_interval((&[1.0; 4], &then.1), (&then.0, &then.1)), None);
    }

    proptest! {
        #[test]
        fn an_interval_holds_the_median_and_does_not_hang_on_the_order(
            mut values in proptest::collection::vec(0.001_f64..1e6, FEWEST..30),
        ) {
            let before = median_interval(&values).expect("an interval");
            let middle = median(&values).expect("a median");
            prop_assert!(before.low <= middle && middle <= before.high);
            let (least, most) = values.iter().fold((f64::MAX, 0.0_f64), |(l, m), v| (l.min(*v), m.max(*v)));
            prop_assert!(least <= before.low && before.high <= most);
            values.reverse();
            prop_assert_eq!(median(&values), Some(middle));
        }
    }
}
