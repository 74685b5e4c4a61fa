//! A regular expression that is checked when it is read and compiled when it is first needed: the rules
//! have more than a thousand, and a log needs few of them.

use std::sync::{Mutex, OnceLock, PoisonError};

use regex_automata::{
    Input,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{self, WhichCaptures},
    util::syntax,
};

/// What the automaton of one expression may remember, where it can do with so little: there are many
/// expressions, and each has few states that lines of logs come to.
const CACHE_BYTES: usize = 256 << 10;

/// An expression that takes more, in bytes, is refused: a repetition of a repetition can grow without end.
const LARGEST_BYTES: usize = 1 << 20;

/// A regular expression in waiting.
#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    dot_matches_new_line: bool,
    compiled: OnceLock<Option<Box<Compiled>>>,
}

/// An automaton that is built while lines are read. It only says whether an expression matches, and has none
/// of the other machines that the crate `regex` keeps for where; of a thousand expressions these take
/// a hundred megabytes.
#[derive(Debug)]
struct Compiled {
    automaton: DFA,
    /// What was built so far, for all threads.
    states: Mutex<Cache>,
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
        self.compiled().is_some_and(|compiled| compiled.is_match(text))
    }

    fn compiled(&self) -> Option<&Compiled> {
        let compile = || {
            let nfa = thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(LARGEST_BYTES));
            let syntax = syntax::Config::new().dot_matches_new_line(self.dot_matches_new_line);
            let automaton = DFA::builder()
                .configure(
                    DFA::config().cache_capacity(CACHE_BYTES).skip_cache_capacity_check(true),
                )
                .thompson(nfa)
                .syntax(syntax)
                .build(&with_ascii_classes(&self.text))
                .ok()?;
            let states = Mutex::new(automaton.create_cache());
            Some(Box::new(Compiled { automaton, states }))
        };
        self.compiled.get_or_init(compile).as_deref()
    }
}

impl Compiled {
    fn is_match(&self, text: &str) -> bool {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.automaton.try_search_fwd(&mut states, &Input::new(text).earliest(true));
        // It neither gives up nor stops at a byte: neither is configured.
        found.is_ok_and(|end| end.is_some())
    }
}

/// The expression with the letters, digits, spaces and word boundaries of ASCII. What tools say is ASCII but
/// for quotation marks, which `.` must match as one; tables of every letter there is take most of the
/// memory, and a boundary between them keeps a line that has such a mark from the fast automaton.
fn with_ascii_classes(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len() * 2);
    let mut characters = text.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        if character != '\\' {
            match character {
                '[' => in_class = true,
                ']' => in_class = false,
                _ => {}
            }
            ascii.push(character);
            continue;
        }
        let Some(escaped) = characters.next() else { break };
        let members = match escaped {
            'w' | 'W' => "0-9A-Za-z_",
            'd' | 'D' => "0-9",
            's' | 'S' => r"\t\n\x0B\f\r ",
            _ => "",
        };
        match escaped {
            'w' | 'd' | 's' if in_class => ascii.push_str(members),
            'w' | 'd' | 's' => ascii.extend(["[", members, "]"]),
            'W' | 'D' | 'S' => ascii.extend(["[^", members, "]"]),
            'b' if !in_class => ascii.push_str(r"(?-u:\b)"),
            _ => ascii.extend(['\\', escaped]),
        }
    }
    ascii
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
        let quoted = Expression::read(r".\w+. \bund").expect("well-formed");
        assert!(quoted.is_match("‘x’ undeclared") && !quoted.is_match("‘x’ bund"));
    }

    #[test]
    fn classes_are_those_of_ascii() {
        let ascii = |text| with_ascii_classes(text);
        assert_eq!(ascii(r"\w+\."), r"[0-9A-Za-z_]+\.");
        assert_eq!(ascii(r"[\w.-]\d[\]\d]"), r"[0-9A-Za-z_.-][0-9][\]0-9]");
        assert_eq!(ascii(r"\bx\\b[^\s]\S"), r"(?-u:\b)x\\b[^\t\n\x0B\f\r ][^\t\n\x0B\f\r ]");
    }
}
