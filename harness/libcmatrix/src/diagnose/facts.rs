//! What is known of one failure, whatever it was learnt from: a log, or a run's record.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use libcmatrix_schema::{Artifact, AsInit, Crash, Linkage};

/// A place in the text that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Line, from 1.
    pub line: u64,
    /// The line, without control sequences; cut where it is very long. Hostile text.
    pub text: String,
}

/// What kind of thing was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamedKind {
    /// A symbol that the linker missed.
    Undefined,
    /// A symbol that the loader missed.
    Unresolved,
    /// A library that the loader missed, by its file's name.
    Library,
    /// A header that the compiler missed.
    Header,
    /// A program.
    Tool,
    /// A module that pkg-config, or a build script, asked for.
    Module,
    /// A library that the linker missed, as after `-l`.
    Link,
}

/// Something that was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name. Hostile text.
    pub name: String,
    /// Where.
    pub hit: Hit,
}

/// A compiler's diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its code, e.g. `E0425`.
    pub code: Option<String>,
    /// All of it.
    pub text: String,
    /// Where it begins.
    pub hit: Hit,
}

/// What a failed assertion compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// One side; the expected one where `ordered`.
    pub expected: String,
    /// The other.
    pub actual: String,
    /// Whether it is known which is which.
    pub ordered: bool,
    /// Whether both are the same line, which only stands elsewhere.
    pub moved: bool,
    /// Where.
    pub hit: Hit,
}

/// What is known of where it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// musl or Alpine is spoken of.
    pub musl: bool,
    /// glibc, Debian or another system with it is spoken of.
    pub glibc: bool,
}

/// Everything that rules may ask.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Lines that rules look for, by the number of their pattern.
    pub(super) lines: HashMap<usize, Vec<Hit>>,
    /// What was not found, of each kind.
    pub(super) named: HashMap<NamedKind, Vec<Named>>,
    /// Compilers' diagnostics.
    pub diagnostics: Vec<Diagnostic>,
    /// What failed assertions compared.
    pub pairs: Vec<Pair>,
    /// Where it happened.
    pub context: Context,
    /// The exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What was seen when it crashed.
    pub crash: Option<Crash>,
    /// How the program is linked.
    pub linkage: Option<Linkage>,
    /// libc functions that its binary uses.
    pub uses: BTreeSet<String>,
    /// What was built, and what came prebuilt.
    pub artifacts: Arc<[Artifact]>,
    /// Whether it is good on glibc and bad on musl.
    pub regressed: bool,
    /// The same test on the glibc side.
    pub baseline: Option<Box<Facts>>,
    /// It does the same on both sides, and takes longer on musl.
    pub slower: Option<Slower>,
    /// How its program does as the first process of the image that it would be shipped in.
    pub as_init: Option<AsInit>,
}

/// A test that takes longer on musl: medians of both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slower {
    /// Wall-clock seconds.
    pub seconds: Sides,
    /// How often it waited.
    pub waits: Sides,
    /// How often memory was brought in.
    pub page_faults: Sides,
    /// Processor seconds.
    pub processor: Sides,
}

/// A number on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sides {
    /// On glibc.
    pub baseline: f64,
    /// On musl.
    pub candidate: f64,
}

impl Facts {
    /// What was not found of one kind.
    #[must_use]
    pub fn named(&self, kind: NamedKind) -> &[Named] {
        self.named.get(&kind).map_or(&[], Vec::as_slice)
    }
}
