//! A regular expression that is checked when it is read and compiled when it is first needed: the rules
//! have more than a thousand, and a log needs few of them.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// A regular expression in waiting.
#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    dot_matches_new_line: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// One that matches a part of a line.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Self::new(text.to_owned(), false)
    }

    /// One that matches a part of a text of several lines.
    pub(super) fn read_across_lines(text: &str) -> Result<Self, String> {
        Self::new(text.to_owned(), true)
    }

    /// One that must match the whole of a name.
    pub(super) fn read_whole(text: &str) -> Result<Self, String> {
        Self::new(format!("^(?:{text})$"), false)
    }

    fn new(text: String, dot_matches_new_line: bool) -> Result<Self, String> {
        regex_syntax::parse(&text).map_err(|e| e.to_string())?;
        let expression = Self { text, dot_matches_new_line, compiled: OnceLock::new() };
        // What is too large to compile is well-formed all the same; the rules' own test finds it.
        if cfg!(test) && expression.compiled().is_none() {
            return Err(format!("`{}` does not compile", expression.text));
        }
        Ok(expression)
    }

    /// Whether it matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled().is_some_and(|regex| regex.is_match(text))
    }

    fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            RegexBuilder::new(&self.text)
                .dot_matches_new_line(self.dot_matches_new_line)
                .build()
                .ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_one_is_refused_when_it_is_read() {
        assert!(Expression::read("(unclosed").is_err());
        assert!(Expression::read(r"\w{1000}{1000}").is_err(), "too large");
        assert!(Expression::read_whole("a|b").expect("well-formed").is_match("b"));
        assert!(!Expression::read_whole("a|b").expect("well-formed").is_match("ab"));
        assert!(Expression::read_across_lines("a.b").expect("well-formed").is_match("a\nb"));
    }
}
