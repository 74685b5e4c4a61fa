//! An example, with a test of its own.

fn line() -> String {
    format!(
        "{} and {}",
        workspace::square(1),
        workspace::greet("reader")
    )
}

fn main() {
    println!("{}", line());
}

#[cfg(test)]
mod tests {
    #[test]
    fn starts_with_the_first_square() {
        assert!(super::line().starts_with("1 and "));
    }
}
