//! What a line is looked at for: which patterns match it, and who else wants to read it. It depends on
//! the line alone, so several threads share a long text; what comes of it is put together in the order of
//! the lines, by [`Scanner::take`].

use std::{
    cell::LazyCell,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{KEPT, LINE_BYTES, Scanner, clean, readers::Readers};
use crate::diagnose::{conditions::Target, rulebook::Rulebook};

/// What a thread looks at in one go, in bytes.
const PORTION: usize = 512 << 10;

/// Threads at most: what they find is put together by one, and each remembers lines of its own.
const MOST_THREADS: usize = 2;

/// Lines that a thread remembers at most; a power of two.
const KNOWN_LINES: usize = 1 << 17;

/// A thread remembers from this line on: for what one test prints that would cost more than it saves.
const SHORT_LINES: u64 = 1 << 12;

/// What there is in a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    pub(super) readers: Readers,
    pub(super) matched: Vec<usize>,
    /// Whether the same line came before.
    pub(super) came_before: bool,
}

/// What one thread keeps from line to line.
#[derive(Debug)]
pub(super) struct Looker {
    line: u64,
    /// The line on which each pattern was last tried, so that nothing need be emptied between them.
    tried_on: Vec<u64>,
    /// Lines of late, each at the place that its hash says. The key of the hash is of this process alone, so
    /// that no text can be made to collide.
    known: Vec<Option<(u64, Looked)>>,
    hasher: RandomState,
}

impl Looker {
    pub(super) fn new(rulebook: &Rulebook) -> Self {
        Self {
            line: 0,
            tried_on: vec![0; rulebook.patterns.len()],
            known: Vec::new(),
            hasher: RandomState::new(),
        }
    }

    /// Looks at a line, or at a part of a very long one; at one that came before by remembering. A
    /// pattern of which enough lines were kept is not asked.
    pub(super) fn look(
        &mut self,
        rulebook: &Rulebook,
        kept: &[AtomicUsize],
        line: &[u8],
    ) -> Looked {
        if self.line < SHORT_LINES {
            return self.look_anew(rulebook, kept, line);
        }
        let hash = self.hasher.hash_one(without_time(line));
        #[allow(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
        let place = hash as usize % KNOWN_LINES;
        if let Some(Some((known, looked))) = self.known.get(place)
            && *known == hash
        {
            return looked.clone();
        }
        let looked = self.look_anew(rulebook, kept, line);
        if self.known.is_empty() {
            self.known.resize(KNOWN_LINES, None);
        }
        self.known[place] = Some((hash, Looked { came_before: true, ..looked.clone() }));
        looked
    }

    fn look_anew(&mut self, rulebook: &Rulebook, kept: &[AtomicUsize], line: &[u8]) -> Looked {
        let line = clean::without_controls(line);
        let text = LazyCell::new(|| String::from_utf8_lossy(&line));
        let mut looked = Looked::default();
        self.line += 1;
        rulebook.patterns.candidates(&line, |target| match target {
            Target::Reader(reader) => looked.readers.insert(reader),
            Target::Pattern(pattern) => {
                if std::mem::replace(&mut self.tried_on[pattern], self.line) != self.line
                    && kept[pattern].load(Ordering::Relaxed) < KEPT
                    && rulebook.patterns.is_match(pattern, &text)
                {
                    looked.matched.push(pattern);
                }
            }
        });
        looked
    }
}

/// The line without the time that CI systems put before it: `2026-11-29T02:03:04.5678901Z `.
fn without_time(line: &[u8]) -> &[u8] {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let is_time = line.len() > FORM.len()
        && FORM.iter().zip(line).all(|(form, byte)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
    if !is_time {
        return line;
    }
    let rest = &line[FORM.len()..];
    let fraction = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    match rest.iter().position(|byte| !fraction(byte)) {
        Some(end) => rest[end..].strip_prefix(b"Z ").unwrap_or(line),
        None => line,
    }
}

impl Scanner {
    /// Takes all that a reader gives, with two threads where there are two processors.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, mut input: impl Read) -> io::Result<()> {
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.min(MOST_THREADS);
        let mut buffer = Vec::new();
        loop {
            let wanted = (threads * PORTION).saturating_sub(buffer.len()).max(PORTION);
            let read = input.by_ref().take(wanted as u64).read_to_end(&mut buffer)?;
            // A line may have begun before, and one without end is not kept whole.
            let whole = match memchr::memrchr(b'\n', &buffer) {
                Some(end) if self.rest.is_empty() => end + 1,
                _ => 0,
            };
            if whole == 0 || read < wanted {
                self.push(&buffer);
                buffer.clear();
            } else {
                self.lines(&buffer[..whole], threads);
                buffer.drain(..whole);
            }
            if read < wanted {
                return Ok(());
            }
        }
    }

    /// Takes whole lines.
    fn lines(&mut self, text: &[u8], threads: usize) {
        let portions = portions(text, threads);
        let (rulebook, kept) = (self.rulebook, &self.kept);
        self.lookers.resize_with(portions.len().max(self.lookers.len()), || Looker::new(rulebook));
        let looked: Vec<Vec<Looked>> = thread::scope(|scope| {
            let look_at = |looker: &mut Looker, portion| {
                parts(portion).map(|(part, _)| looker.look(rulebook, kept, part)).collect()
            };
            let started: Vec<_> = portions
                .iter()
                .zip(&mut self.lookers)
                .map(|(portion, looker)| scope.spawn(move || look_at(looker, portion)))
                .collect();
            let joined = started.into_iter().map(|thread| match thread.join() {
                Ok(looked) => looked,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect()
        });
        for (portion, looked) in portions.iter().zip(looked) {
            for ((part, goes_on), looked) in parts(portion).zip(looked) {
                self.take(part, goes_on, &looked);
            }
        }
    }
}

/// Text of whole lines in about so many parts of about the same size.
fn portions(text: &[u8], parts: usize) -> Vec<&[u8]> {
    let mut portions = Vec::new();
    let mut rest = text;
    let size = text.len() / parts.max(1);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest.get(size..).unwrap_or_default());
        let (portion, after) = rest.split_at(end.map_or(rest.len(), |end| size + end + 1));
        portions.push(portion);
        rest = after;
    }
    portions
}

/// The lines of a text that ends with one, long ones in parts; and whether a line goes on after it.
pub(super) fn parts(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line)).flat_map(parts_of_line)
}

/// A line, or the parts of a long one.
pub(super) fn parts_of_line(line: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let count = line.len().div_ceil(LINE_BYTES).max(1);
    (0..count).map(move |n| {
        let end = line.len().min((n + 1) * LINE_BYTES);
        (&line[n * LINE_BYTES..end], n + 1 < count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{Facts, facts::NamedKind};

    /// A text that several threads share, with lines that several patterns and readers want, one that is
    /// longer than a part, and no end of the last.
    fn long() -> String {
        let mut text = String::new();
        for n in 0..40_000 {
            text += &format!("line {n}: nothing to see\n");
            if n % 500 == 0 {
                text += "/usr/bin/ld: x.o: undefined reference to `gnu_get_libc_version'\n";
                text += "error[E0425]: cannot find value `x`\n --> src/lib.rs:1:1\n  |\n\n";
                text += "Segmentation fault (core dumped) on Alpine\r\n";
            }
            if n == 30_000 {
                text += &format!("{} fatal error: execinfo.h: No such file\n", "x".repeat(100_000));
            }
        }
        text + "the end: exit code: 139"
    }

    fn same(a: &Facts, b: &Facts) {
        assert_eq!((&a.lines, &a.named), (&b.lines, &b.named));
        assert_eq!((&a.diagnostics, &a.pairs, a.context), (&b.diagnostics, &b.pairs, b.context));
        assert_eq!((a.exit_code, a.signal), (b.exit_code, b.signal));
    }

    #[test]
    fn several_threads_see_what_one_sees() {
        let text = long();
        assert!(text.len() > 2 * PORTION);
        let one = super::super::scan(text.as_bytes());
        assert!(!one.lines.is_empty() && !one.named.is_empty() && !one.diagnostics.is_empty());
        for threads in [1, 2, 3, 7] {
            let mut scanner = Scanner::new();
            let whole = text.rfind('\n').expect("a line") + 1;
            scanner.lines(&text.as_bytes()[..whole], threads);
            scanner.push(&text.as_bytes()[whole..]);
            same(&scanner.finish(), &one);
        }
        let mut scanner = Scanner::new();
        scanner.read(text.as_bytes()).expect("read");
        same(&scanner.finish(), &one);
    }

    /// A line that came before counts again where it stands, and with the time that stands before it.
    #[test]
    fn what_came_before_is_seen_again() {
        let quiet = "all is well\n".repeat(5000);
        let line = "/usr/bin/ld: x.o: undefined reference to `gnu_get_libc_version'";
        let again = format!(
            "{line}\n2026-11-29T01:02:03.4567890Z {line}\nexit code: 3\n{line}\nexit code: 4\n"
        );
        let facts = super::super::scan(format!("{quiet}{again}exit code: 3\n").as_bytes());
        let mut lines: Vec<u64> = facts.lines.values().flatten().map(|hit| hit.line).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines, [5001, 5002, 5004]);
        assert_eq!(facts.named(NamedKind::Undefined).len(), 1);
        assert_eq!(facts.exit_code, Some(3), "the last one");
    }

    #[test]
    fn the_time_before_a_line_is_known_by_its_form() {
        let without =
            |line: &str| String::from_utf8_lossy(without_time(line.as_bytes())).into_owned();
        assert_eq!(without("2026-11-29T01:02:03.4567890Z text"), "text");
        assert_eq!(without("2026-11-29T01:02:03Z text"), "text");
        for kept in
            ["2026-11-29T01:02:03", "2026-11-29T01:02:03.45", "2026-11-29 01:02:03Z text", "text"]
        {
            assert_eq!(without(kept), kept);
        }
    }

    #[test]
    fn portions_end_with_lines() {
        for text in ["a\nbb\nccc\n", "\n\n\n", "a\n", ""] {
            for parts in 1..5 {
                let portions = portions(text.as_bytes(), parts);
                assert!(portions.iter().all(|portion| portion.ends_with(b"\n")));
                assert_eq!(portions.concat(), text.as_bytes());
            }
        }
    }
}
