//! What compilers, linkers and build scripts said, taken apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One message of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuildMessage {
    /// Who said it: `rustc`, `linker`, `build-script`, `cargo`.
    pub source: String,
    /// `error` or `warning`.
    pub level: String,
    /// The package that was being built, `name` or `name@version`. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The message's code, e.g. `E0425`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Source file of its first place. Hostile text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in `file`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// All of it, as it was rendered, without colours. Hostile text.
    pub text: String,
}
