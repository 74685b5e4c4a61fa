//! The literal text that every match of a regular expression must hold.

use regex_syntax::hir::{Hir, HirKind};

/// A shorter one is in nearly every line.
const SHORTEST: usize = 2;
/// More alternatives than this are no help.
const MOST: usize = 32;

/// Literals of which every match holds at least one; `None` where there are none that are long enough.
pub(super) fn required(pattern: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let found = of(&hir)?;
    (weight(&found) >= SHORTEST && found.len() <= MOST).then_some(found)
}

fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            String::from_utf8(literal.0.to_vec()).ok().map(|text| vec![text])
        }
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(of).max_by_key(|found| weight(found)),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(of).collect();
            all.map(|all| all.concat())
        }
        _ => None,
    }
}

/// A set is as good as its shortest member.
fn weight(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_that_must_be_there() {
        let found = |pattern| required(pattern).map(|l| l.join("|"));
        assert_eq!(found(r"error: cannot find -l(\w+)").as_deref(), Some("error: cannot find -l"));
        assert_eq!(found(r"(?:fts|argp)\.h: No such").as_deref(), Some(".h: No such"));
        assert_eq!(found(r"(alpha|bravo)\d+").as_deref(), Some("alpha|bravo"));
        assert_eq!(found(r"(alpha|b)\d+"), None);
        assert_eq!(found(r"(alpha)?\d+"), None);
        assert_eq!(found(r"(?i)alpha"), None, "either case is no literal");
    }
}
