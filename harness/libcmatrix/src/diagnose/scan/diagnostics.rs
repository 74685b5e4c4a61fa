//! Compilers' diagnostics as wholes: from the line that says `error` to the next empty line.

use std::sync::OnceLock;

use regex::Regex;

use super::{
    super::facts::{Diagnostic, Facts},
    KEPT, hit,
};

/// Words of which the first line of a diagnostic has one.
pub(super) const WORDS: &[&str] = &["error"];
/// Lines of one diagnostic that are kept.
const LINES: usize = 60;

/// The diagnostic that is being read.
#[derive(Debug, Default)]
pub(super) struct Collector {
    open: Option<(Diagnostic, usize)>,
}

impl Collector {
    /// Whether a diagnostic is being read, so that every line is of interest.
    pub(super) fn is_reading(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a line. `begins`: it holds a word of which the first line of a diagnostic has one.
    pub(super) fn line(&mut self, text: &str, number: u64, begins: bool, facts: &mut Facts) {
        if begins && let Some(found) = first_line().captures(text) {
            self.finish(facts);
            let code = found.name("code").map(|m| m.as_str().to_owned());
            let diagnostic = Diagnostic { code, hit: hit(number, text), text: text.to_owned() };
            self.open = Some((diagnostic, 1));
            return;
        }
        let Some((diagnostic, lines)) = &mut self.open else { return };
        *lines += 1;
        if *lines > LINES || is_empty(text) {
            self.finish(facts);
        } else {
            diagnostic.text.push('\n');
            diagnostic.text.push_str(text);
        }
    }

    pub(super) fn finish(&mut self, facts: &mut Facts) {
        if let Some((diagnostic, _)) = self.open.take()
            && facts.diagnostics.len() < KEPT
        {
            facts.diagnostics.push(diagnostic);
        }
    }
}

fn first_line() -> &'static Regex {
    static FIRST: OnceLock<Regex> = OnceLock::new();
    FIRST.get_or_init(|| {
        Regex::new(r"(?:^|\s)(?:fatal )?error(?:\[(?P<code>[A-Z]\d+)\])?: ").expect("a first line")
    })
}

/// Nothing in it but what CI systems put before a line: `#12 3.45`, a time, a time with a date.
fn is_empty(text: &str) -> bool {
    static PREFIX: OnceLock<Regex> = OnceLock::new();
    let prefix = PREFIX.get_or_init(|| {
        Regex::new(r"^\s*(?:#\d+\s*)?(?:\[?[\d:T.Z+-]+\]?\s*)?(?:cargo:warning=\s*)?$")
            .expect("a prefix")
    });
    prefix.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Diagnostic> {
        crate::diagnose::scan(text.as_bytes()).diagnostics
    }

    #[test]
    fn a_diagnostic_ends_where_a_line_is_empty() {
        let text = "noise\n#9 1.2 error[E0425]: cannot find x\n#9 1.2  --> a.rs:1\n#9 1.2\nmore\nerror: second\nx";
        let found = read(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].code.as_deref(), Some("E0425"));
        assert_eq!(found[0].hit.line, 2);
        assert!(found[0].text.ends_with(" --> a.rs:1"));
        assert_eq!(found[1].text, "error: second\nx");
    }

    #[test]
    fn a_word_is_no_diagnostic() {
        assert!(read("my_error: x\nthiserror v1.0\nerrors").is_empty());
    }
}
