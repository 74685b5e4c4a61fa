//! A text, gone through once: lines that rules look for, and what compilers, linkers, loaders, shells
//! and test harnesses name in their messages.
//!
//! Takes bytes, in any portions; gives [`Facts`]. Time grows with the text, memory does not: of every
//! kind of find the first ones are kept. Colours and other control sequences are taken out; what CI
//! systems put before a line does no harm, since no pattern is tied to a line's beginning.

mod clean;
mod context;
mod diagnostics;
mod ended;
mod look;
mod names;
mod pairs;
mod readers;

use std::{
    cell::LazyCell,
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

pub(super) use readers::{Reader, words};

use look::{Looked, Looker};

use super::{
    facts::{Facts, Hit, NamedKind},
    rulebook::{Rulebook, rulebook},
};

/// Finds kept of each kind.
const KEPT: usize = 100;
/// Bytes of a line that are looked at as one; a longer one is taken as several.
const LINE_BYTES: usize = 16 << 10;
/// Bytes of a line that are kept.
const KEPT_LINE_BYTES: usize = 400;

/// Goes through a text as it comes.
#[derive(Debug)]
pub struct Scanner {
    rulebook: &'static Rulebook,
    facts: Facts,
    number: u64,
    /// The part of a line that has come so far.
    rest: Vec<u8>,
    /// One of each thread that looks; the first is there from the beginning.
    lookers: Vec<Looker>,
    /// Lines that were kept of each pattern.
    kept: Vec<AtomicUsize>,
    diagnostics: diagnostics::Collector,
    pairs: pairs::Collector,
    names_seen: HashSet<(NamedKind, String)>,
}

/// The facts of a whole text.
#[must_use]
pub fn scan(text: &[u8]) -> Facts {
    let mut scanner = Scanner::new();
    scanner.push(text);
    scanner.finish()
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner at the beginning of a text.
    #[must_use]
    pub fn new() -> Self {
        let rulebook = rulebook();
        Self {
            rulebook,
            facts: Facts::default(),
            number: 0,
            rest: Vec::new(),
            lookers: vec![Looker::new(rulebook)],
            kept: std::iter::repeat_with(AtomicUsize::default)
                .take(rulebook.patterns.len())
                .collect(),
            diagnostics: diagnostics::Collector::default(),
            pairs: pairs::Collector::default(),
            names_seen: HashSet::new(),
        }
    }

    /// Takes the next portion.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, after) = (&bytes[..end], &bytes[end + 1..]);
            if self.rest.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole);
                whole.clear();
                self.rest = whole;
            }
            bytes = after;
        }
        self.rest.extend_from_slice(bytes);
        // A text without line ends must not be kept whole.
        while self.rest.len() >= LINE_BYTES {
            let after = self.rest.split_off(LINE_BYTES);
            let part = std::mem::replace(&mut self.rest, after);
            self.part(&part, true);
        }
    }

    /// What was found in all of it.
    #[must_use]
    pub fn finish(mut self) -> Facts {
        if !self.rest.is_empty() {
            let last = std::mem::take(&mut self.rest);
            self.line(&last);
        }
        self.diagnostics.finish(&mut self.facts);
        self.facts
    }

    fn line(&mut self, line: &[u8]) {
        for (part, goes_on) in look::parts_of_line(line) {
            self.part(part, goes_on);
        }
    }

    /// One line, or a part of a very long one; `goes_on`: the line does not end here.
    fn part(&mut self, bytes: &[u8], goes_on: bool) {
        let looked = self.lookers[0].look(self.rulebook, &self.kept, bytes);
        self.take(bytes, goes_on, &looked);
    }

    /// The same, once it was looked at.
    fn take(&mut self, bytes: &[u8], goes_on: bool, looked: &Looked) {
        let number = self.number + 1;
        if !goes_on {
            self.number = number;
        }
        let readers = looked.readers;
        let bytes = LazyCell::new(|| clean::without_controls(bytes));
        let text = LazyCell::new(|| String::from_utf8_lossy(&bytes));
        let facts = &mut self.facts;
        for &pattern in &looked.matched {
            if self.kept[pattern].load(Ordering::Relaxed) < KEPT {
                self.kept[pattern].fetch_add(1, Ordering::Relaxed);
                facts.lines.entry(pattern).or_default().push(hit(number, &text));
            }
        }
        context::note(readers, &mut facts.context);
        // A name is kept once, so the same line again has none.
        if readers.has(Reader::Names) && !looked.came_before {
            names::find(&text, number, facts, &mut self.names_seen);
        }
        if readers.has(Reader::Ended) {
            ended::note(&text, facts);
        }
        if readers.has(Reader::Pairs) || self.pairs.is_reading() {
            self.pairs.line(&text, number, facts);
        }
        let begins = readers.has(Reader::Diagnostics);
        if begins || self.diagnostics.is_reading() {
            self.diagnostics.line(&text, number, begins, facts);
        }
    }
}

/// A line as it is kept.
fn hit(line: u64, text: &str) -> Hit {
    let text = text.trim();
    let mut end = text.len().min(KEPT_LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { "…" } else { "" };
    Hit { line, text: format!("{}{cut}", &text[..end]) }
}
