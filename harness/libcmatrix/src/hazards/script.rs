//! Scripts of a project: the shell they name, and options that BusyBox's tools do not know. Pure:
//! takes a script's text; gives hazards.

use std::path::Path;

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;

/// A script of the project.
pub struct Script<'a> {
    /// Its file.
    pub file: &'a Path,
    /// Its text.
    pub text: &'a str,
    /// Whether the project's Rust code names it; else it only lies among the tests.
    pub is_named: bool,
}

/// Options that BusyBox 1.37 refuses (Alpine 3.23), each tried there. One that ends in `=` may be
/// followed by a value.
const REFUSED: [(&str, &[&str]); 20] = [
    ("grep", &["-P", "--perl-regexp", "--include=", "--exclude-dir="]),
    ("sed", &["-z", "--null-data"]),
    ("date", &["--iso-8601", "--iso-8601="]),
    ("find", &["-printf", "-regextype"]),
    ("xargs", &["-d", "--delimiter="]),
    ("mktemp", &["--suffix="]),
    ("realpath", &["--relative-to="]),
    ("stat", &["--format=", "--printf="]),
    ("tar", &["--sort=", "--transform=", "--owner="]),
    ("timeout", &["--preserve-status"]),
    ("ls", &["--time-style="]),
    ("du", &["--apparent-size"]),
    ("env", &["-S"]),
    ("cut", &["--complement"]),
    ("ln", &["-r"]),
    ("tail", &["--pid="]),
    ("sha256sum", &["--ignore-missing", "--quiet"]),
    ("chown", &["--reference="]),
    ("hostname", &["-I"]),
    ("ps", &["-p"]),
];

/// The hazards of a script.
#[must_use]
pub fn find(script: &Script<'_>, root: &Path, project: &str) -> Vec<Hazard> {
    let Some(shebang) = script.text.lines().next().and_then(|l| l.strip_prefix("#!")) else {
        return Vec::new();
    };
    let mut hazards = Vec::new();
    let confidence = if script.is_named { Confidence::Likely } else { Confidence::Possible };
    let mut words = shebang.split_whitespace();
    let program = words.next().and_then(base_name);
    let (by_env, program) = match program {
        Some("env") => (true, words.next()),
        other => (false, other),
    };
    let interpreter = match program {
        Some(option) if by_env && option.starts_with("-S") => {
            let text = format!("begins with `#!{}`", shebang.trim());
            hazards.push(Hazard::new("env-dash-S", confidence, project, text).needs_run(true).at(
                script.file,
                root,
                1,
            ));
            words.next()
        }
        other => other,
    };
    let interpreter = interpreter.and_then(base_name);
    if interpreter == Some("bash") {
        let named = if script.is_named { ", and the code names it" } else { "" };
        let text = format!("begins with `#!{}`{named}", shebang.trim());
        hazards.push(Hazard::new("no-bash", confidence, project, text).needs_run(true).at(
            script.file,
            root,
            1,
        ));
    }
    if matches!(interpreter, Some("sh" | "ash" | "dash" | "bash")) {
        hazards.extend(options(script, root, project));
    }
    hazards
}

fn base_name(word: &str) -> Option<&str> {
    word.rsplit('/').next()
}

/// One hazard for each option: a script may bring the tool itself, or never come by.
fn options(script: &Script<'_>, root: &Path, project: &str) -> Vec<Hazard> {
    let mut hazards: Vec<Hazard> = Vec::new();
    for (number, line) in script.text.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for command in line.split(['|', ';', '&', '(', ')', '`']) {
            let mut words = command.split_whitespace().skip_while(|w| {
                matches!(*w, "if" | "then" | "else" | "do" | "while" | "!" | "{") || w.contains('=')
            });
            let Some(tool) = words.next() else { continue };
            let Some((_, refused)) = REFUSED.iter().find(|(name, _)| *name == tool) else {
                continue;
            };
            let option = words.take_while(|w| *w != "--").find_map(|word| {
                refused.iter().find(|r| match r.strip_suffix('=') {
                    Some(name) => word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')),
                    None => **r == word,
                })
            });
            let Some(option) = option else { continue };
            let text = format!("`{tool} {}`", option.trim_end_matches('='));
            if hazards.iter().all(|h| h.text != text) {
                hazards.push(
                    Hazard::new("busybox-tool-flags", Confidence::Possible, project, text).at(
                        script.file,
                        root,
                        number + 1,
                    ),
                );
            }
        }
    }
    hazards
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(String, Option<u64>)> {
        let script = Script { file: Path::new("/w/tests/a"), text, is_named: true };
        find(&script, Path::new("/w"), "p").into_iter().map(|h| (h.code, h.line)).collect()
    }

    #[test]
    fn what_a_script_begins_with() {
        for (text, codes) in [
            ("#!/bin/bash\n", &["no-bash"][..]),
            ("#! /usr/bin/env bash -e\n", &["no-bash"]),
            ("#!/usr/bin/env -S bash -e\n", &["env-dash-S", "no-bash"]),
            ("#!/usr/bin/env -S cargo run\n", &["env-dash-S"]),
            ("#!/bin/sh\n", &[]),
            ("#!/usr/bin/env python3\n", &[]),
            ("no script\n#!/bin/bash", &[]),
        ] {
            let found: Vec<String> = found(text).into_iter().map(|(code, _)| code).collect();
            assert_eq!(found, codes, "{text}");
        }
    }

    #[test]
    fn options_of_the_tools() {
        let text = "#!/bin/sh\n# grep -P\nx=$(echo a | grep -P 'b')\nstat --format=%s f; date -d @0\ngrep -e -P\nLC_ALL=C find . -printf x\n";
        let lines: Vec<_> = found(text).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [Some(3), Some(4), Some(6)]);
        assert!(found("#!/bin/sh\necho grep -P\ngrep -o x\nln -sr a b\n").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            found(&text);
            found(&format!("#!/bin/sh\n{text}"));
        }
    }
}
