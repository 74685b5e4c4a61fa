//! What is seen of a thread that is stopped for a signal, and how it becomes a [`Crash`].

use std::{fs, io, time::Duration};

use libcmatrix_schema::{Crash, CrashedThread};
use rustix::process::Pid;

use super::{
    helper,
    maps::Maps,
    memory::Memory,
    ptrace,
    registers::{self, ThreadState},
    stack, symbols,
    unwind::{self, Call, Calls},
};

/// The program is stopped for as long as its stack is followed.
const FOLLOW_TIME: Duration = Duration::from_secs(5);
/// Names are looked up when the program has ended.
const NAME_TIME: Duration = Duration::from_secs(10);

/// A thread at a signal, with a backtrace that has no names yet.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) thread: Pid,
    crash: Crash,
    calls: Vec<Call>,
    /// Whether the calls are known up to the first.
    is_complete: bool,
}

impl Seen {
    pub(super) fn signal(&self) -> i32 {
        self.crash.signal
    }

    /// Whether this is the same fault again: a handler has returned without a cure.
    fn repeats(&self, other: &Self) -> bool {
        let essence = |s: &Self| (s.crash.signal, s.crash.pc.address, s.crash.sp.address);
        essence(self) == essence(other)
    }

    /// Whether the handler of that fault was still at work; `None` if it cannot be said.
    fn is_in_handler_of(&self, fault: &Self) -> Option<bool> {
        let pc = fault.crash.pc.address;
        let mut calls = self.calls.iter().skip(1);
        if calls.any(|call| call.is_exact && call.address == pc) {
            Some(true)
        } else {
            self.is_complete.then_some(false)
        }
    }
}

/// Looks at a thread that is stopped for a signal.
pub(super) fn look(program: Pid, thread: Pid) -> io::Result<Seen> {
    let info = ptrace::signal_info(thread)?;
    let state = registers::of(thread)?;
    let mut unseen = Vec::new();
    let maps = Maps::of(program).unwrap_or_else(|e| {
        unseen.push(format!("mappings: {e}"));
        Maps::default()
    });
    let is_main = thread == program;
    let (pc, sp) = (state.registers.pc(), state.registers.sp());
    let bounds = stack::find(
        &maps,
        stack::Thread {
            is_main,
            sp,
            thread_pointer: state.thread_pointer,
            size_limit: stack_limit(program),
        },
    );
    if bounds.is_none() {
        unseen.push("the bounds of the stack".into());
    }
    let Calls { calls, remarks, is_complete } =
        follow(program, &state, &maps).unwrap_or_else(|why| Calls {
            remarks: vec![format!("backtrace: {why}")],
            ..Calls::default()
        });
    unseen.extend(remarks);
    let address = fault_address(&info).map(|address| maps.place(address));
    let crash = Crash {
        signal: info.si_signo,
        code: info.si_code,
        address,
        pc: maps.place(pc),
        sp: maps.place(sp),
        thread: CrashedThread { name: name(program, thread), main: is_main, stack: bounds },
        backtrace: Vec::new(),
        caught_before: None,
        unseen,
    };
    Ok(Seen { thread, crash, calls, is_complete })
}

fn follow(program: Pid, state: &ThreadState, maps: &Maps) -> Result<Calls, String> {
    if state.is_32_bit {
        return Err("a 32-bit program".into());
    }
    let memory = Memory::of(program).map_err(|e| e.to_string())?;
    helper::run(FOLLOW_TIME, || unwind::calls(&state.registers, maps, &memory))
}

/// The address that could not be used, where the kernel says it. A signal that a process sent has none.
fn fault_address(info: &libc::siginfo_t) -> Option<u64> {
    /// From the kernel, about no address: on x86-64 for one that is not canonical, and for `hlt`.
    const SI_KERNEL: i32 = 0x80;
    let has_one = matches!(
        info.si_signo,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGTRAP | libc::SIGSYS
    );
    if !has_one || info.si_code <= 0 || info.si_code == SI_KERNEL {
        return None;
    }
    // SAFETY: for these signals, sent by the kernel, the address is the part of the union that is set.
    Some(unsafe { info.si_addr() } as u64)
}

fn name(program: Pid, thread: Pid) -> String {
    let (program, thread) = (program.as_raw_nonzero(), thread.as_raw_nonzero());
    let name = fs::read(format!("/proc/{program}/task/{thread}/comm")).unwrap_or_default();
    String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(&name)).into_owned()
}

/// What the main thread's stack may grow to.
fn stack_limit(program: Pid) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    let program = program.as_raw_nonzero().get();
    // SAFETY: no new limit is set; the old one is written to a valid place.
    unsafe { libc::prlimit(program, libc::RLIMIT_STACK, std::ptr::null(), &raw mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// The record of a fatal signal and of the fault that a handler took before it.
pub(super) fn crash(fatal: Seen, caught: Option<Seen>) -> Box<Crash> {
    let (mut fatal, mut caught) = match caught {
        // The handler could not be called, mostly as its frame does not fit on an overflown stack:
        // the kernel then sends the signal again, without the address.
        Some(fault) if fatal.repeats(&fault) && fatal.crash.address.is_none() => (fault, None),
        Some(fault) if fatal.repeats(&fault) => (fatal, None),
        caught => (fatal, caught),
    };
    if let Some(fault) = &caught {
        match fatal.is_in_handler_of(fault) {
            Some(true) => {}
            Some(false) => caught = None,
            None => fatal
                .crash
                .unseen
                .push("whether the fault that was caught before was still being handled".into()),
        }
    }
    let calls = |seen: &mut Seen| std::mem::take(&mut seen.calls);
    let backtraces = [calls(&mut fatal), caught.as_mut().map_or_else(Vec::new, calls)];
    let named =
        helper::run(NAME_TIME, || backtraces.each_ref().map(|calls| symbols::frames(calls)));
    let [of_fatal, of_caught] = named.unwrap_or_else(|why| {
        fatal.crash.unseen.push(format!("names of the calls: {why}"));
        backtraces.each_ref().map(|calls| calls.iter().map(symbols::plain).collect())
    });
    fatal.crash.backtrace = of_fatal;
    fatal.crash.caught_before = caught.map(|mut fault| {
        fault.crash.backtrace = of_caught;
        Box::new(fault.crash)
    });
    Box::new(fatal.crash)
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::Place;

    use super::*;

    fn seen(signal: i32, pc: u64, calls: &[(u64, bool)], is_complete: bool) -> Seen {
        let place = |address| Place { address, mapping: None };
        let call =
            |&(address, is_exact)| Call { address, object: None, object_address: None, is_exact };
        let crash = Crash {
            signal,
            code: 1,
            address: None,
            pc: place(pc),
            sp: place(0x7000),
            thread: CrashedThread { name: "t".into(), main: true, stack: None },
            backtrace: Vec::new(),
            caught_before: None,
            unseen: Vec::new(),
        };
        let calls = calls.iter().map(call).collect();
        Seen { thread: rustix::process::getpid(), crash, calls, is_complete }
    }

    #[test]
    fn a_fault_belongs_to_the_signal_that_ends_its_handler() {
        let fault = seen(11, 0x100, &[(0x100, true)], true);
        let inside = seen(6, 0x200, &[(0x200, true), (0x300, false), (0x100, true)], true);
        assert_eq!(inside.is_in_handler_of(&fault), Some(true));
        let after = seen(6, 0x200, &[(0x200, true), (0x100, false)], true);
        assert_eq!(after.is_in_handler_of(&fault), Some(false));
        let unknown = seen(6, 0x200, &[(0x200, true)], false);
        assert_eq!(unknown.is_in_handler_of(&fault), None);
        assert!(fault.repeats(&seen(11, 0x100, &[], false)));
        assert!(!fault.repeats(&inside));
    }
}
