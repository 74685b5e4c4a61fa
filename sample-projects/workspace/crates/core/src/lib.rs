//! The member that the others use.

/// A greeting, or only the name when the feature is off.
///
/// ```
/// assert!(workspace_core::greet("you").ends_with("you"));
/// ```
pub fn greet(name: &str) -> String {
    if cfg!(feature = "greeting") {
        format!("hello, {name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn working_directory_is_that_of_the_member() {
        assert!(std::env::current_dir().unwrap().ends_with("crates/core"));
        assert!(std::path::Path::new("src/lib.rs").exists());
    }

    #[test]
    fn names_the_greeted() {
        assert!(super::greet("Ada").contains("Ada"));
    }
}
