//! All patterns of lines that rules look for, so that a text is gone through once for all of them.
//!
//! Every pattern has a literal part; one automaton looks for all of these, and only a line that holds
//! one is tried against the regular expression.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{super::scan::Reader, expression::Expression, literals};

/// The patterns, by number.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct PatternTable {
    patterns: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
    /// What each literal of the automaton stands for.
    of_literal: Vec<Vec<Target>>,
}

/// For whom a line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) enum Target {
    /// A pattern, by its number.
    Pattern(usize),
    /// A reader of the scanner.
    Reader(Reader),
}

#[derive(Debug)]
struct Pattern {
    text: String,
    not_text: Option<String>,
    regex: Expression,
    not: Option<Expression>,
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
            regex: Expression::read(text)?,
            not: not.map(Expression::read).transpose()?,
            literals: literals::required(text)
                .ok_or_else(|| format!("`{text}` has no literal text to look for"))?,
        };
        self.patterns.push(pattern);
        Ok(self.patterns.len() - 1)
    }

    /// Builds the automaton, with the words of the scanner's readers. Before that, nothing is found.
    pub(in crate::diagnose) fn finish(
        &mut self,
        words: impl Iterator<Item = (&'static str, Reader)>,
    ) -> Result<(), String> {
        let of_patterns = self.patterns.iter().enumerate().flat_map(|(number, pattern)| {
            pattern.literals.iter().map(move |l| (l.as_str(), Target::Pattern(number)))
        });
        let of_readers = words.map(|(word, reader)| (word, Target::Reader(reader)));
        let mut targets: BTreeMap<&str, Vec<Target>> = BTreeMap::new();
        for (literal, target) in of_patterns.chain(of_readers) {
            targets.entry(literal).or_default().push(target);
        }
        let (literals, of_literal): (Vec<&str>, Vec<Vec<Target>>) = targets.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .map_err(|e| e.to_string())?;
        self.automaton = Some(automaton);
        self.of_literal = of_literal;
        Ok(())
    }

    /// For whom a line may be, by its literals; some are told more than once.
    pub(in crate::diagnose) fn candidates(&self, line: &[u8], mut tell: impl FnMut(Target)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(line) {
            self.of_literal[found.pattern().as_usize()].iter().for_each(|&target| tell(target));
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
