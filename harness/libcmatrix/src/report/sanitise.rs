//! Text of tested programs, made harmless for terminals and for logs of CI services.
//!
//! Nothing that acts is let through: no escape sequence, no control character, no mark that
//! changes the direction of a line or hides a character, no command of a CI service. Nothing is
//! lost silently: what is taken out is shown as the control character's picture or its number.
//! Lines stay lines.

/// Markers by which CI services find commands anywhere in a line: GitHub's older ones, Azure
/// Pipelines', TeamCity's.
const COMMAND_MARKERS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Makes `text` harmless. Doing it twice gives the same as doing it once.
#[must_use]
pub fn sanitise(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        // What a carriage return would overwrite is kept, on a line of its own.
        let line = line.strip_suffix('\r').unwrap_or(line);
        lines.extend(line.split('\r').map(one_line));
    }
    lines.join("\n")
}

/// Makes `text` harmless and one line.
#[must_use]
pub fn sanitise_line(text: &str) -> String {
    sanitise(text).replace('\n', "\u{240a}")
}

fn one_line(line: &str) -> String {
    let mut clean: String = without_escapes(line).chars().map(visible).collect();
    for marker in COMMAND_MARKERS {
        clean = clean.replace(marker, &marker.replacen("##", "# #", 1));
    }
    // GitHub's commands begin a line, spaces aside.
    let start = clean.len() - clean.trim_start().len();
    if clean[start..].starts_with("::") {
        clean.replace_range(start..start + 2, ": :");
    }
    clean
}

/// Takes out whole escape sequences (ECMA-48): leaving their letters in would make a mess of every
/// coloured line.
fn without_escapes(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let introducer = match c {
            '\u{1b}' => rest.next(),
            '\u{9b}' => Some('['),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => Some(']'),
            _ => {
                clean.push(c);
                continue;
            }
        };
        match introducer {
            // Parameters and intermediates, then one final character.
            Some('[') => {
                while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                rest.next_if(|c| matches!(c, '@'..='~'));
            }
            // A string up to its terminator: BEL, ST, or the end of the line.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(c) = rest.next() {
                    match c {
                        '\u{7}' | '\u{9c}' => break,
                        '\u{1b}' => {
                            rest.next_if_eq(&'\\');
                            break;
                        }
                        _ => {}
                    }
                }
            }
            // Intermediates, then one final character.
            Some(' '..='/') => {
                while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
                rest.next_if(|c| matches!(c, '0'..='~'));
            }
            Some('0'..='~') | None => {}
            // No sequence after all: the character is looked at for itself.
            Some(other) => clean.push(other),
        }
    }
    clean
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        // Pictures of control characters (Unicode block U+2400).
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ if c.is_control() || is_deceptive(c) => '\u{fffd}',
        _ => c,
    }
}

/// Characters that show nothing, or change how others are shown: direction marks, zero-width
/// characters, separators that some viewers take for line ends, tags, non-characters.
fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_go_and_words_stay() {
        assert_eq!(sanitise("\u{1b}[1;31mred\u{1b}[0m and \u{9b}32mgreen"), "red and green");
        assert_eq!(sanitise("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\link"), "alink");
        assert_eq!(sanitise("\u{1b}(Ba \u{1b}7b \u{1b}Pq\u{1b}\\c"), "a b c");
        assert_eq!(sanitise("\u{1b}"), "");
        assert_eq!(sanitise("\u{1b}[31"), "", "a sequence that is cut off");
    }

    #[test]
    fn control_characters_are_seen() {
        assert_eq!(sanitise("a\0b\u{8}c\u{7f}d\u{85}e"), "a\u{2400}b\u{2408}c\u{2421}d\u{fffd}e");
        assert_eq!(sanitise("a\r\nb\rc"), "a\nb\nc", "nothing is overwritten");
        assert_eq!(sanitise("\u{202e}desrever\u{202c}"), "\u{fffd}desrever\u{fffd}");
        assert_eq!(sanitise_line("a\nb"), "a\u{240a}b");
    }

    #[test]
    fn commands_of_ci_services_are_broken() {
        assert_eq!(
            sanitise("::error::x\n  ::set-output name=a::b"),
            ": :error::x\n  : :set-output name=a::b"
        );
        assert_eq!(
            sanitise("a ##[error]b ##vso[x] ##teamcity[y"),
            "a # #[error]b # #vso[x] # #teamcity[y"
        );
        assert_eq!(sanitise("\u{1b}[1m::error::x"), ": :error::x");
        assert_eq!(sanitise("std::mem::swap"), "std::mem::swap", "paths stay paths");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(text in any::<String>()) {
            let clean = sanitise(&text);
            prop_assert!(!clean.chars().any(|c| (c.is_control() && c != '\n') || is_deceptive(c)));
            prop_assert!(!clean.lines().any(|l| l.trim_start().starts_with("::")));
            prop_assert!(!COMMAND_MARKERS.iter().any(|m| clean.contains(m)));
            prop_assert_eq!(sanitise(&clean), clean);
        }

        #[test]
        fn escapes_built_from_pieces_do_not_get_through(
            text in "(\u{1b}|\u{9b}|\\[|\\]|:|#|\\[m|31m|\r|\n|vso| |a){0,20}"
        ) {
            let clean = sanitise(&text);
            prop_assert!(!clean.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert!(!clean.lines().any(|l| l.trim_start().starts_with("::")));
            prop_assert!(!COMMAND_MARKERS.iter().any(|m| clean.contains(m)));
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "[a-zA-Z0-9 .,_(){}'/-]{0,80}") {
            prop_assert_eq!(sanitise(&text), text);
        }
    }
}
