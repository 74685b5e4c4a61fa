//! Why something fails on musl: rules that are data, applied to what was seen.
//!
//! ```text
//! a log ──> scan ──┐
//!                  ├─> facts ──> decide (rulebook) ──> findings
//! a record ────────┘
//! ```
//!
//! One file a finding code stands in `rules/`: what differs, what evidence shows it, what rules it
//! out, what to do. [`scan()`] takes a log apart once, in linear time and bounded memory, into
//! [`Facts`]; [`decide()`] asks every rule. Nothing here guesses: where no rule fits, the answer is
//! that nothing known fits. All of it is pure.

mod conditions;
mod decide;
mod facts;
mod libc_texts;
mod packages;
mod page;
mod proof;
mod record;
mod rule;
mod rulebook;
mod scan;
mod symbols;

pub use decide::{Diagnosis, Found, decide};
pub use facts::{Facts, Hit, Named, NamedKind};
pub use page::page;
pub use proof::{PlannedExperiment, plan};
pub use record::{UNEXPLAINED, findings};
pub use rule::{Category, Rule};
pub use rulebook::{RuleEntry, Rulebook, rulebook};
pub use scan::{Scanner, scan};
