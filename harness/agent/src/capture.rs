//! Output with a bound: its beginning and its end are kept, what lies between is counted.

use std::collections::VecDeque;

/// Keeps the first `head` and the last `tail` bytes of what is pushed.
#[derive(Debug)]
pub(crate) struct Capture {
    head: Vec<u8>,
    head_limit: usize,
    tail: VecDeque<u8>,
    tail_limit: usize,
    cut: u64,
}

impl Capture {
    pub(crate) fn new(head_limit: usize, tail_limit: usize) -> Self {
        Self { head: Vec::new(), head_limit, tail: VecDeque::new(), tail_limit, cut: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit - self.head.len();
        let (to_head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(to_head);
        // Only the last `tail_limit` bytes of the rest can survive: skip the others at once.
        let skipped = rest.len().saturating_sub(self.tail_limit);
        self.cut += skipped as u64;
        self.tail.extend(&rest[skipped..]);
        let over = self.tail.len().saturating_sub(self.tail_limit);
        self.tail.drain(..over);
        self.cut += over as u64;
    }

    /// Bytes that were dropped.
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// What was kept, as one text; where something is missing a line says how much.
    pub(crate) fn text(&self) -> String {
        let (head, tail) = self.parts();
        if self.cut == 0 {
            let whole: Vec<u8> = [head, &tail].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        format!(
            "{}\n[... {} bytes left out ...]\n{}",
            String::from_utf8_lossy(head),
            self.cut,
            String::from_utf8_lossy(&tail)
        )
    }

    /// The kept beginning and the kept end.
    pub(crate) fn parts(&self) -> (&[u8], Vec<u8>) {
        (&self.head, self.tail.iter().copied().collect())
    }
}

/// Splits a stream into lines as they come.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

/// A line longer than this is split: one line must fit into memory on both sides.
/// Generous, because the metadata of a large workspace is one line.
const LONGEST_LINE: usize = 128 << 20;

impl Lines {
    /// Takes bytes and gives every line that is now complete, without its newline.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.partial.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            self.flush(&mut line);
        }
        self.partial.extend_from_slice(rest);
        if self.partial.len() > LONGEST_LINE {
            self.flush(&mut line);
        }
    }

    /// Gives what is left after the last newline, if anything is.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(String)) {
        if !self.partial.is_empty() {
            self.flush(&mut line);
        }
    }

    fn flush(&mut self, line: &mut impl FnMut(String)) {
        line(String::from_utf8_lossy(&self.partial).into_owned());
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost_or_counted_twice(chunks: Vec<Vec<u8>>, head in 0usize..20, tail in 0usize..20) {
            let mut capture = Capture::new(head, tail);
            for chunk in &chunks {
                capture.push(chunk);
            }
            let all = chunks.concat();
            let (kept_head, kept_tail) = capture.parts();
            prop_assert_eq!(kept_head.len() + kept_tail.len() + capture.cut() as usize, all.len());
            prop_assert!(all.starts_with(kept_head));
            prop_assert!(all.ends_with(&kept_tail));
            prop_assert_eq!(kept_head.len(), head.min(all.len()));
        }

        #[test]
        fn lines_do_not_depend_on_how_the_bytes_arrive(text in "[a-c\n]{0,60}", at in 0usize..60) {
            let split = at.min(text.len());
            let mut seen = Vec::new();
            let mut lines = Lines::default();
            lines.push(&text.as_bytes()[..split], |l| seen.push(l));
            lines.push(&text.as_bytes()[split..], |l| seen.push(l));
            lines.finish(|l| seen.push(l));
            let expected: Vec<_> = text.lines().map(str::to_owned).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
