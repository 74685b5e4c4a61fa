//! Greets.

/// The greeting for somebody.
pub fn greeting(name: &str) -> String {
    format!("hello, {name}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_greets() {
        assert_eq!(super::greeting("you"), "hello, you");
    }
}
