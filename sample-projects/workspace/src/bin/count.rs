//! Counts the words of its input.

use std::io::Read;

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    println!("{}", count(&text));
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_words() {
        assert_eq!(super::count(" one  two "), 2);
    }
}
