//! A member that is a program and nothing else.

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    println!("{}", workspace_core::greet(&name));
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_has_unit_tests_too() {
        assert_eq!(env!("CARGO_BIN_NAME"), "workspace-tool");
    }
}
