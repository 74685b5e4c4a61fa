//! Headers that a project's C and C++ sources include and that musl lacks. Pure: takes a source's
//! text; gives hazards.

use std::path::Path;

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;

/// Headers of Debian's libc6-dev that musl-dev does not have; besides them execinfo.h.
const MISSING: [&str; 29] = [
    "error.h",
    "fts.h",
    "obstack.h",
    "argp.h",
    "argz.h",
    "envz.h",
    "sys/cdefs.h",
    "sys/queue.h",
    "gnu/libc-version.h",
    "gnu/lib-names.h",
    "mcheck.h",
    "printf.h",
    "fpu_control.h",
    "ieee754.h",
    "gshadow.h",
    "aliases.h",
    "thread_db.h",
    "bits/types.h",
    "bits/wordsize.h",
    "sys/pidfd.h",
    "sys/rseq.h",
    "ttyent.h",
    "fstab.h",
    "sgtty.h",
    "a.out.h",
    "nss.h",
    "gconv.h",
    "net/if_slip.h",
    "net/ppp_defs.h",
];

/// Whether a file is C or C++.
#[must_use]
pub fn is_source(file: &Path) -> bool {
    let extension = file.extension().and_then(|e| e.to_str());
    matches!(extension, Some("c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp"))
}

/// The hazards of a source. `is_built`: a build script names the file.
#[must_use]
pub fn find(text: &str, file: &Path, root: &Path, package: &str, is_built: bool) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    let mut conditions: usize = 0;
    let mut guard: Option<&str> = None;
    let mut is_first = true;
    for (number, line) in text.lines().enumerate() {
        let Some(directive) = line.trim_start().strip_prefix('#') else { continue };
        let (name, rest) = split_word(directive.trim_start());
        match name {
            "if" | "ifdef" => conditions += 1,
            "ifndef" => {
                conditions += 1;
                guard = Some(rest).filter(|_| is_first);
            }
            // A guard against a second inclusion is no condition.
            "define" if guard.is_some_and(|g| split_word(rest).0 == split_word(g).0) => {
                conditions = conditions.saturating_sub(1);
                guard = None;
            }
            "endif" => conditions = conditions.saturating_sub(1),
            "include" => {
                let included = rest.strip_prefix('<').and_then(|r| r.split('>').next());
                if let Some((header, code)) = included.and_then(|i| missing(i.trim())) {
                    let is_sure = conditions == 0 && is_built;
                    let confidence =
                        if is_sure { Confidence::Likely } else { Confidence::Possible };
                    let how = if conditions > 0 { ", under a condition" } else { "" };
                    let text = format!("includes <{header}>{how}");
                    hazards.push(Hazard::new(code, confidence, package, text).at(
                        file,
                        root,
                        number + 1,
                    ));
                }
            }
            _ => {}
        }
        is_first = false;
    }
    hazards
}

fn missing(header: &str) -> Option<(&str, &'static str)> {
    match header {
        "execinfo.h" => Some((header, "backtrace-missing")),
        _ => MISSING.contains(&header).then_some((header, "missing-header-gnu")),
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Option<u64>, Confidence)> {
        let (file, root) = (Path::new("/w/c/a.c"), Path::new("/w"));
        find(text, file, root, "p", true).into_iter().map(|h| (h.line, h.confidence)).collect()
    }

    #[test]
    fn conditions_are_seen() {
        let text = "#ifndef A_H\n#define A_H\n#include <execinfo.h>\n#if defined(__GLIBC__)\n#  include <fts.h>\n#endif\n#include <stdio.h>\n#include \"error.h\"\n#endif\n";
        assert_eq!(found(text), [(Some(3), Confidence::Likely), (Some(5), Confidence::Possible)]);
        assert_eq!(
            found("#ifdef X\n#include <error.h>\n#endif"),
            [(Some(2), Confidence::Possible)]
        );
        assert!(found("/* #include */ int execinfo;").is_empty());
    }
}
