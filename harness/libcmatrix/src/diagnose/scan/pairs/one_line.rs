//! Failed assertions that tell both values on one line.

use std::sync::OnceLock;

use regex::Regex;

use super::{Compared, bare};

/// A value as it is printed: in quotes, or one word.
const VALUE: &str = r#"(?:"[^"]*"|'[^']*'|[^\s"']+)"#;

/// What the line compares, if it is such a line.
pub(super) fn read(text: &str) -> Option<Compared> {
    static FORMS: OnceLock<Vec<(Regex, bool)>> = OnceLock::new();
    let forms = FORMS.get_or_init(forms);
    forms.iter().find_map(|(form, ordered)| {
        let found = form.captures(text)?;
        Some(Compared { expected: bare(&found["e"]), actual: bare(&found["a"]), ordered: *ordered })
    })
}

/// Each with whether it is known which value was expected.
fn forms() -> Vec<(Regex, bool)> {
    [
        (r"(?i)\bgot:? (?P<a>.+?)[,;] (?:want|wanted|expected):? (?P<e>.+)$", true),
        (r"(?i)\bexpected:? ?(?P<e>[^\s:].*?),? (?:but )?(?:got|received|was):? ?(?P<a>.+)$", true),
        (r"(?i)\bexpected (?P<a>.+?) to (?:deeply |strictly |loosely )?equal (?P<e>.+)$", true),
        (r#"\{expected,(?P<e>"[^"]*"|[^,}]+)\},\s*\{value,(?P<a>"[^"]*"|[^,}]+)\}"#, true),
        (r"actual: \(not \(= (?P<e>VALUE) (?P<a>VALUE)\)\)$", true),
        (r"Assert(?:ionError|Error@\S+): (?P<e>.+?) != (?P<a>.+)$", false),
        (r"\bassert (?P<e>VALUE) == (?P<a>VALUE)$", false),
        (r"has failed \[(?P<e>.*) != (?P<a>.*)\]$", false),
        (r"\): \((?P<e>.+) == (?P<a>.+)\)$", false),
        (r"\bvalues: \w+\( (?P<e>.+) == (?P<a>.+) \)", false),
        (r"\bEvaluated: (?P<e>.+) == (?P<a>.+)$", false),
        (r"\bfailed: .* == (?P<e>VALUE), .* == (?P<a>VALUE)$", false),
        (r#"\((?P<e>"[^"]*")\) is not equal to \((?P<a>"[^"]*")\)"#, false),
        (r#"^\s*(?P<e>"[^"]*"|-?[\d.]+) (?:==|!=) (?P<a>"[^"]*"|-?[\d.]+)$"#, false),
    ]
    .map(|(form, ordered)| {
        let form = Regex::new(&form.replace("VALUE", VALUE));
        (form.expect("a form of a failed assertion"), ordered)
    })
    .into()
}
