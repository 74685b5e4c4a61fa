//! A logarithmic axis: where a value is, and which values are told at its ticks. Pure.

/// From here to there, both above 0.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct LogAxis {
    low: f64,
    high: f64,
}

impl LogAxis {
    /// An axis that has room for all of `values` that are above 0: at least a tenfold of room, and
    /// some beside the outermost. None where there is no such value.
    pub(in super::super) fn around(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let positive = values.into_iter().filter(|v| *v > 0.0 && v.is_finite());
        let (low, high) = positive
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if high == 0.0 {
            return None;
        }
        let spread = (high / low).max(10.0).sqrt() * 1.3;
        let middle = f64::midpoint(low.ln(), high.ln()).exp();
        Some(Self { low: middle / spread, high: middle * spread })
    }

    /// An axis from `low` to `high`.
    pub(in super::super) fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// The value in its middle.
    pub(in super::super) fn middle(&self) -> f64 {
        f64::midpoint(self.low.ln(), self.high.ln()).exp()
    }

    /// Where a value is, from 0 to 100; what lies outside is at the edge.
    pub(in super::super) fn at(&self, value: f64) -> f64 {
        if value <= self.low {
            return 0.0;
        }
        ((value / self.low).ln() / (self.high / self.low).ln() * 100.0).min(100.0)
    }

    /// Powers of `base` inside, every second or third where they are many.
    pub(in super::super) fn ticks(&self, base: f64, most: usize) -> Vec<f64> {
        let power = |value: f64| value.log(base);
        #[allow(clippy::cast_possible_truncation, reason = "a logarithm is small")]
        let (first, last) = (power(self.low).ceil() as i32, power(self.high).floor() as i32);
        let all: Vec<i32> = (first..=last).collect();
        let every = all.len().div_ceil(most.max(1)).max(1);
        all.into_iter().step_by(every).map(|n| base.powi(n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_have_room() {
        let axis = LogAxis::around([0.001, 0.1]).expect("an axis");
        assert!((axis.at(0.01) - 50.0).abs() < 0.01, "{}", axis.at(0.01));
        let ticks = axis.ticks(10.0, 9);
        assert_eq!(ticks.len(), 3, "{ticks:?}");
        assert!((ticks[0] - 0.001).abs() < 1e-9);
        assert!(axis.ticks(10.0, 2).len() <= 2);
        assert!(LogAxis::around([0.0, -1.0, f64::NAN]).is_none());
    }

    proptest! {
        #[test]
        fn nothing_is_outside(values in prop::collection::vec(1e-9..1e12_f64, 1..20)) {
            let axis = LogAxis::around(values.clone()).expect("an axis");
            for value in values {
                let at = axis.at(value);
                prop_assert!(at > 0.0 && at < 100.0, "{value} at {at}");
            }
        }
    }
}
