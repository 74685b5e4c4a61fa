//! What one source file uses and declares, as far as the C library matters. Data.

use std::collections::HashSet;

use super::condition::Truth;

/// Something at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// What.
    pub what: T,
    /// Line, from 1.
    pub line: usize,
    /// Whether it is compiled.
    pub compiled: Truth,
    /// Whether it belongs to a test.
    pub in_test: bool,
}

/// A path `first::name`, an import, or a bare name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What stands before the name; empty for a bare one.
    pub first: String,
    /// The name.
    pub name: String,
}

/// A function or variable that is declared, to be found by the linker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The linker's name.
    pub symbol: String,
    /// The name in the code.
    pub name: String,
    /// The libraries that `#[link]` names.
    pub libraries: Vec<String>,
}

/// A module in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// Modules of this file that it stands in.
    pub inside: Vec<String>,
    /// Its name; empty for an included file.
    pub name: String,
    /// The file, where the code says so.
    pub path: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Paths and imports of names that were asked about.
    pub named: Vec<At<Named>>,
    /// Crates that the code calls by another name: the crate, the name.
    pub renamed: Vec<(String, String)>,
    /// Crates and modules whose names are all imported.
    pub globs: HashSet<String>,
    /// Names that the file defines.
    pub defined: HashSet<String>,
    /// Names of its modules, those in other files, too.
    pub modules: HashSet<String>,
    /// Declared symbols.
    pub foreign: Vec<At<Foreign>>,
    /// Names of functions and values that are used.
    pub called: HashSet<String>,
    /// Programs that are started: the literal in `Command::new("..")`.
    pub commands: Vec<At<String>>,
    /// Text in string literals, for names of files.
    pub literals: HashSet<String>,
    /// Modules in other files.
    pub files: Vec<At<OtherFile>>,
}
