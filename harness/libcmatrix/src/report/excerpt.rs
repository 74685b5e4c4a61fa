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
    let lines: Vec<&str> = output
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
                      test a ... FAILED\n\nfailures:\n\ntest result: FAILED. 0 passed\n";
        let expected =
            ["thread 'a' (7) panicked at src/lib.rs:1:2:", "assertion failed", "  left: 1"];
        assert_eq!(excerpt(output, 3), expected);
    }

    #[test]
    fn without_one_the_end_tells_most() {
        assert_eq!(excerpt("\nrunning 1 test\na\nb\n\nc\n", 2), ["b", "c"]);
        assert_eq!(excerpt("\nrunning 1 test\n", 2), [""; 0]);
        assert_eq!(excerpt("", 2), [""; 0]);
    }
}
