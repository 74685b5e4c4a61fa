//! All patterns of lines that rules look for, so that a text is gone through once for all of them.
//!
//! Every pattern has a literal part; one automaton looks for all of these, and only a line that holds
//! one is tried against the regular expression.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;

use super::literals;

/// The patterns, by number.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct PatternTable {
    patterns: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
    /// Which patterns each literal of the automaton stands for.
    of_literal: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Pattern {
    text: String,
    not_text: Option<String>,
    regex: Regex,
    not: Option<Regex>,
    literals: Vec<String>,
}

impl PatternTable {
    /// Takes a pattern; gives its number. The same pattern has one number.
    pub(super) fn add(&mut self, text: &str, not: Option<&str>) -> Result<usize, String> {
        let same = |p: &Pattern| p.text == text && p.not_text.as_deref() == not;
        if let Some(known) = self.patterns.iter().position(same) {
            return Ok(known);
        }
        let pattern = Pattern {
            text: text.into(),
            not_text: not.map(str::to_owned),
            regex: super::regex(text, false)?,
            not: not.map(|not| super::regex(not, false)).transpose()?,
            literals: literals::required(text)
                .ok_or_else(|| format!("`{text}` has no literal text to look for"))?,
        };
        self.patterns.push(pattern);
        Ok(self.patterns.len() - 1)
    }

    /// Builds the automaton. Before that, nothing is found.
    pub(in crate::diagnose) fn finish(&mut self) -> Result<(), String> {
        let mut literals: Vec<&str> = Vec::new();
        let mut of_literal: Vec<Vec<usize>> = Vec::new();
        for (number, pattern) in self.patterns.iter().enumerate() {
            for literal in &pattern.literals {
                match literals.iter().position(|known| known == literal) {
                    Some(known) => of_literal[known].push(number),
                    None => {
                        literals.push(literal);
                        of_literal.push(vec![number]);
                    }
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .map_err(|e| e.to_string())?;
        self.automaton = Some(automaton);
        self.of_literal = of_literal;
        Ok(())
    }

    /// Numbers of the patterns that a line may match, by its literals.
    pub(in crate::diagnose) fn candidates(&self, line: &[u8], mut tell: impl FnMut(usize)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(line) {
            self.of_literal[found.pattern().as_usize()].iter().for_each(|&number| tell(number));
        }
    }

    /// Whether a line does match.
    pub(in crate::diagnose) fn is_match(&self, number: usize, line: &str) -> bool {
        let pattern = &self.patterns[number];
        pattern.regex.is_match(line) && !pattern.not.as_ref().is_some_and(|not| not.is_match(line))
    }

    /// How many there are.
    pub(in crate::diagnose) fn len(&self) -> usize {
        self.patterns.len()
    }
}
