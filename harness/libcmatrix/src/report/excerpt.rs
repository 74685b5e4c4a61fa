//! The lines of a test's output that tell most. Pure.

/// What libtest and rustdoc say around every test, and says nothing about this one.
const NOISE: [&str; 9] = [
    "running ",
    "test result:",
    "failures:",
    "successes:",
    "---- ",
    "note: run with `RUST_BACKTRACE",
    "stack backtrace:",
    "error: test failed",
    "test ",
];

/// At most `most` lines of `output`: from the first panic or error on where there is one, else the
/// last ones. Empty lines and libtest's own are left out. Still hostile.
#[must_use]
pub fn excerpt(output: &str, most: usize) -> Vec<&str> {
    let lines: Vec<&str> = without_closing_list(output)
        .lines()
        .map(str::trim_end)
        .filter(|l| !l.trim().is_empty() && !NOISE.iter().any(|n| l.starts_with(n)))
        .collect();
    let start = lines.iter().position(|l| begins_an_error(l)).unwrap_or(0);
    let told = &lines[start..];
    if start == 0 && !told.first().is_some_and(|l| begins_an_error(l)) {
        return told[told.len().saturating_sub(most)..].to_vec();
    }
    told[..most.min(told.len())].to_vec()
}

/// At most `most` lines of a compiler's message. Of one about linking, the linker's command is left
/// out, which is long and says nothing, and rustc's general advice. Still hostile.
#[must_use]
pub fn diagnostic(text: &str, most: usize) -> Vec<&str> {
    let is_noise = |line: &&str| {
        line.trim_start().starts_with("= note:  \"")
            || line.contains("= note: some arguments are omitted")
            || line.contains("= note: use the `-l` flag")
            || line.contains("= note: use the `cargo:rustc-link-lib` directive")
            || line.contains("= note: some `extern` functions couldn't be found")
            || line.trim().is_empty()
    };
    text.trim().lines().filter(|l| !is_noise(l)).take(most).collect()
}

/// Libtest ends with a list of the tests that failed: here only the one that is told of anyway.
fn without_closing_list(output: &str) -> &str {
    match output.rsplit_once("\nfailures:\n") {
        Some((before, list)) if !list.contains("\n---- ") => before,
        _ => output,
    }
}

fn begins_an_error(line: &str) -> bool {
    (line.starts_with("thread '") && line.contains("panicked at"))
        || line.starts_with("Error: ")
        || line.starts_with("error: ")
        || line.starts_with("error[")
        || line.contains("has overflowed its stack")
        || line.contains("AddressSanitizer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_first() {
        let output = "\nrunning 1 test\nwarming up\n\nthread 'a' (7) panicked at src/lib.rs:1:2:\n\
                      assertion failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` x\n\
                      test a ... FAILED\n\nfailures:\n\nfailures:\n    a\n\ntest result: FAILED. 0 passed\n";
        assert_eq!(excerpt(output, 9).last(), Some(&" right: 2"));
        let expected =
            ["thread 'a' (7) panicked at src/lib.rs:1:2:", "assertion failed", "  left: 1"];
        assert_eq!(excerpt(output, 3), expected);
    }

    #[test]
    fn what_libtest_mimic_says_behind_its_list_is_kept() {
        let output = "running 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a ----\nwhy\n\n";
        assert_eq!(excerpt(output, 9), ["why"]);
    }

    #[test]
    fn a_linker_is_heard_and_its_command_is_not() {
        let text = "error: linking with `cc` failed: exit status: 1\n  |\n  = note:  \"cc\" \"-m64\"\n\
                    \u{20} = note: some arguments are omitted. use `--verbose`\n\
                    \u{20} = note: ld: undefined reference to `x'\n          \n\
                    \u{20} = note: use the `-l` flag to specify\n";
        let expected = [
            "error: linking with `cc` failed: exit status: 1",
            "  |",
            "  = note: ld: undefined reference to `x'",
        ];
        assert_eq!(diagnostic(text, 9), expected);
    }

    #[test]
    fn without_one_the_end_tells_most() {
        assert_eq!(excerpt("\nrunning 1 test\na\nb\n\nc\n", 2), ["b", "c"]);
        assert_eq!(excerpt("\nrunning 1 test\n", 2), [""; 0]);
        assert_eq!(excerpt("", 2), [""; 0]);
    }
}
