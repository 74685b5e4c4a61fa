//! One step up the stack by an object's unwind tables (`.eh_frame`, DWARF 5 section 6.4).
//!
//! Uses `gimli`'s tables with every register. A ready-made unwinder guesses where a table does not
//! cover an address, which the C code of musl never is, and does not say so.

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, Encoding, EndianSlice, EvaluationResult,
    LittleEndian, Pointer, Register, RegisterRule, UnwindContext, UnwindExpression, UnwindSection,
    Value,
};

use super::{
    memory::Memory,
    objects::Object,
    registers::{self, Registers},
};

/// A hostile expression may loop.
const MOST_OPERATIONS: u32 = 1000;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Where a step leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    To(Box<Registers>),
    /// The tables say that nobody called.
    End,
}

/// The caller's registers; `None` where the tables do not cover the address.
///
/// `address`: as the object counts, inside the instruction that was under way.
pub(super) fn step(
    object: &Object,
    address: u64,
    registers: &Registers,
    memory: &Memory,
) -> Option<Step> {
    let tables = object.unwind_tables()?;
    let bases = BaseAddresses::default().set_eh_frame_hdr(tables.index.0);
    let index = EhFrameHdr::new(tables.index.1, LittleEndian).parse(&bases, 8).ok()?;
    let Pointer::Direct(start) = index.eh_frame_ptr() else { return None };
    let offset = usize::try_from(start.checked_sub(tables.around.0)?).ok()?;
    let frames = EhFrame::new(tables.around.1.get(offset..)?, LittleEndian);
    let bases = bases.set_eh_frame(start);
    let entry = index
        .table()?
        .fde_for_address(&frames, &bases, address, EhFrame::cie_from_offset)
        .ok()
        .filter(|entry| entry.contains(address))?;
    let mut context = UnwindContext::new();
    let row = entry.unwind_info_for_address(&frames, &bases, &mut context, address).ok()?;

    let evaluation = Evaluation { frames, encoding: entry.cie().encoding(), registers, memory };
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            registers.get(register.0)?.wrapping_add_signed(*offset)
        }
        CfaRule::Expression(expression) => evaluation.run(*expression, None)?,
    };
    let return_register = entry.cie().return_address_register();
    let mut caller = registers.clone();
    caller.set(registers::SP, Some(cfa));
    for (register, rule) in row.registers() {
        caller.set(register.0, evaluation.apply(*register, rule, cfa));
    }
    let return_rule = row.register(return_register);
    let has_none = match return_rule {
        Some(RegisterRule::Undefined) => true,
        // On x86 the return address is on the stack, so a rule must say where.
        None => return_register.0 == registers::PC,
        Some(_) => false,
    };
    if has_none {
        return Some(Step::End);
    }
    let return_address = caller.get(return_register.0)?;
    caller.set(registers::PC, Some(plain(return_address)));
    Some(Step::To(Box::new(caller)))
}

/// Without the signature that pointer authentication puts into the upper bits.
#[cfg(target_arch = "aarch64")]
pub(super) fn plain(address: u64) -> u64 {
    address & 0x0000_ffff_ffff_ffff
}

/// Without what other architectures put into the upper bits.
#[cfg(target_arch = "x86_64")]
pub(super) fn plain(address: u64) -> u64 {
    address
}

/// What the rules of a row are worked out from.
struct Evaluation<'a> {
    frames: EhFrame<Slice<'a>>,
    encoding: Encoding,
    registers: &'a Registers,
    memory: &'a Memory,
}

impl Evaluation<'_> {
    fn apply(&self, register: Register, rule: &RegisterRule<usize>, cfa: u64) -> Option<u64> {
        match rule {
            RegisterRule::SameValue => self.registers.get(register.0),
            RegisterRule::Offset(offset) => self.memory.word(cfa.wrapping_add_signed(*offset)),
            RegisterRule::ValOffset(offset) => Some(cfa.wrapping_add_signed(*offset)),
            RegisterRule::Register(other) => self.registers.get(other.0),
            RegisterRule::Expression(expression) => {
                self.memory.word(self.run(*expression, Some(cfa))?)
            }
            RegisterRule::ValExpression(expression) => self.run(*expression, Some(cfa)),
            RegisterRule::Constant(value) => Some(*value),
            _ => None,
        }
    }

    fn run(&self, expression: UnwindExpression<usize>, initial: Option<u64>) -> Option<u64> {
        let mut evaluation = expression.get(&self.frames).ok()?.evaluation(self.encoding);
        evaluation.set_max_iterations(MOST_OPERATIONS);
        if let Some(value) = initial {
            evaluation.set_initial_value(value);
        }
        let mut result = evaluation.evaluate().ok()?;
        loop {
            result = match result {
                EvaluationResult::Complete => {
                    return evaluation.value_result()?.to_u64(u64::MAX).ok();
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = self.registers.get(register.0)?;
                    evaluation.resume_with_register(Value::Generic(value)).ok()?
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let word = self.memory.word(address)?;
                    let unused = 64_u32.checked_sub(u32::from(size).checked_mul(8)?)?;
                    let value = word & u64::MAX.checked_shr(unused)?;
                    evaluation.resume_with_memory(Value::Generic(value)).ok()?
                }
                _ => return None,
            };
        }
    }
}
