//! Attempts of the tests, the legs taking turns: A B, B A, A B. What drifts while a run goes on (heat,
//! other load, a filling disk) so meets both sides alike.
//!
//! Takes the legs and how often; the attempts go to the recorder. A leg whose engine fails drops out,
//! the others go on.

use std::collections::HashSet;

use libcmatrix_schema::StepName;

use crate::{
    failure::Result,
    leg::{Context, Leg, step::RunningStep, test},
};

/// Runs tests of every leg, `rounds` times each. Gives how each leg's step ended, in the legs' order.
pub(super) async fn run(
    context: &Context,
    legs: &mut [&mut Leg],
    name: StepName,
    rounds: u32,
    only: Option<&HashSet<String>>,
) -> Vec<Result<()>> {
    let mut turns: Vec<Turn<'_>> = legs.iter().map(|leg| Turn::begin(context, leg, name)).collect();
    for round in 0..rounds {
        for at in order(legs.len(), round) {
            turns[at].take(context, legs[at], only).await;
        }
    }
    turns.into_iter().map(Turn::finish).collect()
}

/// Which leg comes when: in every second round the other way round.
pub(super) fn order(legs: usize, round: u32) -> Vec<usize> {
    let forth = 0..legs;
    if round.is_multiple_of(2) { forth.collect() } else { forth.rev().collect() }
}

/// One leg's step over all rounds.
struct Turn<'a> {
    /// Absent if it could not begin.
    step: Option<RunningStep<'a>>,
    ended: Result<()>,
}

impl<'a> Turn<'a> {
    fn begin(context: &'a Context, leg: &Leg, name: StepName) -> Self {
        match RunningStep::begin(context, leg, name) {
            Ok(mut step) => {
                step.pause();
                Self { step: Some(step), ended: Ok(()) }
            }
            Err(failure) => Self { step: None, ended: Err(failure) },
        }
    }

    async fn take(&mut self, context: &Context, leg: &mut Leg, only: Option<&HashSet<String>>) {
        if self.ended.is_err() {
            return;
        }
        let Some(step) = &mut self.step else { return };
        step.resume();
        self.ended = test::attempt_each(context, leg, only, step).await;
        step.pause();
    }

    fn finish(self) -> Result<()> {
        match self.step {
            Some(step) => step.finish(self.ended),
            None => self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn the_legs_take_turns_and_none_is_always_first() {
        let rounds: Vec<usize> = (0..4).flat_map(|round| order(2, round)).collect();
        assert_eq!(rounds, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(order(1, 1), [0]);
    }
}
