//! How a program ended, where the text tells.

use std::sync::OnceLock;

use regex::Regex;

use super::super::facts::Facts;

/// Words of which such a line has one.
pub(super) const WORDS: &[&str] = &[
    "signal: ",
    "exit code",
    "exited with",
    "exit status",
    "non-zero code",
    "returncode",
    "Segmentation fault",
    "core dumped",
    "received signal SIG",
    "segmentation fault",
    "terminated with signal",
    "terminated by signal",
    "killed by SIG",
    "exited with signal",
    "failed with signal",
];

/// Takes the last exit code or signal that is told.
pub(super) fn note(text: &str, facts: &mut Facts) {
    static FORMS: OnceLock<Regex> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        Regex::new(
            r"(?:\(signal: |terminated (?:with|by) signal )(?P<signal>\d+)|(?:exit(?:ed with)?(?: code| status)?|non-zero code|returncode)[:=]? ?(?P<code>-?\d+)",
        )
        .expect("forms of an end")
    });
    if let Some(found) = forms.captures(text) {
        let number = |name| found.name(name).and_then(|m| m.as_str().parse::<i32>().ok());
        if let Some(signal) = number("signal") {
            facts.signal = Some(signal);
        }
        match number("code") {
            // A shell gives 128 and the signal's number; Python the negative number.
            Some(code @ 129..=159) => facts.signal = Some(code - 128),
            Some(code @ -64..=-1) => facts.signal = Some(-code),
            Some(code) => facts.exit_code = Some(code),
            None => {}
        }
    } else if text.contains("egmentation fault") || text.contains("SIGSEGV") {
        facts.signal = Some(11);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn ends_are_read() {
        let end = |text: &str| {
            let facts = crate::diagnose::scan(text.as_bytes());
            (facts.exit_code, facts.signal)
        };
        assert_eq!(end("(signal: 11, SIGSEGV: invalid memory reference)"), (None, Some(11)));
        assert_eq!(end("returned a non-zero code: 127"), (Some(127), None));
        assert_eq!(end("server exited with code 139"), (None, Some(11)));
        assert_eq!(end("Process completed with exit code 101."), (Some(101), None));
        assert_eq!(end("(exit status: 101)"), (Some(101), None));
        assert_eq!(end("Segmentation fault (core dumped)"), (None, Some(11)));
        assert_eq!(
            end("Program terminated with signal SIGSEGV, Segmentation fault."),
            (None, Some(11))
        );
        assert_eq!(end("Program terminated with signal 11, Segmentation fault."), (None, Some(11)));
        assert_eq!(end("+++ killed by SIGSEGV (core dumped) +++"), (None, Some(11)));
        assert_eq!(end("exit code unknown"), (None, None));
    }
}
