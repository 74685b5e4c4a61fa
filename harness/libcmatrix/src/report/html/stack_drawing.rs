//! The stack of a thread that crashed, as a drawing: the stack, the guard below it, where the stack
//! pointer is and which address could not be used.
//!
//! The parts have fixed heights, since a guard is a page or two and a stack may be megabytes: inside
//! a part heights are to scale, between the parts they are not.

use libcmatrix_schema::Crash;

use crate::report::amount;

/// Upper ends of the parts, in units of the drawing; addresses grow upwards.
const STACK_TOP: f64 = 28.0;
const GUARD_TOP: f64 = 188.0;
const BELOW_TOP: f64 = 252.0;
const BOTTOM: f64 = 312.0;
/// Room that a label needs, in the same units.
const LABEL: f64 = 52.0;

pub(super) struct StackDrawing {
    /// In words, for those who do not see it.
    pub description: String,
    /// Height of what is drawn as used, from the upper end on.
    pub used: Option<String>,
    pub has_guard: bool,
    pub stack_size: String,
    pub guard_size: String,
    pub high: String,
    pub low: String,
    pub guard_low: String,
    pub markers: Vec<Marker>,
    /// Whether something lies outside of stack and guard.
    pub has_outside: bool,
    /// Height of the drawing.
    pub height: String,
}

/// An address with its label.
pub(super) struct Marker {
    /// `fault` or `sp`: names of the style sheet.
    pub class: &'static str,
    pub name: &'static str,
    pub address: String,
    pub remark: String,
    /// Where it is.
    pub y: String,
    /// Where its label begins; labels do not overlap.
    pub label: [String; 3],
    /// The middle of its label.
    pub label_y: String,
}

impl StackDrawing {
    /// None where the stack was not found.
    pub(super) fn of(fault: &Crash) -> Option<Self> {
        let stack = fault.thread.stack?;
        let (low, high) = (stack.low, stack.high.max(stack.low));
        let guard_low = stack.guard_low.filter(|guard| *guard < low);
        let at = |address: u64| height(address, low, high, guard_low);
        let mut marks: Vec<(&'static str, &'static str, u64, f64)> = Vec::new();
        if let Some(place) = &fault.address {
            marks.push(("fault", "fault address", place.address, at(place.address)));
        }
        marks.push(("sp", "stack pointer", fault.sp.address, at(fault.sp.address)));
        marks.sort_by(|a, b| a.3.total_cmp(&b.3));
        let labels = apart(&marks.iter().map(|mark| mark.3).collect::<Vec<_>>());
        let remark = |address: u64| remark(address, low, high, guard_low);
        let markers = marks.iter().zip(labels).map(|((class, name, address, y), label)| Marker {
            class,
            name,
            address: format!("{address:#x}"),
            remark: remark(*address),
            y: format!("{y:.1}"),
            label: [-12.0, 4.0, 19.0].map(|line| format!("{:.1}", label + line)),
            label_y: format!("{label:.1}"),
        });
        let sp = fault.sp.address;
        // A stack fills from its upper end down to the stack pointer.
        let used = (sp <= high).then(|| format!("{:.1}", at(sp).min(GUARD_TOP) - STACK_TOP));
        let address = fault.address.as_ref().map_or("no fault address".into(), |place| {
            format!("the fault address {:#x} is {}", place.address, remark(place.address))
        });
        let size = amount::bytes(high - low);
        let description = format!(
            "A stack of {size} from {high:#x} down to {low:#x}, {}; the stack pointer {sp:#x} is {}; {address}.",
            guard_low.map_or("without a guard".into(), |guard| format!(
                "with a guard of {} below it",
                amount::bytes(low - guard)
            )),
            remark(sp),
        );
        let has_outside = marks.iter().any(|mark| mark.3 >= BELOW_TOP || mark.3 < STACK_TOP);
        let height = if has_outside { BOTTOM } else { BELOW_TOP + 14.0 };
        Some(Self {
            description,
            has_outside,
            height: format!("{:.0}", height + 8.0),
            used,
            has_guard: guard_low.is_some(),
            stack_size: size,
            guard_size: amount::bytes(guard_low.map_or(0, |guard| low - guard)),
            high: format!("{high:#x}"),
            low: format!("{low:#x}"),
            guard_low: guard_low.map(|guard| format!("{guard:#x}")).unwrap_or_default(),
            markers: markers.collect(),
        })
    }
}

/// Where an address is drawn.
fn height(address: u64, low: u64, high: u64, guard_low: Option<u64>) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a place in a drawing")]
    let share = |from: u64, to: u64| {
        if to == from { 0.5 } else { (address - from) as f64 / (to - from) as f64 }
    };
    match guard_low {
        _ if address > high => STACK_TOP / 2.0,
        _ if address >= low => GUARD_TOP - share(low, high) * (GUARD_TOP - STACK_TOP),
        Some(guard) if address >= guard => BELOW_TOP - share(guard, low) * (BELOW_TOP - GUARD_TOP),
        _ => f64::midpoint(BELOW_TOP, BOTTOM),
    }
}

fn remark(address: u64, low: u64, high: u64, guard_low: Option<u64>) -> String {
    if address > high {
        return "above the stack".into();
    }
    if address >= low {
        return format!("{} above its lower end", amount::bytes(address - low));
    }
    match guard_low {
        Some(guard) if address >= guard => {
            format!("{} into the guard", amount::bytes(low - address))
        }
        _ if low - address > 1 << 30 => "far from the stack".into(),
        _ => format!("{} below the stack", amount::bytes(low - address)),
    }
}

/// Middles of labels, one for each height (which are sorted), that do not overlap and stay inside.
fn apart(heights: &[f64]) -> Vec<f64> {
    let mut labels = heights.to_vec();
    let mut above = 18.0 - LABEL;
    for label in &mut labels {
        *label = label.max(above + LABEL);
        above = *label;
    }
    // Those that have sunk too low are lifted, and what is in their way.
    let mut below = BOTTOM - 24.0 + LABEL;
    for label in labels.iter_mut().rev() {
        *label = label.min(below - LABEL);
        below = *label;
    }
    labels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_part_has_its_place() {
        let at = |address| height(address, 0x3000, 0x5000, Some(0x1000));
        assert!((at(0x5000) - STACK_TOP).abs() < 0.1);
        assert!((at(0x3000) - GUARD_TOP).abs() < 0.1);
        assert!(at(0x2fff) > GUARD_TOP && at(0x1000) <= BELOW_TOP, "in the guard");
        assert!(at(0xfff) > BELOW_TOP && at(0xfff) < BOTTOM, "below all");
        assert!(at(0x5001) < STACK_TOP, "above all");
        assert_eq!(remark(0x2c00, 0x3000, 0x5000, Some(0x1000)), "1.0 KiB into the guard");
        assert_eq!(remark(0x10, 1 << 40, 2 << 40, None), "far from the stack");
    }

    proptest! {
        #[test]
        fn labels_do_not_overlap(a in 14.0..BOTTOM, b in 14.0..BOTTOM) {
            let labels = apart(&[a.min(b), a.max(b)]);
            prop_assert!(labels[1] - labels[0] >= LABEL - 0.01, "{labels:?}");
            prop_assert!(labels[0] >= 0.0 && labels[1] <= BOTTOM + 18.0, "{labels:?}");
        }

        #[test]
        fn higher_addresses_are_drawn_higher(a in any::<u64>(), b in any::<u64>()) {
            let (low, high, guard) = (1 << 46, (1 << 46) + (1 << 20), Some((1 << 46) - 8192));
            let at = |address| height(address, low, high, guard);
            prop_assert!(at(a.min(b)) >= at(a.max(b)));
        }
    }
}
