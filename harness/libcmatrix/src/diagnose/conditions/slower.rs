//! What a test that takes longer must do more often for a condition to hold.

use super::{
    super::{
        facts::{Sides, Slower},
        rule::SlowerCondition,
    },
    Grounds,
};
use crate::compare::NOTICEABLE_S;

/// Fewer waits or page faults than this take no time that anyone would notice.
const FEW: f64 = 1000.0;

/// Its grounds tell all that was measured, so that conditions that hold together say one thing.
pub(super) fn holds(slower: Slower, is: SlowerCondition) -> Option<Grounds> {
    let Slower { seconds, waits, page_faults, processor } = slower;
    let holds = grew(waits, FEW, is.waits)
        && grew(page_faults, FEW, is.page_faults)
        && grew(processor, NOTICEABLE_S, is.processor);
    let said = format!(
        "{:.2} s on glibc, {:.2} s on musl; processor: {:.2} s and {:.2} s; waits: {:.0} and {:.0}; \
         page faults: {:.0} and {:.0}",
        seconds.baseline,
        seconds.candidate,
        processor.baseline,
        processor.candidate,
        waits.baseline,
        waits.candidate,
        page_faults.baseline,
        page_faults.candidate,
    );
    holds.then(|| Grounds::said(said))
}

/// Whether the candidate has so many times as much, and at least so much more; without a number any will do.
fn grew(sides: Sides, least: f64, times: Option<f64>) -> bool {
    times.is_none_or(|times| {
        sides.candidate - sides.baseline >= least && sides.candidate >= times * sides.baseline
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 threads on one processor, as measured: they hardly ever meet.
    const ALONE: Slower = Slower {
        seconds: Sides { baseline: 0.11, candidate: 0.63 },
        waits: Sides { baseline: 22.0, candidate: 128.0 },
        page_faults: Sides { baseline: 175.0, candidate: 1700.0 },
        processor: Sides { baseline: 0.10, candidate: 0.62 },
    };

    #[test]
    fn each_number_that_is_given_must_hold() {
        let is = |waits, page_faults, processor| {
            holds(ALONE, SlowerCondition { waits, page_faults, processor }).is_some()
        };
        assert!(is(None, None, Some(2.0)));
        assert!(!is(None, None, Some(7.0)));
        assert!(is(None, Some(9.0), Some(2.0)));
        assert!(!is(None, Some(10.0), Some(2.0)));
        assert!(!is(Some(2.0), None, Some(2.0)), "so few waits take no time");
    }

    #[test]
    fn a_little_more_processor_time_is_nothing() {
        let little = Slower { processor: Sides { baseline: 0.01, candidate: 0.05 }, ..ALONE };
        let is = SlowerCondition { processor: Some(2.0), ..SlowerCondition::default() };
        assert!(holds(little, is).is_none());
    }
}
