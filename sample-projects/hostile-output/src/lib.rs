//! A test's output goes into terminals, HTML, XML, Markdown and the logs of CI systems, and may hold
//! anything: escape sequences, workflow commands, the end of a CDATA section, bytes that are no UTF-8
//! or no character of XML at all, direction marks that show a line other than it is. Nothing of it
//! may act in any report. The test fails on both sides, so that its output is shown; another prints
//! the same and passes.

#[cfg(test)]
mod tests {
    use std::io::{stdout, Write};

    const LINES: &[&[u8]] = &[
        b"\x1b[2J\x1b[1;1H\x1b[41mthe screen is cleared\x1b[0m\x1b]0;title\x07\x1b]8;;http://localhost/\x1b\\link\x1b]8;;\x1b\\",
        b"::error file=src/lib.rs,line=1::this is not an error",
        b"::set-output name=verdict::go",
        b"::stop-commands::all-of-them",
        b"##vso[task.complete result=Succeeded;]done",
        b"##teamcity[testFinished name='fails']",
        b"]]> <![CDATA[ </testcase></testsuite> <script>alert(1)</script> &lt; &bogus;",
        b"```\n# a heading | a cell\n```",
        b"not UTF-8: \xff\xfe \xc3\x28 \xed\xa0\x80 \xf0\x9f\x98",
        b"NUL \0, backspace \x08\x08\x08, form feed \x0c, DEL \x7f, C1 \xc2\x9b31m",
        "bidi \u{202e}desrever si siht\u{202c} \u{2066}isolated\u{2069} zero\u{200b}width \u{feff}".as_bytes(),
        "not in XML: \u{fffe} \u{ffff} \u{b}".as_bytes(),
        b"test tests::made_up ... ok",
        b"test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        b"a line that is overwritten\ra line that overwrites",
    ];

    fn print_lines() {
        let mut out = stdout().lock();
        for line in LINES {
            out.write_all(line).unwrap();
            out.write_all(b"\n").unwrap();
        }
        out.flush().unwrap();
    }

    #[test]
    fn prints_and_fails() {
        print_lines();
        panic!("]]>\u{1b}[31m</script>::error::that is all");
    }

    #[test]
    fn prints_and_passes() {
        print_lines();
    }
}
