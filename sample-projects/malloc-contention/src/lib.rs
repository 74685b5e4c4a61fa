//! Threads that allocate and free small pieces all the time. glibc gives each thread a store of its
//! own; musl has one lock for all of them, and what it gives back to the system must be brought in
//! again. The result is the same, and takes longer.

use std::thread;

/// Each of some threads makes `pieces` vectors and keeps the last 64; gives how many bytes those have.
pub fn churn(threads: usize, pieces: usize) -> usize {
    let work = move || {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for n in 0..pieces {
            kept.push(Vec::with_capacity(16 + n * 37 % 500));
            if kept.len() > 64 {
                kept.swap_remove(n * 31 % 64);
            }
        }
        kept.iter().map(Vec::capacity).sum::<usize>()
    };
    let started: Vec<_> = (0..threads).map(|_| thread::spawn(work)).collect();
    started.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
}

#[cfg(test)]
mod tests {
    use super::churn;

    #[test]
    fn a_few_pieces() {
        assert!(churn(2, 100) > 0);
    }

    #[test]
    fn threads_that_allocate_all_the_time() {
        assert!(churn(4, 1_000_000) > 0);
    }
}
