//! Files that were built, and what their ELF headers say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Linkage, outcome::is_zero};

/// A file that was built, or was found prebuilt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Path relative to the build's target folder; of a prebuilt object: relative to the folder of
    /// its package, or to the project where that has none. Hostile text.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// How it is linked; absent where that has no meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Linkage>,
    /// Id of the test binary that it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// The dependency that it came with or was made by, `name@version`; absent where it is the project's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Whether it came with the sources instead of being built from them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prebuilt: bool,
    /// What its ELF headers say; absent where it is no ELF file, or was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elf: Option<Elf>,
}

/// What an ELF file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Elf {
    /// `executable`, `shared-object`, `relocatable` (`.o`) or `archive` (`.a`, its members together).
    pub kind: String,
    /// The machine, e.g. `x86_64`.
    pub machine: String,
    /// The loader it asks for (`PT_INTERP`). Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Whether the runtime image of its leg has no such loader.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interpreter_missing: bool,
    /// Libraries it asks for (`DT_NEEDED`), in order. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
    /// The newest `GLIBC_` version it asks for, e.g. `2.34`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glibc: Option<String>,
    /// Libraries that it, or a library which it needs, asks for and that its loader does not find
    /// in the runtime image of its leg. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_libraries: Vec<String>,
    /// Undefined, non-weak symbols that no library which it needs exports in the runtime image.
    /// Of a relocatable file or an archive: the ones only glibc has. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_symbols: Vec<String>,
    /// How many names were left out of the lists above for their length.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub names_cut: u64,
    /// Functions of the C library that it uses and that the libcs do differently, as far as its symbol
    /// table tells: those of a list, of which Rust's own library uses none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// `p_memsz` of `PT_GNU_STACK`: the default size of a thread's stack on musl where it is above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_bytes: Option<u64>,
    /// Whether `PT_GNU_STACK` asks for an executable stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable_stack: bool,
    /// Whether it has initial-exec thread-local storage (`DF_STATIC_TLS`), which musl does not load late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub static_tls: bool,
}
