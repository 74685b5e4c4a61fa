//! Programs that a project's code starts and that Alpine does not come with. Pure.

use std::path::{Path, PathBuf};

use libcmatrix_schema::Confidence;

use super::{hazard::Hazard, source::condition::Truth, source::seen::Seen};

/// The finding that a program's absence gives. Debian's smallest image has all of these.
fn code(program: &str) -> Option<&'static str> {
    let name = match program.rsplit_once('/') {
        Some(("/bin" | "/usr/bin" | "/sbin" | "/usr/sbin", name)) => name,
        Some(_) => return None,
        None => program,
    };
    match name {
        "bash" => Some("no-bash"),
        "useradd" | "usermod" | "userdel" | "groupadd" | "groupdel" => {
            Some("user-management-tools")
        }
        "locale" | "localedef" | "ldconfig" => Some("glibc-cli-tools-missing"),
        _ => None,
    }
}

/// One hazard for each place of a test; of other code, one for each program.
#[must_use]
pub fn find(package: &str, files: &[(PathBuf, Seen)], root: &Path) -> Vec<Hazard> {
    let mut hazards: Vec<Hazard> = Vec::new();
    for (file, seen) in files {
        for found in seen.commands.iter().filter(|c| c.compiled != Truth::No) {
            let Some(code) = code(&found.what) else { continue };
            let is_likely = found.in_test && found.compiled == Truth::Yes;
            let confidence = if is_likely { Confidence::Likely } else { Confidence::Possible };
            let who = if found.in_test { "a test" } else { "code" };
            let text = format!("{who} starts `{}`", found.what);
            let hazard = Hazard::new(code, confidence, package, text)
                .needs_run(true)
                .at(file, root, found.line);
            if !hazards
                .iter()
                .any(|h| h.code == hazard.code && h.text == hazard.text && h.file == hazard.file)
            {
                hazards.push(hazard);
            }
        }
    }
    hazards
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;
    use crate::hazards::source::{condition::Conditions, parse, uses};

    #[test]
    fn bash_in_tests_and_elsewhere() {
        let text = "#[test] fn t() { Command::new(\"/bin/bash\"); Command::new(\"/bin/bash\"); Command::new(\"sh\"); }\n\
                    fn f() { std::process::Command::new(\"bash\") }\n#[cfg(windows)] fn g() { Command::new(\"bash\") }";
        let conditions =
            Conditions::new("x86_64-unknown-linux-musl", BTreeSet::new(), true).expect("known");
        let file = parse::file(text).expect("it parses");
        let seen = uses::seen(&file, &conditions, &HashSet::new(), Truth::Yes, false);
        let found = find("p", &[(PathBuf::from("/w/t.rs"), seen)], Path::new("/w"));
        let shown: Vec<_> = found.iter().map(|h| (h.confidence, h.line)).collect();
        assert_eq!(shown, [(Confidence::Likely, Some(1)), (Confidence::Possible, Some(2))]);
    }
}
