//! Where the stack of a crashed thread is, worked out from its stack pointer, its thread pointer
//! and the mappings.
//!
//! A stack pointer alone does not do: in an overflow it may lie in the guard, and where a large frame
//! was entered, far below. The C libraries keep what belongs to a thread at the top of the stack that
//! they made for it, so the thread pointer leads there.

use libcmatrix_schema::StackBounds;

use super::maps::{Map, Maps};

/// What the kernel leaves free below the main thread's stack (`stack_guard_gap`, 256 pages). Also the
/// most that counts as a guard: memory of no use next to it becomes one mapping with it.
const WIDEST_GUARD: u64 = 1 << 20;

const PAGE: u64 = 4096;

/// A thread's whereabouts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub(super) is_main: bool,
    pub(super) sp: u64,
    /// 0 where it is not known.
    pub(super) thread_pointer: u64,
    /// The size that the main thread's stack may grow to; `None` without a limit.
    pub(super) size_limit: Option<u64>,
}

/// The stack the thread was on, if it is one.
pub(super) fn find(maps: &Maps, thread: Thread) -> Option<StackBounds> {
    if thread.is_main
        && let Some(bounds) = main_stack(maps, thread)
    {
        return Some(bounds);
    }
    // The thread's own stack, which its thread pointer is at the top of.
    let own = maps.find(thread.thread_pointer).filter(|map| could_be_stack(map) && !thread.is_main);
    let at_sp = maps.find(thread.sp);
    if let Some(map) = at_sp.filter(|map| could_be_stack(map)) {
        let high = match own {
            // Mappings that touch become one: what is above the thread pointer is not the stack.
            Some(own) if own == map && thread.thread_pointer > thread.sp => thread.thread_pointer,
            _ => map.high,
        };
        // Without a guard below and without a thread pointer in it, it may be any memory.
        let known = own == Some(map) || guard_of(maps, map).is_some();
        return known.then(|| bounds(maps, map, high, thread.sp));
    }
    // In the guard itself: the stack is right above.
    if let Some(map) = at_sp.filter(|map| map.is_inaccessible())
        && let Some(above) = maps.right_above(map).filter(|map| could_be_stack(map))
    {
        let high = if own == Some(above) { thread.thread_pointer } else { above.high };
        return Some(bounds(maps, above, high, thread.sp));
    }
    // Beyond the guard.
    let own = own.filter(|map| thread.sp < map.low)?;
    Some(bounds(maps, own, thread.thread_pointer, thread.sp))
}

fn could_be_stack(map: &Map) -> bool {
    map.is_read_write() && map.is_anonymous() && map.name != "[heap]"
}

fn main_stack(maps: &Maps, thread: Thread) -> Option<StackBounds> {
    let map = maps.named("[stack]")?;
    let low =
        thread.size_limit.map_or(map.low, |limit| map.high.saturating_sub(limit)).min(map.low);
    // The kernel takes a page more or less into account: randomised starts are not aligned.
    let free_from = maps.nearest_below(map.low).map_or(0, |below| below.high);
    let low = low.max(free_from);
    let guard_low = free_from.max(low.saturating_sub(WIDEST_GUARD));
    let guard_low =
        if thread.sp < low { skipped(free_from, thread.sp, guard_low) } else { guard_low };
    let is_on_it = (guard_low..=map.high).contains(&thread.sp);
    is_on_it.then_some(StackBounds {
        low,
        high: map.high,
        guard_low: (guard_low < low).then_some(guard_low),
    })
}

fn bounds(maps: &Maps, stack: &Map, high: u64, sp: u64) -> StackBounds {
    let guard = guard_of(maps, stack);
    let mut guard_low = guard.map(|g| g.low.max(stack.low.saturating_sub(WIDEST_GUARD)));
    if sp < stack.low {
        let inaccessible_to = guard.map_or(stack.low, |g| g.low);
        let free_from = maps.nearest_below(inaccessible_to).map_or(0, |below| below.high);
        let free_from =
            if guard.is_some_and(|g| g.low <= sp) { inaccessible_to } else { free_from };
        guard_low = Some(skipped(free_from, sp, guard_low.unwrap_or(stack.low)));
    }
    StackBounds { low: stack.low, high, guard_low: guard_low.filter(|low| *low < stack.low) }
}

fn guard_of<'a>(maps: &'a Maps, stack: &Map) -> Option<&'a Map> {
    maps.right_below(stack).filter(|map| map.is_inaccessible())
}

/// A stack pointer below the stack shows that a frame was too large for it: all that is inaccessible
/// from there on up belongs to the overflow, with the page below, which a call may touch.
fn skipped(free_from: u64, sp: u64, guard_low: u64) -> u64 {
    let touched = (sp & !(PAGE - 1)).saturating_sub(PAGE);
    if sp >= free_from { guard_low.min(touched.max(free_from)) } else { guard_low }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As musl lays threads out: guard and stack, one after the other; memory that touches the second.
    const THREADS: &str = "\
        00400000-00500000 r-xp 00000000 08:01 7 /bin/a\n\
        00600000-00700000 rw-p 00000000 00:00 0 [heap]\n\
        7f0000000000-7f0000002000 ---p 00000000 00:00 0\n\
        7f0000002000-7f0000023000 rw-p 00000000 00:00 0\n\
        7f0000023000-7f0000025000 ---p 00000000 00:00 0\n\
        7f0000025000-7f0000090000 rw-p 00000000 00:00 0\n\
        7ffff0000000-7ffff0021000 rw-p 00000000 00:00 0 [stack]\n";

    fn at(sp: u64, thread_pointer: u64) -> Option<(u64, u64, Option<u64>)> {
        let thread = Thread { is_main: false, sp, thread_pointer, size_limit: None };
        find(&Maps::parse(THREADS), thread).map(|b| (b.low, b.high, b.guard_low))
    }

    #[test]
    fn a_thread_on_its_stack() {
        let second = (0x7f00_0002_5000, 0x7f00_0004_5f00, Some(0x7f00_0002_3000));
        assert_eq!(at(0x7f00_0003_0000, 0x7f00_0004_5f00), Some(second), "cut at its pointer");
        let whole = (0x7f00_0002_5000, 0x7f00_0009_0000, Some(0x7f00_0002_3000));
        assert_eq!(at(0x7f00_0003_0000, 0), Some(whole), "a stack of other making");
        assert_eq!(at(0x60_1000, 0), None, "the heap");
        assert_eq!(at(0x40_1000, 0), None, "code");
        assert_eq!(at(0, 0), None);
    }

    #[test]
    fn a_thread_in_its_guard_or_below() {
        let first = (0x7f00_0000_2000, 0x7f00_0002_2f00, Some(0x7f00_0000_0000));
        assert_eq!(at(0x7f00_0000_1ff0, 0x7f00_0002_2f00), Some(first), "in the guard");
        let skipped = (0x7f00_0000_2000, 0x7f00_0002_2f00, Some(0x7eff_fff7_f000));
        assert_eq!(at(0x7eff_fff8_0010, 0x7f00_0002_2f00), Some(skipped), "far below");
        // The second thread's frame ends in the first thread's stack, where it may write.
        let over = at(0x7f00_0001_0000, 0x7f00_0004_5f00).expect("a stack");
        assert_eq!(over.0, 0x7f00_0000_2000);
    }

    #[test]
    fn the_main_thread() {
        let main = |sp, limit| {
            let thread =
                Thread { is_main: true, sp, thread_pointer: 0x60_0100, size_limit: Some(limit) };
            find(&Maps::parse(THREADS), thread).map(|b| (b.low, b.high, b.guard_low))
        };
        let low = 0x7fff_f002_1000 - 0x80_0000;
        let bounds = Some((low, 0x7fff_f002_1000, Some(low - WIDEST_GUARD)));
        assert_eq!(main(0x7fff_f001_0000, 0x80_0000), bounds);
        assert_eq!(main(low - 0x100, 0x80_0000), bounds);
        let sp = low - 0x40_0000;
        let skipped = Some((low, 0x7fff_f002_1000, Some(sp - PAGE)));
        assert_eq!(main(sp, 0x80_0000), skipped);
        assert_eq!(main(0x7f00_0003_0000, 0x80_0000).map(|b| b.0), Some(0x7f00_0002_5000));
    }
}
