//! A test that takes memory without end is stopped by the limit of the environment: the kernel kills
//! it. That is an outcome of its own, not a crash by SIGKILL, and the same on both sides. Its
//! siblings, which need next to nothing, keep their results. Where no limit holds, the test gives up
//! at 3 GiB by itself instead of taking the machine down.

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn takes_memory_without_end() {
        let mut taken = Vec::new();
        while taken.len() < 3 * 1024 {
            // Written to with something that is not 0, so that every page is really needed.
            taken.push(black_box(vec![taken.len() as u8 | 1; MIB]));
        }
        panic!("no limit has stopped this at {} MiB", taken.len());
    }

    #[test]
    fn needs_nothing() {
        assert_eq!(black_box(1) + 1, 2);
    }

    #[test]
    fn needs_little() {
        assert_eq!(black_box(vec![1_u8; 4096]).len(), 4096);
    }
}
