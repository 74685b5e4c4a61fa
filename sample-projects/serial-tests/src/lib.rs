//! Tests that must not run beside each other take turns by a lock of the crate `serial_test`. It is a
//! lock in memory: it holds where all tests run in one process, and not between processes.

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, thread, time::Duration};

    use serial_test::serial;

    /// Fails if another test is here at the same time.
    fn alone() {
        let taken = Path::new(env!("CARGO_MANIFEST_DIR")).join("taken");
        fs::File::create_new(&taken).expect("nobody else is here");
        thread::sleep(Duration::from_millis(300));
        fs::remove_file(taken).expect("nobody else was here");
    }

    #[test]
    #[serial]
    fn first() {
        alone();
    }

    #[test]
    #[serial]
    fn second() {
        alone();
    }

    #[test]
    #[serial]
    fn third() {
        alone();
    }
}
