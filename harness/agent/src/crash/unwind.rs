//! The calls that led to where a thread is.

use serde::{Deserialize, Serialize};

use super::{
    cfi::{self, Step},
    maps::Maps,
    memory::Memory,
    objects::Objects,
    registers::{self, Registers},
    search, trampoline,
};

/// Calls that are followed; an endless recursion has more than anyone reads.
const MOST_CALLS: usize = 256;

/// A call, before names are looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) address: u64,
    /// The file mapped there.
    pub(super) object: Option<String>,
    /// The address as the file counts.
    pub(super) object_address: Option<u64>,
    /// Whether this is the instruction itself, not the one to return to.
    pub(super) is_exact: bool,
}

/// Calls, the innermost first, and what is to be said about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    /// What is not known of them.
    pub(super) remarks: Vec<String>,
    /// Whether the last is the first call of the thread.
    pub(super) is_complete: bool,
}

/// Follows the stack from `start` up.
pub(super) fn calls(start: &Registers, maps: &Maps, memory: &Memory) -> Calls {
    let walk = Walk { maps, memory, objects: Objects::new(maps) };
    let mut calls: Vec<Call> = Vec::new();
    let mut remarks = Vec::new();
    let mut searched = 0;
    let mut tables_begun = false;
    let mut is_complete = false;
    let (mut registers, mut is_exact) = (start.clone(), true);
    loop {
        calls.push(walk.call(&registers, is_exact));
        if calls.len() == MOST_CALLS {
            remarks.push(format!("calls beyond the innermost {MOST_CALLS}"));
            break;
        }
        let (next, found) = match walk.caller(&registers, is_exact, tables_begun) {
            Ok(Some(next)) => next,
            Ok(None) => {
                is_complete = true;
                break;
            }
            Err(why) => {
                remarks.push(why);
                break;
            }
        };
        match found {
            Found::Searched => searched += 1,
            Found::Table => tables_begun = true,
            Found::Kernel | Found::Jump => {}
        }
        // A handler may have a stack of its own, above or below; else stacks only grow down.
        let goes_up = next.sp() > registers.sp() || (next.sp() == registers.sp() && is_exact);
        if found != Found::Kernel && !goes_up {
            remarks.push(
                "calls beyond the outermost of the backtrace: the stack leads nowhere".into(),
            );
            break;
        }
        if next.pc() == 0 {
            is_complete = true;
            break;
        }
        is_exact = found == Found::Kernel;
        registers = next;
    }
    if searched > 0 {
        remarks.push(format!(
            "unwind tables of {searched} of the calls: their callers were searched for on the stack"
        ));
    }
    Calls { calls, remarks, is_complete }
}

/// How a caller was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Table,
    /// The kernel called a signal handler.
    Kernel,
    Searched,
    /// The thread jumped to where there is no code.
    Jump,
}

struct Walk<'a> {
    maps: &'a Maps,
    memory: &'a Memory,
    objects: Objects<'a>,
}

impl Walk<'_> {
    fn call(&self, registers: &Registers, is_exact: bool) -> Call {
        let address = registers.pc();
        let map = self.maps.find(lookup(address, is_exact)).filter(|m| !m.name.is_empty());
        Call {
            address,
            object: map.map(|m| m.name.clone()),
            object_address: map.and_then(|m| {
                let object = self.objects.get(m, self.memory)?;
                object.address_of(m, lookup(address, is_exact)).map(|at| at + u64::from(!is_exact))
            }),
            is_exact,
        }
    }

    /// `None`: nobody called.
    fn caller(
        &self,
        registers: &Registers,
        is_exact: bool,
        tables_begun: bool,
    ) -> Result<Option<(Registers, Found)>, String> {
        if let Some(interrupted) = trampoline::interrupted(registers, self.memory) {
            return Ok(Some((interrupted, Found::Kernel)));
        }
        let address = lookup(registers.pc(), is_exact);
        let Some(map) = self.maps.find(address).filter(|map| map.is_executable()) else {
            return match self.jumped(registers).filter(|_| is_exact) {
                Some(caller) => Ok(Some((caller, Found::Jump))),
                None => Err("calls beyond the outermost of the backtrace: it is no code".into()),
            };
        };
        let object = self.objects.get(map, self.memory);
        let own = object.and_then(|object| Some((object, object.address_of(map, address)?)));
        match own.and_then(|(object, at)| cfi::step(object, at, registers, self.memory)) {
            Some(Step::To(caller)) => return Ok(Some((*caller, Found::Table))),
            Some(Step::End) => return Ok(None),
            None => {}
        }
        let function = own.and_then(|(object, at)| {
            Some(address.wrapping_sub(at.wrapping_sub(object.function_at(at)?)))
        });
        search::step(registers, function, !tables_begun, self.maps, self.memory)
            .map(|caller| Some((caller, Found::Searched)))
            .ok_or_else(|| {
                "calls beyond the outermost of the backtrace: it has no unwind tables".to_owned()
            })
    }

    /// The caller of an address that has no code, e.g. of a null pointer: the call has left its return address.
    #[cfg(target_arch = "x86_64")]
    fn jumped(&self, registers: &Registers) -> Option<Registers> {
        let return_address = self.memory.word(registers.sp())?;
        self.maps.find(return_address).filter(|map| map.is_executable())?;
        let mut caller = registers.clone();
        caller.set(registers::SP, registers.sp().checked_add(8));
        caller.set(registers::PC, Some(return_address));
        Some(caller)
    }

    /// The caller of an address that has no code, e.g. of a null pointer: the call has left its return address.
    #[cfg(target_arch = "aarch64")]
    fn jumped(&self, registers: &Registers) -> Option<Registers> {
        let return_address = cfi::plain(registers.get(registers::LR)?);
        self.maps.find(return_address).filter(|map| map.is_executable())?;
        let mut caller = registers.clone();
        caller.set(registers::PC, Some(return_address));
        Some(caller)
    }
}

/// A return address may already belong to the next line or function: what was called lies before it.
pub(super) fn lookup(address: u64, is_exact: bool) -> u64 {
    if is_exact { address } else { address.saturating_sub(1) }
}
