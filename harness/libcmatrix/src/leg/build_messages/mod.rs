//! What compilers, linkers and build scripts said about what did not build, taken apart for the
//! record. Pure: takes cargo's messages and its lines of standard error; gives [`BuildMessage`]s in order.
//!
//! - `compiler`: rustc's diagnostics, of which those of the linker are some
//! - `cargo_errors`: what cargo says in words only, e.g. of a build script that failed

mod cargo_errors;
mod compiler;

use std::collections::HashSet;

use cargo_metadata::CompilerMessage;
use libcmatrix_schema::BuildMessage;

use cargo_errors::CargoErrors;

/// Messages that are kept. What diagnosis reads is in the first; the log has them all.
const MOST_MESSAGES: usize = 60;
/// Bytes of one message: a linker that misses hundreds of symbols says some 20 KB.
const LONGEST: usize = 32 << 10;
/// Bytes of all messages.
const MOST_BYTES: usize = 512 << 10;

/// The messages of one build, as they come.
#[derive(Default)]
pub struct BuildErrors {
    kept: Vec<BuildMessage>,
    bytes: usize,
    stderr: CargoErrors,
}

impl BuildErrors {
    /// Takes a message of a compiler.
    pub fn take(&mut self, message: &CompilerMessage) {
        self.keep(compiler::error(message));
    }

    /// Takes a line of cargo's standard error.
    pub fn take_error_line(&mut self, line: &str) {
        let ended = self.stderr.take(line);
        self.keep(ended);
    }

    /// All that was said; `tail` is the end of standard error, for a build that failed without a message.
    #[must_use]
    pub fn finish(mut self, tail: &str) -> Vec<BuildMessage> {
        let ended = self.stderr.finish();
        self.keep(ended);
        if self.kept.is_empty() && !tail.trim().is_empty() {
            self.keep(Some(cargo_errors::said_by_cargo(tail)));
        }
        self.kept
    }

    fn keep(&mut self, message: Option<BuildMessage>) {
        let Some(mut message) = message else { return };
        message.text = shortened(&anstream::adapter::strip_str(&message.text).to_string());
        // The library and its unit tests are compiled apart, and say the same.
        let is_known = self.kept.iter().any(|known| known.text == message.text);
        let is_room =
            self.kept.len() < MOST_MESSAGES && self.bytes + message.text.len() <= MOST_BYTES;
        if !is_known && is_room {
            self.bytes += message.text.len();
            self.kept.push(message);
        }
    }
}

/// A text that is too long, first without the places where a symbol is missing again, then without
/// its middle.
fn shortened(text: &str) -> String {
    let text = text.trim_end();
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut symbols = HashSet::new();
    let is_new = |line: &&str| {
        let symbol = ["undefined reference to ", "undefined symbol: "]
            .iter()
            .find_map(|words| line.split_once(words).map(|(_, symbol)| symbol));
        symbol.is_none_or(|symbol| symbols.insert(symbol.to_owned()))
    };
    let text = text.lines().filter(is_new).collect::<Vec<_>>().join("\n");
    if text.len() <= LONGEST {
        return text;
    }
    let (head, rest) = text.as_bytes().split_at(LONGEST / 2);
    let (middle, tail) = rest.split_at(rest.len() - LONGEST / 2);
    let [head, tail] = [head, tail].map(String::from_utf8_lossy);
    format!("{head}\n[... {} bytes left out ...]\n{tail}", middle.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_loses_what_it_says_again_first() {
        let again = "ld: a.o: undefined reference to `x'\n".repeat(2000);
        let text = format!("linking failed\n{again}ld: b.o: undefined reference to `y'\n");
        let short = shortened(&text);
        assert_eq!(short.lines().count(), 3, "{short}");
        assert!(short.ends_with("`y'"), "{short}");
        let short = shortened(&format!("begin{}end", "é".repeat(LONGEST)));
        assert!(short.starts_with("begin") && short.ends_with("end") && short.contains("left out"));
    }

    #[test]
    fn there_is_an_end_to_messages() {
        let mut errors = BuildErrors::default();
        for n in 0..1000 {
            errors.take_error_line(&format!("error: number {n}"));
        }
        assert_eq!(errors.finish("").len(), MOST_MESSAGES);
    }

    #[test]
    fn a_failure_without_a_message_has_its_last_words() {
        let messages = BuildErrors::default().finish("Killed\n");
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].source.as_str(), messages[0].text.as_str()), ("cargo", "Killed"));
        assert!(BuildErrors::default().finish(" \n").is_empty());
    }

    proptest! {
        #[test]
        fn any_lines_are_taken(lines in prop::collection::vec("(error: |warning: |Caused by:|   Compiling |  )?\\PC*", 0..40)) {
            let mut errors = BuildErrors::default();
            for line in &lines {
                errors.take_error_line(line);
            }
            prop_assert!(errors.finish("").len() <= lines.len());
        }
    }
}
