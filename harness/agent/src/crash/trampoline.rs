//! Calls that the kernel made: of a signal handler. Below the handler lies a trampoline, a few bytes
//! by which the handler returns to the kernel, and with it the registers at the interruption.
//!
//! The unwind information of trampolines differs between C libraries, musl has none. The bytes and
//! what lies on the stack are the kernel's interface, so they are recognised by these.

use super::{memory::Memory, registers::Registers};

/// The registers that the signal interrupted, where `registers` are at a trampoline.
#[cfg(target_arch = "x86_64")]
pub(super) fn interrupted(registers: &Registers, memory: &Memory) -> Option<Registers> {
    /// `mov $15, %rax; syscall`, and the shorter form with `%eax`.
    const LONG: [u8; 9] = [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05];
    const SHORT: [u8; 7] = [0xb8, 15, 0, 0, 0, 0x0f, 0x05];
    /// `gregs` in `ucontext_t` (`asm/ucontext.h`, `asm/sigcontext.h`).
    const GENERAL: u64 = 40;
    /// The places of DWARF's registers 0 to 16 in `gregs`.
    const ORDER: [u64; 17] = [13, 12, 14, 11, 9, 8, 10, 15, 0, 1, 2, 3, 4, 5, 6, 7, 16];
    let pc = registers.pc();
    if memory.bytes(pc) != Some(LONG) && memory.bytes(pc) != Some(SHORT) {
        return None;
    }
    let general = registers.sp().checked_add(GENERAL)?;
    let mut values = [0; 17];
    for (value, at) in values.iter_mut().zip(ORDER) {
        *value = memory.word(general.checked_add(at * 8)?)?;
    }
    Some(Registers::from_dwarf_order(values))
}

/// The registers that the signal interrupted, where `registers` are at a trampoline.
#[cfg(target_arch = "aarch64")]
pub(super) fn interrupted(registers: &Registers, memory: &Memory) -> Option<Registers> {
    /// `mov x8, #139; svc #0`.
    const CODE: [u8; 8] = [0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];
    /// `siginfo_t`, then `uc_mcontext` in `ucontext_t`, then `regs` (`asm/ucontext.h`).
    const GENERAL: u64 = 128 + 176 + 8;
    if memory.bytes(registers.pc()) != Some(CODE) {
        return None;
    }
    let general = registers.sp().checked_add(GENERAL)?;
    let mut values = [0; super::registers::COUNT];
    for (value, at) in values.iter_mut().zip(0..) {
        *value = memory.word(general.checked_add(at * 8)?)?;
    }
    Some(Registers::from_dwarf_order(values))
}
