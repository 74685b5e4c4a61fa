//! A procedural macro. It runs inside the compiler, and so does its unit test.

use proc_macro::TokenStream;

fn text() -> String {
    (6 * 7).to_string()
}

/// The answer, as a number.
#[proc_macro]
pub fn answer(_input: TokenStream) -> TokenStream {
    text().parse().unwrap()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_answer_is_a_number() {
        assert_eq!(super::text(), "42");
    }
}
