//! What benchmarks print, read.
//!
//! Takes the lines of one benchmark binary's standard output; gives the time of an iteration by the
//! benchmark's name. Two forms are known: Criterion's
//! (<https://bheisler.github.io/criterion.rs/book/user_guide/command_line_output.html>), whose middle
//! value of three is its estimate, and libtest's.

use std::collections::BTreeMap;

/// Benchmarks of one binary that are kept.
const MOST: usize = 5_000;
/// Bytes of a benchmark's name that are kept.
const LONGEST_NAME: usize = 512;

/// Reads lines as they come.
#[derive(Debug, Default)]
pub(super) struct BenchOutput {
    /// Seconds an iteration.
    results: BTreeMap<String, f64>,
    /// Criterion puts a long name on a line of its own.
    line_before: String,
}

impl BenchOutput {
    /// Takes a line.
    pub(super) fn take(&mut self, line: &str) {
        let found = criterion(line, &self.line_before).or_else(|| libtest(line));
        if let Some((name, seconds)) = found
            && self.results.len() < MOST
            && name.len() <= LONGEST_NAME
        {
            self.results.insert(name, seconds);
        }
        line.trim().clone_into(&mut self.line_before);
    }

    /// Seconds an iteration, by name.
    pub(super) fn results(self) -> BTreeMap<String, f64> {
        self.results
    }
}

/// `name   time:   [1.0 ns 2.0 ns 3.0 ns]`, where the name may stand a line before.
fn criterion(line: &str, line_before: &str) -> Option<(String, f64)> {
    let (name, rest) = line.split_once("time:")?;
    let words: Vec<&str> = rest.trim().strip_prefix('[')?.strip_suffix(']')?.split(' ').collect();
    let [_, _, value, unit, _, _] = words.as_slice() else { return None };
    let name = match name.trim() {
        "" => line_before,
        name => name,
    };
    Some((name.to_owned(), seconds(value, unit)?)).filter(|(name, _)| !name.is_empty())
}

/// `test name ... bench:       1,234.56 ns/iter (+/- 12)`.
fn libtest(line: &str) -> Option<(String, f64)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
    let (value, _) = rest.trim().split_once(" ns/iter")?;
    Some((name.trim().to_owned(), seconds(&value.replace(',', ""), "ns")?))
}

fn seconds(value: &str, unit: &str) -> Option<f64> {
    let scale = match unit {
        "ps" => 1e-12,
        "ns" => 1e-9,
        "µs" | "us" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let seconds = value.parse::<f64>().ok()? * scale;
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        let mut output = BenchOutput::default();
        text.lines().for_each(|line| output.take(line));
        output.results().into_iter().collect()
    }

    fn one(name: &str, seconds: f64) -> Vec<(String, f64)> {
        vec![(name.to_owned(), seconds)]
    }

    #[test]
    fn what_criterion_prints() {
        let short = "fib 20                  time:   [26.029 µs 26.251 µs 26.505 µs]\n\
            Found 11 outliers among 99 measurements (11.11%)\n";
        assert_eq!(read(short), one("fib 20", 26.251 * 1e-6));
        let long = "a/very long name indeed\n                        time:   [1.0 ms 2.5 ms 3.0 ms]\n\
            \x20                       thrpt:  [1.0 MiB/s 2.5 MiB/s 3.0 MiB/s]\n\
            \x20                change:\n\
            \x20                       time:   [-1.0% +0.5% +2.0%] (p = 0.1 > 0.05)\n";
        assert_eq!(read(long), one("a/very long name indeed", 2.5e-3));
    }

    #[test]
    fn what_libtest_prints() {
        let text = "running 1 test\ntest a::b ... bench:       1,234.5 ns/iter (+/- 56)\n";
        assert_eq!(read(text), one("a::b", 1234.5 * 1e-9));
        assert_eq!(read("test old ... bench:   2,000 ns/iter (+/- 1)"), one("old", 2000.0 * 1e-9));
    }

    #[test]
    fn what_is_no_time_is_left_out() {
        for line in [
            "test a ... ok",
            "x time: [1 ns 2 ns]",
            "x time: [a ns b ns c ns]",
            "x time: [1 d 2 d 3 d]",
            "x time: [0 ns 0 ns 0 ns]",
            "x time: [inf s inf s inf s]",
            "time: [1 s 1 s 1 s]",
        ] {
            assert!(read(line).is_empty(), "{line}");
        }
    }
}
