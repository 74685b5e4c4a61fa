//! Files that were built, and what their ELF headers say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Linkage;

/// A file that was built, or was found prebuilt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Path relative to the build's target folder; of a prebuilt object: where it was found. Hostile text.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// How it is linked; absent where that has no meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Linkage>,
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
    /// Libraries it asks for (`DT_NEEDED`), in order. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
    /// The newest `GLIBC_` version it asks for, e.g. `2.34`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glibc: Option<String>,
    /// Needed libraries that the runtime image of its leg does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_libraries: Vec<String>,
    /// Undefined, non-weak symbols that no library which it needs exports in the runtime image.
    /// Of a relocatable file or an archive: the ones only glibc has. Hostile text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_symbols: Vec<String>,
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
