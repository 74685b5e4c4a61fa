//! Sentences with code between backquotes, as pieces for a page.

/// Text, or code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub is_code: bool,
    pub text: String,
}

/// The pieces of a sentence. With a backquote that has no partner, it is all text.
pub(super) fn pieces(sentence: &str) -> Vec<Piece> {
    if sentence.matches('`').count() % 2 == 1 {
        return vec![Piece { is_code: false, text: sentence.to_owned() }];
    }
    let parts = sentence.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    parts.map(|(n, text)| Piece { is_code: n % 2 == 1, text: text.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_between_backquotes() {
        let piece = |is_code, text: &str| Piece { is_code, text: text.into() };
        let expected = [piece(true, "apk add x"), piece(false, " or "), piece(true, "y")];
        assert_eq!(pieces("`apk add x` or `y`"), expected);
        assert_eq!(pieces("it`s"), [piece(false, "it`s")]);
        assert_eq!(pieces(""), []);
    }
}
