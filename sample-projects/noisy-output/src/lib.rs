//! 200 MB of output from one test. A record that kept all of it would be useless, and one that cut it
//! at the end would lose the line that says what went wrong. Kept are the head and the tail, with a
//! count of what was left out between them. The output is written past the test harness, as a C
//! library or a child process would write it, and the failing test ends the process itself, so that
//! its last line is really the last.

#[cfg(test)]
mod tests {
    use std::io::{stdout, Write};

    const TOTAL: usize = 200_000_000;

    fn make_noise(what: &str) {
        let line = "a line of noise, one of very many, of which nobody will ever read a word\n";
        let block = line.repeat(1000);
        let mut out = stdout().lock();
        writeln!(out, "the first line of {what}").unwrap();
        for _ in 0..TOTAL / block.len() {
            out.write_all(block.as_bytes()).unwrap();
        }
    }

    #[test]
    fn is_noisy_and_passes() {
        make_noise("a test that passes");
    }

    #[test]
    fn is_noisy_and_fails() {
        make_noise("a test that fails");
        println!("the last line matters");
        stdout().flush().unwrap();
        std::process::exit(101);
    }

    #[test]
    fn is_quiet() {}
}
