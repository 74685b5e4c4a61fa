//! A test behind `cfg(not(target_env = "musl"))` is not skipped on musl: it is not there. Nothing
//! fails and nothing is reported as ignored, there is only one test fewer, and perhaps it was left
//! out because it failed. So a test that disappears counts as much as one that breaks. The other way
//! round, a test that only musl has is news but no harm.

#[cfg(test)]
mod tests {
    #[test]
    fn is_always_there() {}

    #[test]
    #[cfg(not(target_env = "musl"))]
    fn is_left_out_on_musl() {}

    #[test]
    #[cfg(target_env = "musl")]
    fn is_there_on_musl_only() {}
}
