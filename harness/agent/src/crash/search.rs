//! One step up the stack where code has no unwind tables: the return address is searched for.
//!
//! A word on the stack is taken for one if it points behind a call instruction, and that call leads
//! to where the thread is. What musl's own code does, and C code that is built without tables.

use super::{
    maps::Maps,
    memory::Memory,
    registers::{self, Registers},
};

/// How far above the stack pointer is searched for a call that leads here.
const FARTHEST: u64 = 16 << 10;
/// How far for a call of which is not known where it leads.
const FARTHEST_INDIRECT: u64 = 1 << 10;
/// No function is taken to be longer than this.
const LONGEST_FUNCTION: u64 = 16 << 10;

/// The caller's registers, as far as they can be known. `any`: a call that cannot be followed will do.
#[cfg(target_arch = "x86_64")]
pub(super) fn step(
    registers: &Registers,
    any: bool,
    maps: &Maps,
    memory: &Memory,
) -> Option<Registers> {
    let sp = registers.sp();
    let mut unsure = None;
    for slot in (sp..sp.checked_add(FARTHEST)?).step_by(8) {
        let Some(word) = memory.word(slot) else { break };
        match call_before(word, maps, memory) {
            Some(Call::To(entry)) if registers.pc().wrapping_sub(entry) < LONGEST_FUNCTION => {
                return Some(returned(registers, slot, word, Some(entry), memory));
            }
            Some(Call::Anywhere) if any && unsure.is_none() && slot - sp < FARTHEST_INDIRECT => {
                unsure = Some(returned(registers, slot, word, None, memory));
            }
            _ => {}
        }
    }
    unsure
}

/// Functions keep a chain of frame records here, by the procedure call standard, so nothing is searched for.
#[cfg(target_arch = "aarch64")]
pub(super) fn step(
    registers: &Registers,
    _any: bool,
    maps: &Maps,
    memory: &Memory,
) -> Option<Registers> {
    let record = registers.get(registers::FP)?;
    let _ = (FARTHEST, FARTHEST_INDIRECT, LONGEST_FUNCTION);
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
    if b5 == 0xe8 {
        let distance = i32::from_le_bytes([b4, b3, b2, b1]);
        let target = return_address.wrapping_add_signed(distance.into());
        if maps.find(target).is_some_and(super::maps::Map::is_executable) {
            return Some(Call::To(through_table(target, memory).unwrap_or(target)));
        }
    }
    // `call *...`: opcode 0xff with 2 in the middle of the byte behind it, and an operand of 0 to 5 bytes.
    let is_indirect = |opcode: u8, operand: u8| opcode == 0xff && operand & 0x38 == 0x10;
    (is_indirect(b2, b1) || is_indirect(b3, b2) || is_indirect(b6, b5) || is_indirect(b7, b6))
        .then_some(Call::Anywhere)
}

/// Where an entry of a procedure linkage table leads: `[endbr64;] [bnd] jmp *DISTANCE(%rip)`.
#[cfg(target_arch = "x86_64")]
fn through_table(entry: u64, memory: &Memory) -> Option<u64> {
    let at = after_landing_pad(entry, memory);
    let at = if memory.bytes(at) == Some([0xf2]) { at.checked_add(1)? } else { at };
    let [0xff, 0x25, a, b, c, d] = memory.bytes(at)? else { return None };
    let next = at.checked_add(6)?;
    memory.word(next.wrapping_add_signed(i32::from_le_bytes([a, b, c, d]).into()))
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
        while let Some((register, length)) = memory.bytes(code).and_then(pushed)
            && code < registers.pc()
        {
            saved = saved.saturating_sub(8);
            caller.set(register, memory.word(saved));
            code = code.saturating_add(length);
        }
    } else if is_framed {
        caller.set(registers::FP, memory.word(slot.saturating_sub(8)));
    }
    caller.set(registers::SP, slot.checked_add(8));
    caller.set(registers::PC, Some(return_address));
    caller
}

/// A `push` of a register: DWARF's number of it and the length of the instruction.
#[cfg(target_arch = "x86_64")]
fn pushed(code: [u8; 2]) -> Option<(u16, u64)> {
    match code {
        [0x55, _] => Some((6, 1)),
        [0x53, _] => Some((3, 1)),
        [0x41, second @ 0x54..=0x57] => Some((12 + u16::from(second - 0x54), 2)),
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
    fn pushes_are_read() {
        assert_eq!(pushed([0x55, 0x48]), Some((6, 1)));
        assert_eq!(pushed([0x41, 0x57]), Some((15, 2)));
        assert_eq!(pushed([0x48, 0x89]), None);
    }
}
