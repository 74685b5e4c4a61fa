//! All rules, read and compiled once. The files are part of the executable, so a fault in one is a
//! fault of the build: tests read every one.

use std::sync::OnceLock;

use include_dir::{Dir, File, include_dir};

use super::{
    conditions::{Clause, PatternTable},
    rule::Rule,
    scan,
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

impl RuleEntry {
    fn read(file: &'static File<'static>, patterns: &mut PatternTable) -> Result<Self, String> {
        let code = file.path().file_stem().and_then(|s| s.to_str()).ok_or("its name is no code")?;
        let text = file.contents_utf8().ok_or("it is no text")?;
        let rule: Rule = toml::from_str(text).map_err(|e| e.to_string())?;
        let clauses = rule.when.iter().map(|when| Clause::compile(when, patterns));
        let clauses = clauses.collect::<Result<_, _>>()?;
        Ok(Self { code, rule, clauses })
    }
}

impl Rulebook {
    /// Reads and compiles the files.
    ///
    /// # Errors
    /// Files are no rules, or regular expressions in them are none: all of these, a line each.
    pub fn read() -> Result<Self, String> {
        let mut entries = Vec::new();
        let mut patterns = PatternTable::default();
        let mut faults = Vec::new();
        for file in FILES.files() {
            let name = file.path().display().to_string();
            match RuleEntry::read(file, &mut patterns) {
                Ok(entry) => entries.push(entry),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
        entries.sort_by_key(|entry| entry.code);
        patterns.finish(scan::words())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// In unit tests each expression is compiled as it is read, elsewhere when it is needed.
    #[test]
    fn every_expression_of_every_rule_compiles() {
        assert!(Rulebook::read().expect("the rules").entries.len() > 100);
    }
}
