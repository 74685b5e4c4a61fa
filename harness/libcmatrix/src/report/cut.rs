//! Long text made short, never in the middle of a character. Pure.

/// The first `most` bytes of `text`, or a little less.
#[must_use]
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// The last `most` bytes of `text`, or a little less.
#[must_use]
pub fn tail(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let start = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[start..]
}

/// The beginning of a line; where that is not all of it, an ellipsis shows it. At most `most` bytes,
/// which are three at least.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}\u{2026}", head(text, most.saturating_sub('\u{2026}'.len_utf8())))
}

/// Beginning and end of an output, with what is missing between them told of. The parts that are kept
/// have `most` bytes at most; the end, where errors mostly stand, gets three quarters of them.
#[must_use]
pub fn middle(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let (first, last) = (head(text, most / 4), tail(text, most - most / 4));
    let cut = text.len() - first.len() - last.len();
    format!("{first}\n[{cut} bytes are left out here; run.json has them]\n{last}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_short_stays() {
        assert_eq!((head("abc", 3), tail("abc", 3)), ("abc", "abc"));
        assert_eq!((line("abc", 3), middle("abc", 3)), ("abc".into(), "abc".into()));
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!((head("aéé", 2), tail("ééa", 2)), ("a", "a"));
        assert_eq!(line("abcdef", 5), "ab\u{2026}");
        let text = "head".repeat(2) + &"x".repeat(100) + "the end!";
        let expected = "head\n[100 bytes are left out here; run.json has them]\nxxxxthe end!";
        assert_eq!(middle(&text, 16), expected);
    }

    proptest! {
        #[test]
        fn never_more_than_asked_for(text in any::<String>(), most in 3usize..64) {
            prop_assert!(head(&text, most).len() <= most && text.starts_with(head(&text, most)));
            prop_assert!(tail(&text, most).len() <= most && text.ends_with(tail(&text, most)));
            prop_assert!(line(&text, most).len() <= most);
        }
    }
}
