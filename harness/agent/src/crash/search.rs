//! One step up the stack where code has no unwind tables: the return address is searched for.
//!
//! A word on the stack is taken for one if it points behind a call instruction, and that call leads
//! to the function that the thread is in. What musl's own code needs, and C code that is built
//! without tables. Where no symbol tells the function, or no such call is found, a nearby call
//! that may lead here will do, but only for the innermost calls: what lies on the stack may be old.

use super::{
    maps::Maps,
    memory::Memory,
    registers::{self, Registers},
};

/// How far above the stack pointer is searched for a call that leads here.
const FARTHEST: u64 = 16 << 10;
/// How far for a call that may.
const FARTHEST_UNSURE: u64 = 1 << 10;
/// No function is taken to be longer than this.
const LONGEST_FUNCTION: u64 = 16 << 10;
/// Functions that do no more than jump to the next one, one after the other.
const MOST_JUMPS: usize = 4;

/// The caller's registers, as far as they can be known.
///
/// `function`: where the function begins, if that is known. `unsure`: whether a call that may lead
/// here will do.
#[cfg(target_arch = "x86_64")]
pub(super) fn step(
    registers: &Registers,
    function: Option<u64>,
    unsure: bool,
    maps: &Maps,
    memory: &Memory,
) -> Option<Registers> {
    let (sp, pc) = (registers.sp(), registers.pc());
    let mut nearest = None;
    for slot in (sp..sp.checked_add(FARTHEST)?).step_by(8) {
        let Some(word) = memory.word(slot) else { break };
        let Some(call) = call_before(word, maps, memory) else { continue };
        let target = match call {
            Call::To(target) => Some(target),
            Call::Anywhere => None,
        };
        let may_lead_here = target.is_none_or(|t| pc.wrapping_sub(t) < LONGEST_FUNCTION);
        let is_certain = match function {
            Some(function) => target == Some(function),
            None => target.is_some() && may_lead_here,
        };
        if is_certain {
            return Some(returned(registers, slot, word, target, memory));
        }
        if unsure && nearest.is_none() && may_lead_here && slot - sp < FARTHEST_UNSURE {
            nearest = Some((slot, word));
        }
    }
    nearest.map(|(slot, word)| returned(registers, slot, word, None, memory))
}

/// Functions keep a chain of frame records here, by the procedure call standard, so nothing is searched for.
#[cfg(target_arch = "aarch64")]
pub(super) fn step(
    registers: &Registers,
    _function: Option<u64>,
    _unsure: bool,
    maps: &Maps,
    memory: &Memory,
) -> Option<Registers> {
    let record = registers.get(registers::FP)?;
    let _ = (FARTHEST, FARTHEST_UNSURE, LONGEST_FUNCTION, MOST_JUMPS);
    let return_address = super::cfi::plain(memory.word(record.checked_add(8)?)?);
    maps.find(return_address).filter(|map| map.is_executable())?;
    let mut caller = registers.clone();
    caller.set(registers::FP, memory.word(record));
    caller.set(registers::SP, record.checked_add(16));
    caller.set(registers::PC, Some(return_address));
    Some(caller)
}

/// Where a call instruction leads.
#[cfg(target_arch = "x86_64")]
enum Call {
    To(u64),
    /// Through a register or a table.
    Anywhere,
}

/// The call that this would be the return address of.
#[cfg(target_arch = "x86_64")]
fn call_before(return_address: u64, maps: &Maps, memory: &Memory) -> Option<Call> {
    maps.find(return_address.checked_sub(1)?).filter(|map| map.is_executable())?;
    let [b7, b6, b5, b4, b3, b2, b1]: [u8; 7] = memory.bytes(return_address.checked_sub(7)?)?;
    let distance = i64::from(i32::from_le_bytes([b4, b3, b2, b1]));
    if b5 == 0xe8 {
        let target = return_address.wrapping_add_signed(distance);
        if maps.find(target).is_some_and(super::maps::Map::is_executable) {
            return Some(Call::To(past_jumps(target, memory)));
        }
    }
    // `call *DISTANCE(%rip)`: through the table of the addresses of other objects.
    if [b6, b5] == [0xff, 0x15] {
        let target = memory.word(return_address.wrapping_add_signed(distance))?;
        return Some(Call::To(past_jumps(target, memory)));
    }
    // `call *...`: opcode 0xff with 2 in the middle of the byte behind it, and an operand of 0 to 5 bytes.
    let is_indirect = |opcode: u8, operand: u8| opcode == 0xff && operand & 0x38 == 0x10;
    (is_indirect(b2, b1) || is_indirect(b3, b2) || is_indirect(b6, b5) || is_indirect(b7, b6))
        .then_some(Call::Anywhere)
}

/// Where a call ends up if its target only jumps on: an entry of a linkage table, or a function
/// that is another one by a different name.
#[cfg(target_arch = "x86_64")]
fn past_jumps(entry: u64, memory: &Memory) -> u64 {
    let mut entry = entry;
    for _ in 0..MOST_JUMPS {
        let at = after_landing_pad(entry, memory);
        let at = if memory.bytes(at) == Some([0xf2]) { at.saturating_add(1) } else { at };
        let near = |end: u64, distance: i64| at.checked_add(end)?.checked_add_signed(distance);
        let next = match memory.bytes::<6>(at) {
            Some([0xff, 0x25, a, b, c, d]) => {
                near(6, i32::from_le_bytes([a, b, c, d]).into()).and_then(|slot| memory.word(slot))
            }
            Some([0xe9, a, b, c, d, _]) => near(5, i32::from_le_bytes([a, b, c, d]).into()),
            Some([0xeb, a, ..]) => near(2, i8::from_le_bytes([a]).into()),
            _ => None,
        };
        match next {
            Some(next) => entry = next,
            None => break,
        }
    }
    entry
}

#[cfg(target_arch = "x86_64")]
fn after_landing_pad(entry: u64, memory: &Memory) -> u64 {
    let has_one = memory.bytes(entry) == Some([0xf3, 0x0f, 0x1e, 0xfa]);
    entry.saturating_add(if has_one { 4 } else { 0 })
}

/// Registers after the return. A function that begins by saving registers has put them right below
/// its return address.
#[cfg(target_arch = "x86_64")]
fn returned(
    registers: &Registers,
    slot: u64,
    return_address: u64,
    entry: Option<u64>,
    memory: &Memory,
) -> Registers {
    let mut caller = registers.clone();
    let is_framed = registers.get(registers::FP) == slot.checked_sub(8);
    if let Some(entry) = entry {
        let mut code = after_landing_pad(entry, memory);
        let mut saved = slot;
        while let Some((register, length)) = memory.bytes(code).and_then(prologue)
            && code < registers.pc()
        {
            if let Some(register) = register {
                saved = saved.saturating_sub(8);
                caller.set(register, memory.word(saved));
            }
            code = code.saturating_add(length);
        }
    } else if is_framed {
        caller.set(registers::FP, memory.word(slot.saturating_sub(8)));
    }
    caller.set(registers::SP, slot.checked_add(8));
    caller.set(registers::PC, Some(return_address));
    caller
}

/// An instruction that a function may begin with: DWARF's number of the register that it pushes, if
/// it does, and its length. What compilers put between the pushes are moves of arguments between
/// registers, and tests for a quick way out.
#[cfg(target_arch = "x86_64")]
fn prologue(code: [u8; 3]) -> Option<(Option<u16>, u64)> {
    let between_registers = |operands: u8| operands >= 0xc0;
    match code {
        [0x55, ..] => Some((Some(6), 1)),
        [0x53, ..] => Some((Some(3), 1)),
        [0x41, second @ 0x54..=0x57, _] => Some((Some(12 + u16::from(second - 0x54)), 2)),
        // mov, test and xor of registers: of 64 bits, of 32 bits with and without a prefix.
        [0x48..=0x4f, 0x89 | 0x8b | 0x85 | 0x31, operands] if between_registers(operands) => {
            Some((None, 3))
        }
        [0x44 | 0x45 | 0x41, 0x89 | 0x8b | 0x85 | 0x31, operands]
            if between_registers(operands) =>
        {
            Some((None, 3))
        }
        [0x89 | 0x8b | 0x85 | 0x31, operands, _] if between_registers(operands) => Some((None, 2)),
        // je and jne, near and far.
        [0x74 | 0x75, ..] => Some((None, 2)),
        [0x0f, 0x84 | 0x85, _] => Some((None, 6)),
        _ => None,
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_seen_before_its_return_address() {
        let process = rustix::process::getpid();
        let (maps, memory) = (Maps::of(process).unwrap(), Memory::of(process).unwrap());
        assert!(call_before(0, &maps, &memory).is_none());
        assert!(call_before(u64::MAX, &maps, &memory).is_none());
        let data = [0xe8_u8; 16];
        assert!(call_before(data.as_ptr() as u64 + 8, &maps, &memory).is_none(), "not code");
    }

    #[test]
    fn what_functions_begin_with_is_read() {
        assert_eq!(prologue([0x55, 0x48, 0x89]), Some((Some(6), 1)));
        assert_eq!(prologue([0x41, 0x57, 0x41]), Some((Some(15), 2)));
        assert_eq!(prologue([0x48, 0x89, 0xfb]), Some((None, 3)), "mov %rdi, %rbx");
        assert_eq!(prologue([0x48, 0x89, 0x3b]), None, "mov %rdi, (%rbx)");
        assert_eq!(prologue([0x48, 0x83, 0xec]), None, "sub $8, %rsp");
    }
}
