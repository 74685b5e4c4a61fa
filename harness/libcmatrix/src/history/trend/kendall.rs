//! Whether values grow over time: Kendall's exact test, and the line of Theil and Sen through them. Nothing
//! is assumed about how the values are distributed; one value far out moves neither much.

use crate::statistics::median;

/// How probable it is that as many values in no order at all show at least so much growth. None of
/// fewer than two values. Ties count for neither side, which makes it larger, never smaller.
#[allow(clippy::cast_precision_loss, reason = "counts of pairs of runs")]
pub(super) fn probability_of_growth(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    // Pairs that do not rise. Of values in no order, as many as a random permutation has inversions.
    let not_rising = pairs(values).filter(|(_, a, b)| b <= a).count();
    let mut ways = vec![1.0_f64];
    for n in 2..=values.len() {
        // Where the n-th value comes among those before, it makes 0 to n - 1 inversions more; each
        // place is as likely. Divided at once, so that nothing grows beyond what a number holds.
        let mut next = vec![0.0; ways.len() + n - 1];
        for (inversions, share) in ways.iter().enumerate() {
            for more in 0..n {
                next[inversions + more] += share / n as f64;
            }
        }
        ways = next;
    }
    Some(ways.iter().take(not_rising + 1).sum::<f64>().min(1.0))
}

/// Where the line begins and ends: its slope is the median of all slopes between two values.
#[allow(clippy::cast_precision_loss, reason = "counts of runs")]
pub(super) fn line(values: &[f64]) -> Option<(f64, f64)> {
    let slopes: Vec<f64> = pairs(values).map(|(apart, a, b)| (b - a) / apart).collect();
    let slope = median(&slopes)?;
    let rest: Vec<f64> = values.iter().enumerate().map(|(n, v)| v - slope * n as f64).collect();
    let from = median(&rest)?;
    Some((from, from + slope * (values.len() - 1) as f64))
}

/// Each value with each later one, and how far apart they are.
#[allow(clippy::cast_precision_loss, reason = "counts of runs")]
fn pairs(values: &[f64]) -> impl Iterator<Item = (f64, f64, f64)> {
    values.iter().enumerate().flat_map(move |(n, a)| {
        values[n + 1..].iter().enumerate().map(move |(more, b)| ((more + 1) as f64, *a, *b))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_probabilities() {
        let p = |values: &[f64]| probability_of_growth(values).expect("a probability");
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(p(&[1.0, 2.0, 3.0, 4.0, 5.0]), 1.0 / 120.0));
        // Of three values, one order has no inversion and two have one.
        assert!(near(p(&[1.0, 3.0, 2.0]), 3.0 / 6.0));
        assert!(near(p(&[3.0, 2.0, 1.0]), 1.0));
        assert!(near(p(&[1.0, 1.0, 1.0]), 1.0), "what stays the same does not grow");
        assert_eq!(probability_of_growth(&[1.0]), None);
    }

    #[test]
    fn one_value_far_out_does_not_bend_the_line() {
        assert_eq!(line(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some((1.0, 5.0)));
        assert_eq!(line(&[1.0, 2.0, 300.0, 4.0, 5.0]), Some((1.0, 5.0)));
        assert_eq!(line(&[2.0]), None);
    }

    proptest! {
        /// Values in no order are called growing no more often than is said: over all orders of some
        /// values, the share of those with at most this probability is at most this probability.
        #[test]
        fn chance_is_not_called_growth(order in Just((0..6).collect::<Vec<_>>()).prop_shuffle()) {
            let values: Vec<f64> = order.iter().map(|n| f64::from(*n)).collect();
            let p = probability_of_growth(&values).expect("a probability");
            let mut orders = Vec::new();
            permute(&mut (0..6).map(f64::from).collect::<Vec<_>>(), 0, &mut orders);
            let as_much = orders.iter().filter(|o| probability_of_growth(o).expect("one") <= p).count();
            prop_assert!(as_much as f64 / orders.len() as f64 <= p + 1e-9);
        }

        #[test]
        fn what_falls_is_never_growth(mut values in proptest::collection::vec(0.0_f64..1e6, 2..40)) {
            values.sort_by(|a, b| b.total_cmp(a));
            prop_assert!(probability_of_growth(&values).expect("one") >= 0.5);
            let (from, to) = line(&values).expect("a line");
            prop_assert!(to <= from + 1e-6);
        }
    }

    fn permute(values: &mut Vec<f64>, fixed: usize, all: &mut Vec<Vec<f64>>) {
        if fixed == values.len() {
            all.push(values.clone());
            return;
        }
        for n in fixed..values.len() {
            values.swap(fixed, n);
            permute(values, fixed + 1, all);
            values.swap(fixed, n);
        }
    }
}
