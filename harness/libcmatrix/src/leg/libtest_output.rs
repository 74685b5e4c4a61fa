//! What rustdoc prints of the doctests it ran. Pure: takes text, gives tests.
//!
//! There is no other way to hear of them: libtest's JSON is not stable
//! (<https://github.com/rust-lang/rust/issues/49359>).

use std::collections::HashMap;

use libcmatrix_schema::{Attempt, AttemptStatus};

/// A test, as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedTest {
    /// Its name, without the mode that is printed behind it.
    pub name: String,
    /// What it did.
    pub seen: Seen,
}

/// What a printed test did.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It ran.
    Ran(Attempt),
    /// It did not, on purpose.
    Ignored,
}

/// Everything printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The tests, in order.
    pub tests: Vec<PrintedTest>,
    /// Whether every run that began came to its end, and at least one did. Rustdoc makes several
    /// runs of one package: of the examples that it merged, and of the others.
    pub is_whole: bool,
}

/// Reads the output of `cargo test --doc`.
#[must_use]
pub fn parse(output: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let details = failure_details(output);
    let (mut begun, mut ended) = (0, 0);
    for line in output.lines() {
        begun += u32::from(begins_a_run(line));
        ended += u32::from(line.starts_with("test result: "));
        let Some((name, result)) = line.strip_prefix("test ").and_then(|l| l.rsplit_once(" ... "))
        else {
            continue;
        };
        let seen = match result.trim() {
            "ok" => Seen::Ran(attempt(AttemptStatus::Passed, String::new())),
            "FAILED" => {
                let detail = details.get(name).cloned().unwrap_or_default();
                Seen::Ran(attempt(status(&detail), detail))
            }
            other if other.starts_with("ignored") => Seen::Ignored,
            _ => continue,
        };
        parsed.tests.push(PrintedTest { name: without_mode(name).to_owned(), seen });
    }
    parsed.is_whole = begun > 0 && begun == ended;
    parsed
}

/// `running 3 tests`.
fn begins_a_run(line: &str) -> bool {
    let number = line.strip_prefix("running ").and_then(|l| l.split_once(" test"));
    number.is_some_and(|(n, rest)| n.parse::<u64>().is_ok() && matches!(rest, "" | "s"))
}

/// `src/lib.rs - item (line 3) - compile fail` is the test `src/lib.rs - item (line 3)`.
fn without_mode(name: &str) -> &str {
    ["compile fail", "compile", "should panic"]
        .iter()
        .find_map(|mode| name.strip_suffix(mode)?.strip_suffix(" - "))
        .unwrap_or(name)
}

fn attempt(status: AttemptStatus, output: String) -> Attempt {
    Attempt { output, ..Attempt::unmeasured(status) }
}

/// `---- NAME stdout ----` and what follows it, up to the next such line or the closing list.
fn failure_details(output: &str) -> HashMap<String, String> {
    let mut details: HashMap<String, String> = HashMap::new();
    let mut current: Option<String> = None;
    for line in output.lines() {
        if let Some(name) = line.strip_prefix("---- ").and_then(|l| l.strip_suffix(" stdout ----"))
        {
            current = Some(name.to_owned());
        } else if line == "failures:" || line.starts_with("test result: ") {
            current = None;
        } else if let Some(name) = &current {
            let detail = details.entry(name.clone()).or_default();
            detail.push_str(line);
            detail.push('\n');
        }
    }
    details
}

/// Rustdoc says `Test executable failed (signal: 11 (SIGSEGV) (core dumped)).` or `(exit status: 101)`.
fn status(detail: &str) -> AttemptStatus {
    let number = |after: &str| {
        let digits = detail.split_once(after)?.1;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok()
    };
    if let Some(signal) = number("Test executable failed (signal: ") {
        return AttemptStatus::Crashed { signal };
    }
    // Of merged examples, rustdoc does not say by which one.
    if detail.contains("Test executable failed (terminated by signal)") {
        return AttemptStatus::Crashed { signal: 0 };
    }
    let exit_code = number("Test executable failed (exit status: ");
    AttemptStatus::Failed { exit_code: exit_code.unwrap_or(101) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\nrunning 5 tests\n\
        test src/lib.rs - (line 3) ... ok\n\
        test src/lib.rs - a::b (line 9) - compile fail ... ok\n\
        test src/lib.rs - c (line 20) ... ignored\n\
        test src/lib.rs - crash (line 30) ... FAILED\n\
        test src/lib.rs - wrong (line 40) - should panic ... FAILED\n\
        \nfailures:\n\n---- src/lib.rs - crash (line 30) stdout ----\n\
        Test executable failed (signal: 11 (SIGSEGV) (core dumped)).\n\n\
        ---- src/lib.rs - wrong (line 40) - should panic stdout ----\n\
        Test executable failed (exit status: 101).\nstderr:\nboom\n\n\
        \nfailures:\n    src/lib.rs - crash (line 30)\n\n\
        test result: FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    #[test]
    fn every_kind_of_line_is_understood() {
        let parsed = parse(OUTPUT);
        assert!(parsed.is_whole);
        let seen: Vec<_> = parsed
            .tests
            .iter()
            .map(|t| match &t.seen {
                Seen::Ran(a) => (t.name.as_str(), Some(a.status.clone())),
                Seen::Ignored => (t.name.as_str(), None),
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("src/lib.rs - (line 3)", Some(AttemptStatus::Passed)),
                ("src/lib.rs - a::b (line 9)", Some(AttemptStatus::Passed)),
                ("src/lib.rs - c (line 20)", None),
                ("src/lib.rs - crash (line 30)", Some(AttemptStatus::Crashed { signal: 11 })),
                ("src/lib.rs - wrong (line 40)", Some(AttemptStatus::Failed { exit_code: 101 })),
            ]
        );
        let Seen::Ran(wrong) = &parsed.tests[4].seen else { panic!("it ran") };
        assert!(wrong.output.contains("boom"));
    }

    #[test]
    fn a_run_that_was_cut_off_is_seen() {
        assert!(!parse("running 2 tests\ntest a ... ok\n").is_whole);
        let first = "running 1 test\ntest a ... ok\ntest result: ok. 1 passed\n";
        assert!(parse(first).is_whole);
        assert!(!parse(&format!("{first}\nrunning 1 test\n")).is_whole);
        assert!(!parse("").is_whole);
    }

    #[test]
    fn a_crash_of_a_merged_example_has_no_number() {
        let output = "running 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\
                      Test executable failed (terminated by signal).\n\ntest result: FAILED.\n";
        let Seen::Ran(attempt) = &parse(output).tests[0].seen else { panic!("it ran") };
        assert_eq!(attempt.status, AttemptStatus::Crashed { signal: 0 });
    }
}
