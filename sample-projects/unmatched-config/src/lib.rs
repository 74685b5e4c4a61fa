//! The project brings a `.cargo/config.toml` with a linker, a runner and compiler flags for one
//! target, and pins an old toolchain. Either would leave the two sides with different builds, or with
//! none. The run overrides all of it and gives both sides the compiler and the linkage of their
//! environment: the tests look at what they were built with.

#[cfg(test)]
mod tests {
    #[test]
    fn is_built_without_the_flags_of_the_project() {
        #[cfg(config_of_the_project)]
        panic!("the flags of the project's configuration were used");
    }

    #[test]
    fn is_linked_as_the_environment_says() {
        assert_eq!(
            cfg!(target_feature = "crt-static"),
            cfg!(target_env = "musl")
        );
    }

    #[test]
    fn is_built_by_a_newer_compiler_than_the_pinned_one() {
        // The pinned 1.60 does not know this method, which came with 1.70.
        assert!(Some(3).is_some_and(|number| number > 2));
    }
}
