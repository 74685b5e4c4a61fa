//! A thread's registers, by the numbers that unwind information has for them.

use std::io;

use rustix::process::Pid;

use super::ptrace;

/// DWARF's numbers, by the psABI of each architecture.
#[cfg(target_arch = "x86_64")]
mod numbers {
    pub(crate) const COUNT: usize = 17;
    pub(crate) const FP: u16 = 6;
    pub(crate) const SP: u16 = 7;
    pub(crate) const PC: u16 = 16;
}
#[cfg(target_arch = "aarch64")]
mod numbers {
    pub(crate) const COUNT: usize = 33;
    pub(crate) const FP: u16 = 29;
    pub(crate) const LR: u16 = 30;
    pub(crate) const SP: u16 = 31;
    /// A number of our own: DWARF has none that is in use.
    pub(crate) const PC: u16 = 32;
}
pub(super) use numbers::*;

/// Registers of one call. Those that are not known any more are absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers([Option<u64>; COUNT]);

impl Registers {
    pub(super) fn get(&self, number: u16) -> Option<u64> {
        self.0.get(usize::from(number)).copied().flatten()
    }

    /// Registers that are not among the general ones are not kept.
    pub(super) fn set(&mut self, number: u16, value: Option<u64>) {
        if let Some(place) = self.0.get_mut(usize::from(number)) {
            *place = value;
        }
    }

    pub(super) fn pc(&self) -> u64 {
        self.get(PC).unwrap_or(0)
    }

    pub(super) fn sp(&self) -> u64 {
        self.get(SP).unwrap_or(0)
    }

    /// From as many numbers, in DWARF's order.
    pub(super) fn from_dwarf_order(values: [u64; COUNT]) -> Self {
        Self(values.map(Some))
    }
}

/// A stopped thread's registers.
#[derive(Clone, Debug)]
pub(super) struct ThreadState {
    pub(super) registers: Registers,
    /// Where the C library keeps what belongs to the thread; 0 where it is not known.
    pub(super) thread_pointer: u64,
    /// Whether its code is of the 32-bit kind, of which we know no more.
    pub(super) is_32_bit: bool,
}

#[cfg(target_arch = "x86_64")]
pub(super) fn of(thread: Pid) -> io::Result<ThreadState> {
    /// The code segment of 32-bit programs (`__USER32_CS`).
    const CODE_32: u64 = 0x23;
    let r: libc::user_regs_struct = ptrace::register_set(thread, libc::NT_PRSTATUS)?;
    Ok(ThreadState {
        registers: Registers::from_dwarf_order([
            r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
            r.r12, r.r13, r.r14, r.r15, r.rip,
        ]),
        thread_pointer: r.fs_base,
        is_32_bit: r.cs == CODE_32,
    })
}

#[cfg(target_arch = "aarch64")]
pub(super) fn of(thread: Pid) -> io::Result<ThreadState> {
    let r: libc::user_regs_struct = ptrace::register_set(thread, libc::NT_PRSTATUS)?;
    let mut values = [0; COUNT];
    values[..31].copy_from_slice(&r.regs);
    values[usize::from(SP)] = r.sp;
    values[usize::from(PC)] = r.pc;
    /// `PSR_MODE32_BIT`.
    const MODE_32: u64 = 0x10;
    Ok(ThreadState {
        registers: Registers::from_dwarf_order(values),
        thread_pointer: ptrace::register_set(thread, ptrace::NT_ARM_TLS).unwrap_or(0),
        is_32_bit: r.pstate & MODE_32 != 0,
    })
}
