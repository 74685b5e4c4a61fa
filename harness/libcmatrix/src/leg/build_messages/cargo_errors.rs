//! What cargo says on standard error only: build scripts that failed, and its own errors. Pure.

use libcmatrix_schema::BuildMessage;

use super::super::build_output;

/// Lines of one error that are kept; a build script may print without end.
const MOST_LINES: usize = 20_000;

/// Cargo's standard error, read line by line.
#[derive(Default)]
pub(super) struct CargoErrors {
    lines: Vec<String>,
}

impl CargoErrors {
    /// Takes a line; gives the error that has ended with it.
    pub(super) fn take(&mut self, line: &str) -> Option<BuildMessage> {
        let line = line.trim_end();
        let begins = line.starts_with("error: ") || line.starts_with("error[");
        if begins || line.starts_with("warning: ") || is_status(line) {
            let ended = self.finish();
            if begins {
                self.lines.push(line.to_owned());
            }
            return ended;
        }
        if (1..MOST_LINES).contains(&self.lines.len()) && !line.is_empty() {
            self.lines.push(line.to_owned());
        }
        None
    }

    /// The error that is being read; there will be no further line.
    pub(super) fn finish(&mut self) -> Option<BuildMessage> {
        let lines = std::mem::take(&mut self.lines);
        let first = lines.first()?;
        let text = lines.join("\n");
        if let Some(package) = failed_build_script(first) {
            return Some(BuildMessage {
                source: "build-script".into(),
                level: "error".into(),
                package: Some(package),
                text: build_output::without_noise(&text),
                ..BuildMessage::default()
            });
        }
        // Of a compiler that has said why there is a message of its own.
        let is_echo = first.starts_with("error: could not compile `") && lines.len() == 1;
        (!is_echo).then(|| said_by_cargo(&text))
    }
}

/// An error of cargo's own.
pub(super) fn said_by_cargo(text: &str) -> BuildMessage {
    BuildMessage {
        source: "cargo".into(),
        level: "error".into(),
        package: text
            .split_once("could not compile `")
            .and_then(|(_, rest)| rest.split('`').next().map(str::to_owned)),
        text: text.trim().to_owned(),
        ..BuildMessage::default()
    }
}

/// `name@version` in ``error: failed to run custom build command for `name v1.2.3 (/path)` ``.
fn failed_build_script(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("failed to run custom build command for `")?;
    let mut words = rest.split('`').next()?.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?;
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    Some(version.map_or(name.to_owned(), |version| format!("{name}@{version}")))
}

/// Whether cargo says what it does: a word that ends in the twelfth column.
fn is_status(line: &str) -> bool {
    line.get(..13).is_some_and(|start| {
        let word = start.trim();
        start.ends_with(' ')
            && !start[..12].ends_with(' ')
            && word.bytes().all(|b| b.is_ascii_alphabetic())
            && word.starts_with(|c: char| c.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<BuildMessage> {
        let mut errors = CargoErrors::default();
        let mut messages: Vec<_> = text.lines().filter_map(|line| errors.take(line)).collect();
        messages.extend(errors.finish());
        messages
    }

    #[test]
    fn a_build_script_says_all_of_its_block() {
        let messages = read(
            r#"   Compiling cc v1.2.3
   Compiling openssl-sys v0.9.104
warning: openssl-sys@0.9.104: Could not find directory of OpenSSL installation, and this `-sys` crate cannot proceed
error: failed to run custom build command for `openssl-sys v0.9.104`

Caused by:
  process didn't exit successfully: `/work/target/debug/build/openssl-sys-1/build-script-main` (exit status: 101)
  --- stdout
  cargo:rustc-check-cfg=cfg(osslconf, values("OPENSSL_NO_OCB"))
  cargo:rerun-if-env-changed=OPENSSL_LIB_DIR
  OPENSSL_LIB_DIR unset

  --- stderr
  thread 'main' panicked at build/find_normal.rs:190:5:

  Could not find directory of OpenSSL installation
warning: build failed, waiting for other jobs to finish...
error: failed to run custom build command for `a v0.1.0 (/work/src)`

Caused by:
  process didn't exit successfully: `/work/target/debug/build/a-1/build-script-build` (exit status: 1)
   Compiling late v1.0.0
"#,
        );
        assert_eq!(messages.len(), 2, "{messages:#?}");
        assert_eq!(messages[0].source, "build-script");
        assert_eq!(messages[0].package.as_deref(), Some("openssl-sys@0.9.104"));
        let text = &messages[0].text;
        assert!(text.starts_with("error: failed to run custom build command"), "{text}");
        assert!(text.contains("Could not find directory of OpenSSL installation"), "{text}");
        assert!(!text.contains("rerun-if") && !text.contains("waiting for other"), "{text}");
        assert_eq!(messages[1].package.as_deref(), Some("a@0.1.0"));
        assert!(messages[1].text.ends_with("(exit status: 1)"), "{}", messages[1].text);
    }

    #[test]
    fn an_echo_of_a_compiler_is_no_message_and_its_death_is_one() {
        let messages = read(
            "error: could not compile `a` (lib) due to 2 previous errors\n\
             error: could not compile `b` (lib test)\n\n\
             Caused by:\n  process didn't exit successfully: `rustc --crate-name b` (signal: 9, SIGKILL: kill)\n",
        );
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert_eq!(
            (messages[0].source.as_str(), messages[0].package.as_deref()),
            ("cargo", Some("b"))
        );
        assert!(messages[0].text.contains("SIGKILL"), "{}", messages[0].text);
    }

    #[test]
    fn an_error_of_cargo_has_all_its_lines() {
        let said = "error: failed to select a version for `zstd-sys`.\n    ... required by package `a v0.1.0`\n\
            versions that meet the requirements `^2` are: 2.0.1\nthe package links to the native library `zstd`";
        let messages = read(&format!("    Updating crates.io index\n{said}\n\n"));
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert_eq!((messages[0].source.as_str(), messages[0].text.as_str()), ("cargo", said));
    }

    #[test]
    fn what_cargo_does_is_no_error() {
        for line in [
            "   Compiling a v1.0.0",
            "    Finished `test` profile",
            "    Updating x",
            "       Fresh a",
        ] {
            assert!(is_status(line), "{line}");
        }
        for line in [
            "  --- stdout",
            "Caused by:",
            "  Compiling",
            "            a",
            "  warning: unused in c",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert!(!is_status(line), "{line}");
        }
    }
}
