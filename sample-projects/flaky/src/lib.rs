//! A test that passes on every other attempt, on both sides. It counts its attempts by files that it
//! leaves in its package root, so it is as regular as a flaky test can be: of two attempts one
//! passes, whichever side runs first. That is reported as unstable, and not held against musl.

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    /// Which attempt this is, from 1. Files are made such that no two attempts get one number.
    fn attempt() -> usize {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let free =
            |number: &usize| File::create_new(root.join(format!("attempt-{number}"))).is_ok();
        (1..1000).find(free).expect("the package root is writable")
    }

    #[test]
    fn passes_every_other_time() {
        let attempt = attempt();
        assert!(attempt % 2 == 1, "attempt {attempt} fails");
    }

    #[test]
    fn passes_every_time() {}
}
