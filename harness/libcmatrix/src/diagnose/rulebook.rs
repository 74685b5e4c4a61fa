//! All rules, read and compiled once. The files are part of the executable, so a fault in one is a
//! fault of the build: tests read every one.

use std::sync::OnceLock;

use include_dir::{Dir, include_dir};

use super::{
    conditions::{Clause, PatternTable},
    rule::Rule,
};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// One rule, ready.
#[derive(Debug)]
pub struct RuleEntry {
    /// Its stable code: the name of its file.
    pub code: &'static str,
    /// What its file says.
    pub rule: Rule,
    /// Its conditions, compiled.
    pub(super) clauses: Vec<Clause>,
}

/// All rules.
#[derive(Debug)]
pub struct Rulebook {
    /// In the order of their codes.
    pub entries: Vec<RuleEntry>,
    /// The lines that they look for.
    pub(super) patterns: PatternTable,
}

impl Rulebook {
    /// Reads and compiles the files.
    ///
    /// # Errors
    /// A file is no rule, or one of its regular expressions is none.
    pub fn read() -> Result<Self, String> {
        let mut entries = Vec::new();
        let mut patterns = PatternTable::default();
        for file in FILES.files() {
            let name = file.path().to_string_lossy();
            let Some(code) = file.path().file_stem().and_then(|s| s.to_str()) else { continue };
            let text = file.contents_utf8().ok_or_else(|| format!("{name} is no text"))?;
            let rule: Rule = toml::from_str(text).map_err(|e| format!("{name}: {e}"))?;
            let clauses = rule
                .when
                .iter()
                .map(|when| Clause::compile(when, &mut patterns))
                .collect::<Result<_, _>>()
                .map_err(|e| format!("{name}: {e}"))?;
            entries.push(RuleEntry { code, rule, clauses });
        }
        entries.sort_by_key(|entry| entry.code);
        patterns.finish()?;
        Ok(Self { entries, patterns })
    }

    /// The rule of that code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&RuleEntry> {
        self.entries.iter().find(|entry| entry.code == code)
    }
}

/// The rules of this executable.
///
/// # Panics
/// Never in an executable that passed its tests: they read the same files.
#[must_use]
pub fn rulebook() -> &'static Rulebook {
    static RULEBOOK: OnceLock<Rulebook> = OnceLock::new();
    RULEBOOK.get_or_init(|| Rulebook::read().expect("the rules are part of the executable"))
}

/// The tables that rules refer to: name and text.
pub(super) fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = FILES.get_dir("tables").into_iter().flat_map(Dir::files);
    files
        .filter(|file| file.path().extension().is_some_and(|e| e == "txt"))
        .filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
}
