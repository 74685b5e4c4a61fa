//! Who reads a line: each reader has words of which a line must hold one. The words of all are looked
//! for together with those of the rules, so that a text is gone through once.

use super::{context, diagnostics, ended, names, pairs};

/// A reader of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) enum Reader {
    /// musl is spoken of.
    Musl,
    /// glibc is spoken of.
    Glibc,
    /// A musl system is named, maybe in advice for several.
    MuslSystem,
    /// A glibc system is named, likewise.
    GlibcSystem,
    /// How a program ended.
    Ended,
    /// What was not found.
    Names,
    /// What a failed assertion compared.
    Pairs,
    /// A compiler's diagnostic begins.
    Diagnostics,
}

/// The readers of one line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readers(u8);

impl Readers {
    pub(super) fn insert(&mut self, reader: Reader) {
        self.0 |= 1 << reader as u8;
    }

    pub(super) fn has(self, reader: Reader) -> bool {
        self.0 & (1 << reader as u8) != 0
    }
}

/// All words, and whose they are.
pub(in crate::diagnose) fn words() -> impl Iterator<Item = (&'static str, Reader)> {
    [
        (context::MUSL, Reader::Musl),
        (context::GLIBC, Reader::Glibc),
        (context::MUSL_SYSTEMS, Reader::MuslSystem),
        (context::GLIBC_SYSTEMS, Reader::GlibcSystem),
        (ended::WORDS, Reader::Ended),
        (names::WORDS, Reader::Names),
        (pairs::WORDS, Reader::Pairs),
        (diagnostics::WORDS, Reader::Diagnostics),
    ]
    .into_iter()
    .flat_map(|(words, reader)| words.iter().map(move |word| (*word, reader)))
}
