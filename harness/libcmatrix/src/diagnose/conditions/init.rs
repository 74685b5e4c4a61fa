//! What a program does not do as the first process of a container.

use libcmatrix_schema::AsInit;

use super::{super::rule::InitDuty, Grounds};

/// Its grounds, if it fails in this duty.
pub(super) fn fails(as_init: &AsInit, duty: InitDuty) -> Option<Grounds> {
    match duty {
        InitDuty::Stop => (!as_init.stops).then(|| {
            Grounds::said("as process 1 of its image it had not ended 10 s after SIGTERM")
        }),
        InitDuty::Reap => {
            let names = as_init.unreaped.as_ref().filter(|names| !names.is_empty())?;
            Some(Grounds::said(format!(
                "as process 1 of its image it does not wait for what ended: {}",
                names.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duty_is_a_ground_of_its_own() {
        let is = |stops, unreaped: Option<&[&str]>, duty| {
            let unreaped = unreaped.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
            fails(&AsInit { stops, unreaped }, duty).is_some()
        };
        assert!(!is(true, Some(&[]), InitDuty::Stop) && !is(true, Some(&[]), InitDuty::Reap));
        assert!(is(false, None, InitDuty::Stop) && !is(false, None, InitDuty::Reap));
        assert!(
            is(true, Some(&["sh"]), InitDuty::Reap) && !is(true, Some(&["sh"]), InitDuty::Stop)
        );
    }
}
