//! What was seen of a process at the moment a fatal signal reached it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process at the moment a fatal signal reached it, as its tracer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Crash {
    /// The signal's number.
    pub signal: i32,
    /// `si_code` (sigaction(2)): why the signal was sent, e.g. 1 is `SEGV_MAPERR` for `SIGSEGV`.
    pub code: i32,
    /// The address that could not be used, for the signals that have one and where the kernel sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Place>,
    /// Where the thread was.
    pub pc: Place,
    /// Its stack pointer.
    pub sp: Place,
    /// The thread the signal was for.
    pub thread: CrashedThread,
    /// Calls, the innermost first. The first is at `pc`.
    #[serde(default)]
    pub backtrace: Vec<Frame>,
    /// The fault that a handler of the program took before this signal ended it, if any: Rust's own
    /// handler turns a stack overflow into a message and `SIGABRT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caught_before: Option<Box<Crash>>,
    /// What could not be seen, and why; empty where everything was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
}

impl Crash {
    /// The fault itself: the one a handler took, else this one.
    #[must_use]
    pub fn fault(&self) -> &Self {
        self.caught_before.as_deref().unwrap_or(self)
    }

    /// Whether the address lies in the guard of the thread's stack, or so near below the stack that
    /// nothing but a frame too large for it explains the fault.
    #[must_use]
    pub fn is_stack_overflow(&self) -> bool {
        let (Some(address), Some(stack)) = (&self.address, &self.thread.stack) else {
            return false;
        };
        let floor = stack.guard_low.unwrap_or(stack.low).min(stack.low);
        address.address >= floor && address.address < stack.low
    }
}

/// An address, and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The address.
    pub address: u64,
    /// The mapping it lies in; absent where nothing is mapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
}

/// A mapping of the process (proc_pid_maps(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// Its first address.
    pub low: u64,
    /// The first address behind it.
    pub high: u64,
    /// `rwxp` as the kernel writes it, e.g. `r-xp`, `---p` for a guard.
    pub permissions: String,
    /// The file, or the kernel's name for it (`[stack]`, `[heap]`); absent for anonymous memory. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The address's offset in the file, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// The thread that crashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrashedThread {
    /// Its name (`comm`), at most 15 bytes. Hostile text.
    pub name: String,
    /// Whether it is the process's first thread.
    pub main: bool,
    /// Its stack, where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackBounds>,
}

/// A stack that grows down from `high` to `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackBounds {
    /// The lowest usable address. Of the main thread: by its size limit, not by what is mapped yet.
    pub low: u64,
    /// The first address above it.
    pub high: u64,
    /// The lowest address of the inaccessible memory right below `low`; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard_low: Option<u64>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// Where it was: the program counter, or the address to return to.
    pub address: u64,
    /// The file mapped there. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Address as the object's own symbol table counts (what `addr2line` takes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_address: Option<u64>,
    /// The function, demangled. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Source file, where debug information tells. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.symbol, &self.object, self.object_address) {
            (Some(symbol), ..) => f.write_str(symbol)?,
            (None, Some(object), Some(at)) => write!(f, "{object}+{at:#x}")?,
            (None, Some(object), None) => f.write_str(object)?,
            (None, None, _) => write!(f, "{:#x}", self.address)?,
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " ({file}:{line})"),
            (Some(file), None) => write!(f, " ({file})"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: u64) -> Place {
        Place { address, mapping: None }
    }

    fn crash(address: Option<u64>, stack: Option<StackBounds>) -> Crash {
        Crash {
            signal: 11,
            code: 2,
            address: address.map(at),
            pc: at(0x1000),
            sp: at(0x7000),
            thread: CrashedThread { name: "t".into(), main: false, stack },
            backtrace: Vec::new(),
            caught_before: None,
            unseen: Vec::new(),
        }
    }

    #[test]
    fn only_the_guard_is_a_stack_overflow() {
        let stack = StackBounds { low: 0x8000, high: 0x28000, guard_low: Some(0x6000) };
        assert!(crash(Some(0x6000), Some(stack)).is_stack_overflow());
        assert!(crash(Some(0x7fff), Some(stack)).is_stack_overflow());
        assert!(!crash(Some(0x5fff), Some(stack)).is_stack_overflow());
        assert!(!crash(Some(0x8000), Some(stack)).is_stack_overflow());
        assert!(!crash(Some(0x7fff), None).is_stack_overflow());
        assert!(!crash(None, Some(stack)).is_stack_overflow());
        let no_guard = StackBounds { guard_low: None, ..stack };
        assert!(!crash(Some(0x7fff), Some(no_guard)).is_stack_overflow());
    }
}
